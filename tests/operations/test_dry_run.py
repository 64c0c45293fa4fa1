"""What a job of the schedule would do now is told in numbers, and nothing of it is done."""

import pytest
from sqlalchemy import text

from portal import jobs
from portal.database.transactions import keep
from portal.jobs import SCHEDULE, Job
from portal.operations.jobs import try_out
from tests.support.reading import contents, do, one

jobs.load()
DRY = sorted(name for name, job in SCHEDULE.items() if job.dry_run)


@pytest.fixture
def tried(worker_app, superuser, people, supper):
    """`tried("families.expire")`: the worker tries a job out; what is kept of it."""

    def dry_run(name):
        do(worker_app, try_out, name=name)
        return superuser.execute(
            "select well, outcome from runs where name = %s order by began_at desc limit 1", [f"dry run of {name}"]
        ).fetchone()

    return dry_run


def test_rows_are_counted_and_stay_as_they_were(tried, superuser, alice):
    superuser.execute(
        "insert into one_time_tokens (user_id, purpose, token_hash, code_hash, created_at, expires_at)"
        " select %s, 'reset', sha256(n::text::bytea), sha256(n::text::bytea), now() - interval '3 days',"
        "       now() - interval '2 days' from generate_series(1, 3) n",
        [alice.id],
    )
    _well, outcome = tried("operations.tidy")
    assert "3 rows of one_time_tokens would be deleted." in outcome
    assert one(superuser, "select count(*) from one_time_tokens") == 3


def test_who_would_be_invited(tried, superuser):
    well, outcome = tried("attendance.invite_everybody")
    assert well and "rows would be added to meeting_attendances." in outcome
    assert one(superuser, "select count(*) from meeting_attendances") == 0


@pytest.mark.parametrize("name", DRY)
def test_none_of_them_leaves_anything(name, tried, superuser):
    before = contents(superuser)
    well, outcome = tried(name)
    assert well and outcome.startswith(("It would change nothing.", *"123456789"))
    after = contents(superuser)
    assert after.pop("runs") != before.pop("runs") and after == before


def test_what_is_kept_on_the_way_is_taken_back_too(tried, superuser, monkeypatch):
    def renames_and_fails(db):
        db.execute(text("update users set first_name = 'Other'"))
        keep(db)
        raise ZeroDivisionError

    monkeypatch.setitem(SCHEDULE, "tests.fails", Job("tests.fails", renames_and_fails, dry_run=True))
    with pytest.raises(ZeroDivisionError):
        tried("tests.fails")
    assert one(superuser, "select outcome from runs where name = 'dry run of tests.fails'") == "ZeroDivisionError"
    assert one(superuser, "select count(*) from users where first_name = 'Other'") == 0


def test_twice_in_one_session_counts_anew(tried, superuser):
    assert tried("attendance.invite_everybody") == tried("attendance.invite_everybody")


def test_what_asks_somebody_outside_is_not_tried(tried):
    assert tried("mail.read_inbox") is None
