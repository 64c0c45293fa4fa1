"""What the database could not do just now is done a little later, and once; a defect is not tried again."""

import threading
import time

import pytest
from sqlalchemy import insert, text

from portal.audit.models import SystemLog
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.database.transactions import each
from portal.jobs import job
from tests.support.reading import one

pytestmark = pytest.mark.usefixtures("jobs_of_tests")
MEETS: list[str] = []
"""What the next tries of the job meet."""

HOLD = "select from users where first_name = %s for update"


@job("tests.meets")
def meets(session):
    """Write a log row, meet what there is to meet, and note in the log that it was done."""
    session.execute(insert(SystemLog).values(level="info", message="begun", category="cron"))
    if MEETS:
        session.execute(text(MEETS.pop(0)))
        session.execute(text("select from users where first_name = 'Alice' for update"))


@job("tests.meets.once", retry=None)
def meets_once(session):
    """The control: the same without another try."""
    meets.function(session)


@pytest.fixture
def handed_in(app, database, work, superuser):
    """`handed_in(job)`: the job is handed in and tried."""

    def hand(job=meets):
        with app.app_context():
            job.enqueue(db.session())
            db.session.commit()
        work()

    MEETS.clear()
    return hand


@pytest.fixture
def later(superuser, work):
    """`later()`: the next try is due, and made."""

    def passes():
        superuser.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
        work()

    return passes


def states(superuser):
    found = superuser.execute("select status::text from procrastinate_jobs where task_name ~ 'tests.meets' order by id")
    return [state for (state,) in found]


def done(superuser):
    return one(superuser, "select count(*) from system_logs where message = 'begun'")


@pytest.fixture
def deadlock(database, people):
    """Somebody holds Alice and wants Bob as soon as somebody else waits for Alice; the other one will be told to give in."""
    MEETS.append("select from users where first_name = 'Bob' for update")
    other = database.connect()
    other.execute("set deadlock_timeout = '1min'")
    other.execute(HOLD, ["Alice"])
    wants = threading.Thread(target=lambda: (waited_for(database), other.execute(HOLD, ["Bob"]), other.rollback()))
    wants.start()
    yield
    wants.join()
    other.close()


def waited_for(database):
    """Until a worker waits for somebody's row."""
    waits = (
        "select count(*) from pg_stat_activity where datname = current_database() and usename = 'portal_worker'"
        " and wait_event_type = 'Lock'"
    )
    with database.connect(autocommit=True) as looking:
        until = time.monotonic() + 10
        while not one(looking, waits) and time.monotonic() < until:
            time.sleep(0.02)


def test_a_job_that_meets_a_deadlock_is_done_later_and_once(handed_in, deadlock, later, superuser):
    handed_in()
    assert states(superuser) == ["todo"] and done(superuser) == 0
    later()
    later()
    assert states(superuser) == ["succeeded"] and done(superuser) == 1


def test_a_job_that_loses_the_database_is_done_later_and_once(handed_in, later, superuser, people):
    MEETS.append("select pg_terminate_backend(pg_backend_pid())")
    handed_in()
    assert states(superuser) == ["todo"] and done(superuser) == 0
    later()
    assert states(superuser) == ["succeeded"] and done(superuser) == 1


def test_without_another_try_the_same_fails_for_good(handed_in, later, superuser, people):
    MEETS.append("select pg_terminate_backend(pg_backend_pid())")
    handed_in(meets_once)
    later()
    assert states(superuser) == ["failed"] and done(superuser) == 0


def test_what_is_wrong_in_itself_is_tried_once(handed_in, superuser, people):
    MEETS.append("select 1 / 0")
    handed_in()
    assert states(superuser) == ["failed"]


def test_a_job_gives_up_after_six_tries(handed_in, later, superuser, people):
    MEETS.extend(["select pg_terminate_backend(pg_backend_pid())"] * 9)
    handed_in()
    for _ in range(8):
        later()
    assert states(superuser) == ["failed"] and len(MEETS) == 3


def test_one_thing_after_the_other_keeps_what_was_done_before_it_stopped(worker_app, superuser, people):
    def note(number):
        db.session.execute(insert(SystemLog).values(level="info", message=str(6 // number), category="cron"))

    with worker_app.app_context():
        act_as(db.session(), WORKER)
        with pytest.raises(ZeroDivisionError):
            list(map(note, each(db.session(), [2, 1, 0])))
    assert superuser.execute("select message from system_logs order by message").fetchall() == [("3",), ("6",)]
