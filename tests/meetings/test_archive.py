"""What is a year old: out of every list, and in every number as what it was."""

from datetime import timedelta

import pytest

from portal import clock
from portal.meetings import jobs
from tests.support.reading import do, invite, one, plan, words

YEAR = timedelta(days=366)


@pytest.fixture
def old(superuser, people):
    """Held thirteen months ago, with the address of its room still known."""
    return plan(
        superuser,
        "Old",
        days=-400,
        status="completed",
        meeting_link="https://meet.example/x",
        meeting_id="e",
        provision_state="ready",
    )


@pytest.fixture
def archive(worker_app):
    """`archive()`: the job of the night, twice."""

    def night(moment=None):
        do(worker_app, jobs.archive, moment)
        do(worker_app, jobs.archive, moment)

    return night


def test_what_ended_a_year_ago_is_archived_with_its_former_state(archive, superuser, old):
    plan(superuser, "Fallen", days=-400, status="cancelled", cancellation_reason="Ill.")
    archive()
    rows = superuser.execute(
        "select title, status, archived_from, archived_at is not null from meetings order by title"
    )
    assert rows.fetchall() == [("Fallen", "archived", "cancelled", True), ("Old", "archived", "completed", True)]
    assert one(superuser, "select count(*) from system_logs where operation = 'meetings.archived'") == 1


def test_the_rooms_address_is_erased(archive, superuser, old):
    archive()
    row = superuser.execute("select meeting_link, meeting_id, provision_state from meetings").fetchone()
    assert row == (None, None, "gone")


def test_a_day_earlier_it_stays_and_so_does_what_was_never_settled(archive, superuser, database):
    nearly = plan(superuser, "Nearly", days=-364, status="completed")
    plan(superuser, "Never settled", days=-400, status="active")
    archive()
    assert one(superuser, "select count(*) from meetings where status = 'archived'") == 0
    archive(nearly.ends_at + YEAR)
    assert one(superuser, "select title from meetings where status = 'archived'") == "Nearly"


def test_many_are_archived_in_batches(archive, superuser, database, monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 2)
    for days in range(5):
        plan(superuser, f"Old {days}", days=-400 - days, status="completed")
    archive()
    assert one(superuser, "select count(*) from meetings where status = 'archived'") == 5


def test_it_leaves_the_lists_and_keeps_its_page(archive, sign_in, superuser, charlie, old):
    invite(superuser, charlie, old, answer="accepted", joined_at=old.starts_at, join_duration=57, outcome="attended")
    archive()
    his = sign_in(charlie)
    assert "Old" not in words(his.get("/meetings/past"))
    assert "1 person came." in words(his.get(f"/meetings/{old.id}")) and "You stayed 57 minutes." in words(
        his.get(f"/meetings/{old.id}")
    )


def test_a_cancelled_one_still_says_so(archive, sign_in, superuser, charlie):
    fallen = plan(superuser, "Fallen", days=-400, status="cancelled", cancellation_reason="The host was ill.")
    archive()
    assert "Cancelled" in words(sign_in(charlie).get(f"/meetings/{fallen.id}"))


def test_the_numbers_stay_what_they_were(archive, as_, superuser, dora, charlie, old):
    invite(superuser, charlie, old, answer="accepted", joined_at=old.starts_at, join_duration=57, outcome="attended")
    query = "select status, invited_count, attended_count, avg_duration from meeting_statistics"
    with as_(dora) as db:
        before = db.execute(query).fetchone()
    archive()
    with as_(dora) as db:
        assert db.execute(query).fetchone() == before and before[0] == "completed"


def test_an_admin_still_finds_it(archive, sign_in, dora, old):
    archive()
    hers = sign_in(dora)
    assert "Old" in words(hers.get("/admin/meetings/past")) and "Numbers" in words(
        hers.get(f"/admin/meetings/{old.id}")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "archived_from = null",
        "meeting_link = 'https://meet.example/x'",
        "archived_from = 'scheduled'",
        "archived_at = null",
    ],
)
def test_the_database_keeps_an_archived_row_whole(archive, superuser, old, wrong):
    archive()
    with pytest.raises(Exception, match="check_archived"):
        superuser.execute(f"update meetings set {wrong}")


def test_the_clock_is_the_rules(archive, superuser, database):
    meeting = plan(superuser, "Soon", days=3, status="completed")
    archive(clock.now() + YEAR)
    assert one(superuser, "select status from meetings") == "completed"
    archive(meeting.ends_at + YEAR)
    assert one(superuser, "select status from meetings") == "archived"
