"""The pages of operations: red when something is broken, numbers that are true, and nothing for anybody but admins."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from portal.operations import monitor
from portal.operations.models import size
from tests.support.reading import rows, words


@pytest.fixture
def heard(superuser):
    """A worker is at work."""
    superuser.execute("insert into procrastinate_workers (last_heartbeat) values (now())")


def made(superuser, **columns):
    row = {
        "file": "club-1.dump",
        "club_at": datetime.now(UTC),
        "bytes": 2_400_000,
        "sha256": "a" * 64,
        "revision": "v2",
        "row_counts": "{}",
        **columns,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    superuser.execute(f"insert into backups ({names}) values ({marks})".encode(), list(row.values()))


def test_a_club_without_backups_is_not_told_that_all_is_well(desk, heard):
    page = words(desk.get("/admin/operations"))
    assert page.startswith("One thing wants a look.") and "No backups are made. Set BACKUPS to a folder." in page


def ran(superuser, *names, ago="1 hour"):
    for name in names:
        superuser.execute(
            "insert into runs (name, began_at, ended_at, well, outcome) values"
            " (%s, now() - cast(%s as interval), now() - cast(%s as interval) + interval '95 seconds',"
            "  true, 'Deleted 3 mails.')",
            [name, ago, ago],
        )


def test_before_anything_ran_that_is_said_and_every_task_is_listed(desk, heard, superuser, settings_with_backups):
    made(superuser)
    answer = desk.get("/admin/operations")
    assert words(answer, "h1") == "Nothing has run yet."
    listed = [row for row in rows(answer, "tr") if " every " in row]
    assert len(listed) == 5 and all(row.endswith("Not yet") for row in listed)


def test_when_all_of_the_schedule_ran_in_time_the_heading_says_so(desk, heard, superuser, settings_with_backups):
    made(superuser)
    ran(superuser, "backup", "check", "proof", "statistics")
    assert words(desk.get("/admin/operations"), "h1") == "All is well so far; some of the schedule has not run yet."
    ran(superuser, "tidying")
    page = words(desk.get("/admin/operations"))
    assert page.startswith("Everything ran on time.") and "Done Deleted 3 mails." in page and "95 s" in page


def test_a_task_that_did_not_run_in_its_time_is_late(desk, heard, superuser, settings_with_backups):
    made(superuser)
    ran(superuser, "tidying", ago="40 hours")
    ran(superuser, "statistics", ago="40 hours")
    page = words(desk.get("/admin/operations"))
    assert page.startswith("One thing wants a look.") and "Tidying up is late: it should run every day." in page


def test_the_last_fourteen_days_of_backups_are_drawn(desk, heard, superuser, settings_with_backups):
    for days in (0, 3, 20):
        made(superuser, file=f"club-{days}.dump", made_at=datetime.now(UTC) - timedelta(days=days))
    assert "2 of the last 14 days have a backup. Newest: today at" in words(desk.get("/admin/operations"))


def test_a_broken_promise_is_named_with_its_rows_and_told_on_today(desk, heard, superuser):
    superuser.execute(
        "insert into runs (name, ended_at, well, outcome, details) values"
        " ('check', clock_timestamp(), false, '31 promises were counted, 1 broken.', '{\"Nobody waits\": 2}')"
    )
    page = words(desk.get("/admin/operations"))
    assert "Two things want a look." in page and "Nobody waits: broken by 2 rows." in page
    today = words(desk.get("/admin"))
    assert "wants a look." in today and "The nightly check found 1 broken promise" in today


def test_a_backup_that_did_not_come_back_turns_the_page_red(desk, heard, superuser, settings_with_backups):
    made(superuser, proved=False, proved_at=datetime.now(UTC), proof="club-1.dump is not as it was written.")
    answer = desk.get("/admin/operations")
    assert "A backup could not be restored: club-1.dump is not as it was written." in words(answer)
    assert 'class="said bad"' in answer.text and "Broken" in words(answer) and "2.4 MB" in words(answer)


def test_a_backup_that_came_back_is_said_to_have(desk, heard, superuser, settings_with_backups):
    made(superuser, proved=True, proved_at=datetime.now(UTC), proof="70 rows in 30 tables came back.")
    page = words(desk.get("/admin/operations"))
    assert page.startswith("Nothing has run yet.") and "Restored as a test 70 rows in 30 tables came back." in page
    assert "SHA-256 aaaaaaaaaaaa…" in page


def rehearsed(superuser, **details):
    found = {
        "backup": "club-20261130-031500.dump",
        "days": 30,
        "version": "2.1.0",
        "counts": {"mails": {"digest": 1412, "reminder": 58}, "charges": {"paid": 2}, "access_ends": {"": 3}},
        "paid": {"USD": "$24.00"},
        "than": {"backup": "club-20261129-031500.dump", "version": "2.0.0"},
        "differences": [],
        "different_lines": 0,
        **details,
    }
    superuser.execute(
        "insert into runs (name, began_at, ended_at, well, outcome, details) values"
        " ('rehearsal', now() - interval '1 hour', now(), true, 'All of it.', %s)",
        [Jsonb(found)],
    )


def test_the_last_rehearsal_is_told_in_numbers_with_what_differs(desk, superuser):
    assert "There was none yet." in words(desk.get("/admin/operations"))
    rehearsed(superuser, differences=["Charges, paid: 3 then, 2 now"], different_lines=2)
    page = words(desk.get("/admin/operations"))
    assert "30 days from club-20261130-031500.dump, by version 2.1.0" in page
    assert "1,470 mails" in page and "3 ends of access" in page and "$24.00 paid" in page
    assert "Charges, paid: 3 then, 2 now" in page and "2 lines of the report differ." in page


def test_a_rehearsal_like_the_one_before_says_that_nothing_differs(desk, superuser):
    rehearsed(superuser)
    assert "What differs Nothing Compared with" in words(desk.get("/admin/operations"))


def test_a_rehearsal_that_runs_says_so(desk, superuser):
    superuser.execute("insert into runs (name) values ('rehearsal')")
    assert "Running It began today at" in words(desk.get("/admin/operations"))


def test_a_rehearsal_that_did_not_end_says_why(desk, superuser):
    superuser.execute(
        "insert into runs (name, ended_at, well, outcome) values ('rehearsal', now() + interval '1 minute', false, 'There is no backup.')"
    )
    assert "Failed There is no backup." in words(desk.get("/admin/operations"))


@pytest.fixture
def settings_with_backups(app, monkeypatch, tmp_path):
    """A club that keeps backups."""
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], backups=tmp_path))


def test_jobs_that_failed_are_counted_by_name_and_mails_too(desk, heard, superuser):
    superuser.execute(
        "insert into procrastinate_jobs (id, queue_name, task_name, status)"
        " values (900, 'default', 'billing.refetch', 'failed')"
    )
    superuser.execute("insert into procrastinate_events (job_id, type, at) values (900, 'failed', now())")
    superuser.execute(
        "insert into mails (kind, recipient, subject, state, created_at) values ('x', 'a@b.example', 'x', 'failed', now())"
    )
    page = words(desk.get("/admin/operations"))
    assert "1 jobs failed in a week" in page and "1 mails failed in a week" in page and "billing.refetch" in page


# --- the database ------------------------------------------------------------------------------------------------------


def test_before_anything_was_counted_it_says_so(desk):
    page = words(desk.get("/admin/operations/database"))
    assert (
        "The database is " in page
        and "Nothing has been counted yet" in page
        and "A forecast needs a week of measurements" in page
    )


def test_the_mean_the_slowest_and_who_counted_them(desk, superuser):
    for ago, *counted in ((0, "select 1", 90, 90, 5), (0, "select slow", 10, 910, 400), (1, "select 1", 10, 40, 7)):
        superuser.execute(
            "insert into statement_timings values ((now() at time zone 'utc')::date - %s, %s, %s, %s, %s)",
            [ago, *counted],
        )
    page = words(desk.get("/admin/operations/database"))
    assert "The database answers in 10 ms." in page, "the mean of today"
    assert "Counted by the portal’s own processes" in page
    assert page.index("select slow") < page.index("select 1") and "select slow 91.00 ms 400.0 ms 10" in page


def test_who_is_connected_in_what_state_but_for_oneself(desk, connect):
    idle = connect("portal_worker")
    idle.execute("select 1")
    page = words(desk.get("/admin/operations/database"))
    assert "portal_worker" in page and "idle in transaction" in page and "of 300" in page


def test_a_members_own_connections_tell_nothing_to_members(sign_in, alice, as_):
    assert sign_in(alice).get("/admin/operations/database").status_code == 404
    with pytest.raises(Exception, match="permission denied"), as_(alice) as db:
        db.execute("select * from open_connections()")


def test_waits_for_the_pool_and_the_last_in_vain(desk, superuser):
    waits = [80, 15, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    superuser.execute(
        "insert into pool_timings values ((now() at time zone 'utc')::date, 100, 42, %s, 1, now())", [waits]
    )
    page = words(desk.get("/admin/operations/database"))
    assert "0.42 ms mean wait" in page and "0.2 ms 95th percentile of that wait" in page and "1 timed out today" in page


@pytest.mark.parametrize(("share", "within"), [(0.5, 0.1), (0.95, 0.2), (0.96, 2), (0.999, 2000)])
def test_a_share_of_the_waits_is_over_within_a_step(share, within):
    assert monitor.percentile([80, 15, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], share) == within


def test_what_grows_by_how_much_and_how_big_it_will_be(desk, superuser):
    superuser.execute(
        "insert into table_sizes select (now() at time zone 'utc')::date - n, 'users', 10, 20000000 - n * 1000000, 0"
        " from generate_series(0, 9) n"
    )
    page = words(desk.get("/admin/operations/database"))
    today, in_a_year = re.search(
        r"It is ([\d.]+) MB, .*It grows by 1.0 MB a day; at this pace it is ([\d.]+) MB on", page
    ).groups()
    assert float(in_a_year) - float(today) == pytest.approx(365, abs=1)
    row = page[page.index("Tables, biggest first") :]
    assert "users" in row and "since" in row


def test_a_table_of_any_name_is_measured(desk, superuser):
    """Sizes were asked for by a name put together from strings, which fails on one that needs quotes."""
    superuser.execute('create table "Odd name; --" (n int)')
    try:
        assert "Odd name; --" in words(desk.get("/admin/operations/database"))
    finally:
        superuser.execute('drop table "Odd name; --"')


def test_an_index_nobody_used_is_named_and_one_that_keeps_a_key_is_not(desk, superuser):
    superuser.execute("create index never_used on sandbox_mails (text)")
    try:
        page = words(desk.get("/admin/operations/database"))
    finally:
        superuser.execute("drop index never_used")
    unused = page[page.index("Never used") : page.index("Index Table Uses")]
    assert "never_used (8 kB)" in unused and "uq_backups_file" not in unused


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 kB"), (8192, "8 kB"), (1_400_000, "1.4 MB"), (23e9, "23.0 GB"), (-2e6, "-2.0 MB")]
)
def test_sizes_in_words(number, said):
    assert size(number) == said


def test_a_forecast_needs_a_direction(desk, superuser):
    superuser.execute(
        "insert into table_sizes select (now() at time zone 'utc')::date - n, 'users', 1, 1000, 0"
        " from generate_series(0, 9) n"
    )
    assert "It has not grown" in words(desk.get("/admin/operations/database"))
