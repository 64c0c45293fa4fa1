"""What is done every night and every week: done when it is due, caught up when it was missed, and noted with its outcome."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
import time_machine
from sqlalchemy import delete

from portal.jobs.runs import is_due, noted
from portal.mail.models import Mail
from portal.operations import jobs
from portal.problems import Problem
from tests.support.reading import do, one, plan

DAY, WEEK = timedelta(days=1), timedelta(days=7)
ZONE = "Europe/Istanbul"


@pytest.fixture
def scheduled(worker_app, settings, database, monkeypatch):
    """`scheduled(jobs.check)`: the worker, in a club that keeps backups, comes to this job."""
    monkeypatch.setitem(worker_app.config, "SETTINGS", settings)
    return lambda job: do(worker_app, job)


@pytest.fixture
def last(superuser):
    """`last("check")`: how its last run ended, and how many there were."""
    return lambda name: (
        one(superuser, "select count(*) from runs where name = %s", name),
        *(
            superuser.execute(
                "select well, outcome from runs where name = %s order by began_at desc limit 1", [name]
            ).fetchone()
            or ()
        ),
    )


# --- when --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "ago", "due"),
    [
        (3, timedelta(hours=23), True),
        (3, timedelta(hours=1), False),
        (15, timedelta(hours=23), False),
        (15, timedelta(hours=29), False),
        (15, timedelta(hours=31), True),
        (2, timedelta(hours=25), False),
    ],
)
def test_nightly_work_is_done_in_the_clubs_night_or_when_that_was_missed(hour, ago, due):
    with time_machine.travel(datetime(2026, 11, 25, hour, 37, tzinfo=ZoneInfo(ZONE)), tick=False):
        assert is_due(datetime.now(UTC) - ago, DAY, ZONE) is due


def test_what_was_never_done_is_due_at_any_hour():
    assert is_due(None, WEEK, ZONE)


# --- noted -------------------------------------------------------------------------------------------------------------


def test_a_run_that_fails_is_noted_and_what_it_began_is_taken_back(at_work, superuser, last, people):
    superuser.execute(
        "insert into mails (kind, recipient, subject, created_at) values ('x', 'a@b.example', 'x', now())"
    )
    with suppress(ZeroDivisionError), noted(at_work, "tidying"):
        at_work.execute(delete(Mail))
        _ = 1 / 0
    assert last("tidying") == (1, False, "ZeroDivisionError")
    assert one(superuser, "select count(*) from mails") == 1


def test_a_run_that_is_under_way_can_be_seen(at_work, superuser):
    with noted(at_work, "tidying"):
        assert superuser.execute("select ended_at, well from runs").fetchone() == (None, None)
    at_work.commit()
    assert superuser.execute("select ended_at > began_at, well from runs").fetchone() == (True, True)


# --- each --------------------------------------------------------------------------------------------------------------


def test_the_nightly_check_counts_every_promise_and_keeps_what_is_broken(scheduled, last, superuser, people, supper):
    superuser.execute(
        "set session_replication_role = replica; update meetings set seats_taken = 1; set session_replication_role = origin"
    )
    scheduled(jobs.check)
    assert last("check")[:2] == (1, False) and "promises were counted, 1 broken." in last("check")[2]
    assert one(superuser, "select details from runs") == {
        "A meeting's seats taken are its accepted and offered answers": 1
    }
    scheduled(jobs.check)
    assert last("check")[0] == 1, "once a night"


def test_a_check_of_a_club_in_order_says_so(scheduled, last, people, supper):
    scheduled(jobs.check)
    assert last("check")[1] is True and last("check")[2].endswith("none broken.")


def test_a_backup_a_night_and_a_proof_a_week(scheduled, last, superuser, settings, people):
    for _ in range(2):
        scheduled(jobs.back_up)
        scheduled(jobs.prove)
    assert last("backup")[:2] == (1, True) and last("proof")[:2] == (1, True)
    assert superuser.execute("select proved from backups").fetchall() == [(True,)]
    superuser.execute("update backups set made_at = made_at - interval '2 days'")
    superuser.execute(
        "update runs set began_at = began_at - interval '2 days', ended_at = ended_at - interval '2 days'"
    )
    monday = datetime.now(UTC) + timedelta(seconds=2)  # another second, another file
    with time_machine.travel(monday):
        scheduled(jobs.back_up)
        scheduled(jobs.prove)
    assert last("backup")[0] == 2 and last("proof")[0] == 1


def test_a_backup_that_fails_is_noted_and_tried_again_within_the_hour(scheduled, last, settings, people, monkeypatch):
    def full(*_):
        raise Problem("pg_dump did not go through: No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(jobs.backup, "dump", full)
        scheduled(jobs.back_up)
    assert last("backup") == (1, False, "pg_dump did not go through: No space left on device")
    scheduled(jobs.back_up)
    assert last("backup")[:2] == (2, True)


def test_a_broken_backup_is_noted_and_no_job_fails(scheduled, last, settings, people):
    scheduled(jobs.back_up)
    next(settings.backups.glob("*.dump")).write_bytes(b"nothing")
    scheduled(jobs.prove)
    assert last("proof")[:2] == (1, False) and "checksum differs" in last("proof")[2]


def test_nothing_is_backed_up_where_no_folder_is_named(worker_app, settings, monkeypatch, last, people):
    monkeypatch.setitem(worker_app.config, "SETTINGS", replace(settings, backups=None))
    do(worker_app, jobs.back_up)
    do(worker_app, jobs.prove)
    assert last("backup") == (0,) and last("proof") == (0,)


def test_statistics_are_brought_up_to_date_where_autovacuum_did_not(scheduled, last, superuser, people):
    superuser.execute(
        "insert into one_time_tokens (user_id, purpose, token_hash, code_hash, created_at, expires_at)"
        " select (select id from users limit 1), 'reset', n::text::bytea, 'c', now(), now()"
        "   from generate_series(1, 500) n"
    )
    superuser.execute("select pg_stat_force_next_flush()")
    scheduled(jobs.analyse)
    assert last("statistics")[1] is True and last("statistics")[2].startswith("Brought up to date: ")
    superuser.execute("select pg_stat_clear_snapshot()")
    seen = (
        "select last_analyze > now() - interval '1 minute' from pg_stat_user_tables where relname = 'one_time_tokens'"
    )
    assert one(superuser, seen) is True
    scheduled(jobs.analyse)
    assert last("statistics")[0] == 1, "once a week"


def test_tables_are_measured_once_a_day(scheduled, superuser, people):
    for _ in range(2):
        scheduled(jobs.measure)
    sizes = superuser.execute(
        "select count(*), count(distinct name), min(table_bytes), count(distinct day) from table_sizes"
    ).fetchone()
    assert sizes[0] == sizes[1] > 20 and sizes[2] >= 0 and sizes[3] == 1


def test_a_worker_bound_by_the_policies_measures_what_is_there(scheduled, superuser, connect):
    scheduled(jobs.measure)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect("portal_web").execute("select * from table_sizes")


def test_tidying_says_what_went(scheduled, last, superuser, people):
    plan(superuser, "Long ago", days=-92)
    superuser.execute("insert into rate_limits values ('k', 1, now() - interval '1 hour')")
    superuser.execute("insert into table_sizes values (current_date - 401, 'users', 1, 1, 1)")
    superuser.execute("insert into statement_timings values (current_date - 36, 'select 1', 1, 1, 1)")
    superuser.execute(
        "insert into participants (meeting_id, identity) select id, 'iPad von Tom' from meetings where ends_at < now()"
    )
    superuser.execute(
        "insert into room_events (id, platform, kind, provider_id, body, occurred_at, received_at)"
        " values ('e', 'zoom', 'joined', '1', '{}', now(), now() - interval '91 days')"
    )
    scheduled(jobs.tidy)
    said = last("tidying")[2]
    assert all(
        words in said
        for words in (
            "Deleted 1 rate limits",
            "Deleted 1 sizes of tables",
            "Deleted 1 timings of statements",
            "Forgot 1 people in rooms whom nobody knew",
            "Deleted 1 messages of platforms",
        )
    )
    scheduled(jobs.tidy)
    assert last("tidying") == (2, True, "Nothing was old enough.")
