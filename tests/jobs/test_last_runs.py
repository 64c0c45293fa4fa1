"""Of every job the clock calls the last run is kept: one row a job, however often it runs."""

from contextlib import suppress

import pytest

from portal import jobs
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.jobs import Job

ROWS = "select name, well, outcome, ended_at >= began_at from last_runs"


@pytest.fixture
def clock_calls(worker_app, database):
    """`clock_calls(job)`: as the worker does when the clock wants it."""

    def call(job):
        jobs.serve(worker_app)
        with suppress(ZeroDivisionError):
            job.work(timestamp=0)

    return call


def note(db, broken=True):
    """Divide by zero. Not a thing to do."""
    _ = 1 / 0


def test_a_run_writes_over_the_one_before(clock_calls, superuser):
    for _ in range(2):
        clock_calls(jobs.SCHEDULE["operations.measure"])
    assert superuser.execute(ROWS).fetchall() == [("operations.measure", True, None, True)]


def test_one_that_fails_says_with_what_and_what_it_did_is_taken_back(clock_calls, superuser):
    clock_calls(Job("tests.breaks", note, cron="* * * * *"))
    assert superuser.execute(ROWS).fetchall() == [("tests.breaks", False, "ZeroDivisionError", True)]


def test_what_is_not_on_the_schedule_leaves_none(clock_calls, superuser):
    clock_calls(Job("tests.breaks", note))
    assert superuser.execute(ROWS).fetchall() == []


def test_a_job_is_summed_up_by_the_first_sentence_of_its_docstring():
    assert Job("tests.breaks", note).summary == "Divide by zero"
    assert [name for name, job in jobs.SCHEDULE.items() if not job.summary] == []


def test_everything_on_the_schedule_can_be_done_at_once_without_arguments(worker_app, database, superuser):
    for name, job in jobs.SCHEDULE.items():
        if not name.startswith("sandbox."):
            with worker_app.app_context():
                act_as(db.session(), WORKER)
                job.enqueue(db.session())
                db.session.rollback()
