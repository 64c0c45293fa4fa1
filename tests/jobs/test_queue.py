"""Work leaves with the change, is done once, by a login of its own, and a bad job ends."""

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from procrastinate import RetryStrategy
from psycopg.types.json import Jsonb
from sqlalchemy import insert, text

from portal import clock, jobs
from portal.attendance.jobs import sweep
from portal.audit.models import SystemLog
from portal.config import ROOT
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.jobs import job
from portal.operations import jobs as housekeeping
from tests.support.cast import FAMILY
from tests.support.handed_in import handed_in, sources
from tests.support.reading import do

pytestmark = pytest.mark.usefixtures("jobs_of_tests")
DONE: list[str] = []


@job("tests.note")
def note(session, what="noted"):
    """Write a log row, and remember that it was done."""
    DONE.append(what)
    session.execute(insert(SystemLog).values(level="info", message=what, category="cron"))


@job("tests.alone", lock="tests:{thing}")
def alone(session, what, thing):
    """Only one about the same thing at a time."""


@job("tests.fail")
def fail(session):
    """Write a log row and fail."""
    DONE.append("half done")
    session.execute(insert(SystemLog).values(level="info", message="half done", category="cron"))
    raise RuntimeError("a defect")


@job("tests.who")
def who(session):
    """Remember as whom the database knows the worker."""
    DONE.append(session.scalar(text("select session_user || ' ' || current_user")))


@pytest.fixture(autouse=True)
def nothing_done():
    DONE.clear()


@pytest.fixture
def queued(superuser):
    """`queued()`: task and status of every job, but for what the clock handed in."""
    jobs_by_hand = "select task_name, status from procrastinate_jobs where task_name ~ 'test|such' order by id"
    return lambda: superuser.execute(jobs_by_hand).fetchall()


# --- handed in -------------------------------------------------------------------------------------------------------


def test_a_job_is_there_when_the_change_is(app, queued, database):
    with app.app_context():
        note.enqueue(db.session())
        assert queued() == []
        db.session.commit()
    assert queued() == [("tests.note", "todo")]


def test_a_change_taken_back_takes_its_job_with_it(app, queued, database, work):
    with app.app_context():
        note.enqueue(db.session())
        db.session.rollback()
    work()
    assert queued() == [] and DONE == []


def test_a_job_is_done_once_with_its_words(app, work, queued, superuser):
    with app.app_context():
        note.enqueue(db.session(), what="Grüße 🌙")
        db.session.commit()
    work()
    work()
    assert queued() == [("tests.note", "succeeded")] and DONE == ["Grüße 🌙"]
    assert superuser.execute("select message from system_logs").fetchall() == [("Grüße 🌙",)]


def test_a_job_for_later_waits_in_real_time_though_the_demos_clock_is_ahead(app, superuser, database):
    with app.app_context(), clock.at(datetime.now(UTC) + timedelta(days=30)):
        note.set(after=timedelta(seconds=10)).enqueue(db.session())
        db.session.commit()
    (waits,) = superuser.execute("select scheduled_at - now() from procrastinate_jobs").fetchone()
    assert timedelta(0) < waits <= timedelta(seconds=10)


def test_of_two_jobs_on_one_thing_the_second_waits(app, superuser, database):
    (worker,) = superuser.execute("insert into procrastinate_workers default values returning id").fetchone()
    with app.app_context():
        for what, thing in (("first", "one"), ("second", "one"), ("another", "two")):
            alone.enqueue(db.session(), what=what, thing=thing)
        db.session.commit()
    take = "select args ->> 'what' from procrastinate_fetch_job_v2(null, %s)"
    assert [superuser.execute(take, [worker]).fetchone() for _ in range(3)] == [("first",), ("another",), (None,)]


def test_the_worker_works_under_its_own_login(app, work, database):
    with app.app_context():
        who.enqueue(db.session())
        db.session.commit()
    work()
    assert DONE == ["portal_worker portal_worker"]


# --- least rights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "select args from procrastinate_jobs",
        "select * from procrastinate_jobs",
        "update procrastinate_jobs set args = '{}'",
        "update procrastinate_jobs set status = 'cancelled'",
        "delete from procrastinate_jobs",
        "select * from procrastinate_events",
        "delete from procrastinate_events",
        "select * from procrastinate_workers",
        "truncate procrastinate_jobs",
        "select procrastinate_fetch_job_v2(null, 1)",
        "select procrastinate_cancel_job_v1(1, true, true)",
    ],
)
def test_who_answers_browsers_hands_in_and_can_do_no_more(statement, app, as_, alice, dora, queued):
    with app.app_context():
        note.enqueue(db.session(), what="private")
        db.session.commit()
    for person in (None, alice, dora):
        try:
            with as_(person) as connection:
                assert "private" not in str(connection.execute(statement).fetchall())
        except psycopg.errors.InsufficientPrivilege:
            continue
    assert queued() == [("tests.note", "todo")]


@pytest.mark.parametrize("status", ["doing", "succeeded", "failed"])
def test_a_job_cannot_be_handed_in_as_done(status, as_, alice):
    row = "insert into procrastinate_jobs (queue_name, task_name, status) values ('default', 'mail.deliver', %s)"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(alice) as connection:
        connection.execute(row, [status])


HAND_IN = "insert into procrastinate_jobs (queue_name, task_name, args) values ('default', %s, %s)"


@pytest.mark.parametrize(
    ("who", "task"),
    [
        (None, "attendance.tell_offer"),
        (None, "billing.stop_own"),
        ("charlie", "calendar.tell_cancelled"),
        ("charlie", "families.take_over"),
        ("charlie", "billing.reconcile"),
        ("dora", "operations.tidy"),
        ("dora", "families.paid"),
        ("charlie", "meetings.archive"),
        (None, "sandbox.keep_going"),
    ],
)
def test_nobody_hands_in_what_follows_from_nothing_they_may_do(as_, request, people, who, task):
    """With SQL as the web's login any job could be queued, about anybody."""
    person = who and request.getfixturevalue(who)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(person) as connection:
        connection.execute(HAND_IN, [task, Jsonb({})])


@pytest.mark.parametrize("who", ["charlie", "dora"])
def test_only_ones_own_subscription_is_ended(as_, request, alice, who):
    """The one job that takes something away names whose it is; a member's is the member, an admin's the admin."""
    person = request.getfixturevalue(who)
    with as_(person) as connection:
        connection.execute(HAND_IN, ["billing.stop_own", Jsonb({"user_id": str(person.id), "when": "now"})])
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(person) as connection:
        connection.execute(HAND_IN, ["billing.stop_own", Jsonb({"user_id": str(alice.id), "when": "now"})])


def test_no_member_causes_a_receipt(as_, charlie):
    with as_(charlie) as connection:
        connection.execute(HAND_IN, ["billing.tell_order", Jsonb({"what": "opened"})])
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(charlie) as connection:
        connection.execute(HAND_IN, ["billing.tell_order", Jsonb({"what": "paid"})])


def test_only_in_a_free_club_is_a_family_for_the_asking(as_, superuser, alice, charlie):
    own, others = (
        ["families.paid", Jsonb({"user_id": str(charlie.id)})],
        ["families.paid", Jsonb({"user_id": str(alice.id)})],
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(charlie) as connection:
        connection.execute(HAND_IN, own)
    superuser.execute("select join_free_club(%s)", [charlie.id])
    with as_(charlie) as connection:
        connection.execute(HAND_IN, own)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(charlie) as connection:
        connection.execute(HAND_IN, others)


def test_in_the_demo_anybody_lets_what_is_due_be_done(as_, superuser):
    superuser.execute("update club_clock set is_sandbox = true")
    with as_(None) as connection:
        connection.execute(HAND_IN, ["sandbox.keep_going", Jsonb({})])


WORKERS_OWN = {
    "portal/billing/snapshot.py",
    "portal/attendance/sources.py",
    "portal/mail/inbox.py",
    "portal/notifications/digest.py",
    "portal/moving/taking.py",
    "portal/rehearsal/month.py",
    "portal/sandbox/club.py",  # plants the demo, as the worker where that is its work
}
"""Besides the jobs themselves: what only the worker runs."""


def test_browsers_may_hand_in_what_follows_from_pages_and_nothing_else(database, backstage):
    """Who forgets to add a new job to the policies, or to take an old one off, reads so here."""
    policies = backstage.execute(
        "select with_check from pg_policies where tablename = 'procrastinate_jobs' and cmd = 'INSERT'"
        " and policyname <> 'tests'"
    ).fetchall()
    lists = [names for (check,) in policies for names in re.findall(r"'\{([^}]*)\}'", check)]
    allowed = {name.strip() for names in lists for name in names.split(",")}
    pages = [file for file in sources() if file.name != "jobs.py" and str(file.relative_to(ROOT)) not in WORKERS_OWN]
    assert {job.name for file in pages for job in handed_in(file)} == allowed


# --- going wrong -----------------------------------------------------------------------------------------------------


def test_a_job_that_fails_leaves_no_trace_and_stops_no_other(app, work, queued, superuser):
    with app.app_context():
        for task in (fail, note):
            task.enqueue(db.session())
        db.session.commit()
    work()
    assert queued() == [("tests.fail", "failed"), ("tests.note", "succeeded")]
    assert superuser.execute("select count(*) from system_logs where message = 'noted'").fetchone() == (1,)


def test_a_job_nobody_knows_fails_and_stops_no_other(app, work, queued, superuser):
    superuser.execute("insert into procrastinate_jobs (queue_name, task_name) values ('default', 'no.such.task')")
    with app.app_context():
        note.enqueue(db.session())
        db.session.commit()
    work()
    assert queued() == [("no.such.task", "failed"), ("tests.note", "succeeded")]


def test_a_worker_ends_well_while_a_job_waits_for_its_next_try(app, work, queued, superuser):
    @job("tests.later", retry=RetryStrategy(max_attempts=2, wait=60))
    def later(session):
        raise OSError("not yet")

    with app.app_context():
        later.enqueue(db.session())
        db.session.commit()
    work()
    assert queued() == [("tests.later", "todo")]
    assert superuser.execute("select count(*) from procrastinate_workers").fetchone() == (0,)


def stalled(superuser, attempts):
    """A job in the hands of a worker that was last heard a minute ago."""
    (worker,) = superuser.execute(
        "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 minute') returning id"
    ).fetchone()
    superuser.execute(
        "insert into procrastinate_jobs (queue_name, task_name, status, worker_id, attempts)"
        " values ('default', 'tests.note', 'doing', %s, %s)",
        [worker, attempts],
    )
    superuser.execute(
        "insert into procrastinate_jobs (queue_name, task_name, args)"
        " values ('default', 'operations.rescue', '{\"timestamp\": 0}')"
    )


def test_the_job_of_a_worker_that_died_is_done_by_another(work, superuser, queued):
    stalled(superuser, attempts=0)
    work()
    work()
    assert dict(queued())["tests.note"] == "succeeded" and DONE == ["noted"]


def test_a_job_that_took_three_workers_with_it_is_stopped(work, superuser, queued):
    stalled(superuser, attempts=3)
    work()
    work()
    assert dict(queued())["tests.note"] == "failed" and DONE == []


def test_everything_on_the_clock_has_its_hour(work):
    regular = {entry.task.name: entry.cron for entry in jobs.queue.periodic_registry.periodic_tasks.values()}
    assert regular["operations.rescue"] == "* * * * *"
    assert {"operations.tidy", "mail.forget"} <= set(regular)


# --- tidying ---------------------------------------------------------------------------------------------------------

TIDY = (
    "insert into procrastinate_jobs (queue_name, task_name, args)"
    " values ('default', 'operations.tidy', '{\"timestamp\": 0}')"
)


@pytest.fixture
def tidy(superuser, work):
    """`tidy()`: the nightly housekeeping."""

    def run():
        superuser.execute(TIDY)
        work()

    return run


def test_what_its_time_is_over_for_goes_and_the_rest_stays(tidy, superuser, people, alice, now):
    day = timedelta(days=1)
    add = superuser.execute
    for number, age in enumerate((0.5, 2)):
        add(
            "insert into one_time_tokens (user_id, purpose, token_hash, code_hash, created_at, expires_at)"
            " values (%s, 'reset', %s, 'x', now(), %s)",
            [alice.id, f"t{number}".encode(), now - age * day],
        )
    for number, age in enumerate((-1, 0.01)):
        add("insert into rate_limits values (%s, 1, %s)", [f"k{number}", now - age * day])
    for number, (seen, ended) in enumerate(((1, None), (1, 1), (100, 91), (91, None))):
        add(
            "insert into sign_ins (user_id, key_hash, device, created_at, seen_at, ended_at)"
            " values (%s, %s, 'x', %s, %s, %s)",
            [alice.id, f"s{number}".encode(), now - 100 * day, now - seen * day, ended and now - ended * day],
        )
    for number, (age, verified) in enumerate(((6, False), (8, False), (8, True))):
        add(
            "insert into users (email, created_at, email_verified) values (%s, %s, %s)",
            [f"u{number}@x.example", now - age * day, verified],
        )
    for message, age, category, level in (
        ("young", 89, "user", "info"),
        ("old", 91, "user", "info"),
        ("bad", 364, "api", "error"),
        ("old bad", 366, "api", "error"),
        ("safe", 729, "security", "info"),
        ("old safe", 731, "security", "warn"),
    ):
        add(
            "insert into system_logs (message, timestamp, category, level) values (%s, %s, %s, %s)",
            [message, now - age * day, category, level],
        )
    tidy()
    assert add("select token_hash from one_time_tokens").fetchall() == [(b"t0",)]
    assert add("select key from rate_limits").fetchall() == [("k0",)]
    assert add("select key_hash from sign_ins order by 1").fetchall() == [(b"s0",), (b"s1",)]
    assert add("select email from users where email like 'u%' order by 1").fetchall() == [
        ("u0@x.example",),
        ("u2@x.example",),
    ]
    left = {row[0] for row in add("select message from system_logs where category <> 'cron'")}
    assert left == {"young", "bad", "safe"}
    messages = {row[0] for row in add("select message from system_logs where category = 'cron'")}
    assert "Deleted 1 unconfirmed sign-ups" in messages and "Deleted 3 log rows" in messages


def test_done_jobs_are_kept_two_days(app, work, tidy, superuser):
    with app.app_context():
        for _ in range(2):
            note.enqueue(db.session())
        db.session.commit()
    work()
    superuser.execute(
        "update procrastinate_events set at = now() - interval '3 days' where job_id ="
        " (select min(id) from procrastinate_jobs)"
    )
    tidy()
    assert superuser.execute("select count(*) from procrastinate_jobs where task_name = 'tests.note'").fetchone() == (
        1,
    )


def test_network_addresses_are_shortened_after_a_month(tidy, superuser, people, alice, now):
    for age, address in ((29, "203.0.113.77"), (31, "203.0.113.77"), (31, "2001:db8:1:2::77"), (31, None)):
        then = now - timedelta(days=age)
        superuser.execute(
            "insert into system_logs (level, message, timestamp, ip_address, category)"
            " values ('info', 'x', %s, %s, 'security')",
            [then, address],
        )
        superuser.execute(
            "insert into sign_ins (user_id, key_hash, device, created_at, seen_at, network)"
            " values (%s, %s, 'x', %s, %s, %s)",
            [alice.id, f"{age}{address}".encode(), then, then, address],
        )
    tidy()
    shortened = ["2001:db8:1::/48", "203.0.113.0/24", "203.0.113.77", None]
    for column, table in (("ip_address", "system_logs where message = 'x'"), ("network", "sign_ins")):
        found = superuser.execute(f"select {column}::text from {table} order by 1").fetchall()
        assert [value and value.removesuffix("/32") for (value,) in found] == shortened


def test_a_sign_in_that_never_gave_its_code_goes_after_a_day(tidy, superuser, people, alice, now):
    for hours, waits in ((23, True), (25, True), (25, False)):
        superuser.execute(
            "insert into sign_ins (user_id, key_hash, device, created_at, seen_at, waits)"
            " values (%s, %s, %s, %s, %s, %s)",
            [alice.id, f"{hours}{waits}".encode(), f"{hours} {waits}", now, now - timedelta(hours=hours), waits],
        )
    tidy()
    assert superuser.execute("select device from sign_ins order by 1").fetchall() == [("23 True",), ("25 False",)]


def test_a_mail_is_remembered_for_a_year(tidy, superuser, database, now):
    for days, state in ((364, "sent"), (366, "sent"), (367, "queued")):
        superuser.execute(
            "insert into mails (kind, recipient, subject, created_at, state) values (%s, 'a@x.example', 'x', %s, %s)",
            [f"{days}", now - timedelta(days=days), state],
        )
    tidy()
    assert superuser.execute("select kind from mails order by kind").fetchall() == [("364",), ("367",)]


def test_an_address_that_sent_mails_back_is_forgotten_a_year_after_the_last(tidy, superuser, database, now):
    for days in (364, 366):
        superuser.execute(
            "insert into unreachable_addresses (address_key, hard, reason, first_at, last_at) values (%s, true, '550', %s, %s)",
            [f"{days}@x.example", now - timedelta(days=500), now - timedelta(days=days)],
        )
    tidy()
    assert superuser.execute("select address_key from unreachable_addresses").fetchall() == [("364@x.example",)]


def test_the_clock_alone_makes_a_sign_up_go(superuser, worker_app, client, now):
    client.submit("/sign-up", email="new@x.example", first_name="N", timezone="UTC")
    query = "select count(*) from users"
    for days, left in ((6.9, 1), (7.1, 0)):
        do(worker_app, housekeeping.tidy, now + timedelta(days=days))
        assert superuser.execute(query).fetchone() == (left,)


def test_more_than_a_batch_goes_in_one_night(tidy, superuser, database):
    superuser.execute(
        "insert into rate_limits select 'k' || n, 1, now() - interval '1 hour' from generate_series(1, 10001) n"
    )
    tidy()
    assert superuser.execute("select count(*) from rate_limits").fetchone() == (0,)
    assert superuser.execute("select message from system_logs").fetchall() == [("Deleted 10001 rate limits",)]


def test_the_schedule_goes_on_while_an_earlier_tick_still_waits(worker_app, superuser, work):
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        for _tick in range(3):
            sweep.enqueue(db.session())
        db.session.commit()
    work()
    states = superuser.execute(
        "select distinct status::text from procrastinate_jobs where task_name = 'attendance.sweep'"
    )
    assert states.fetchall() == [("succeeded",)]
    assert superuser.execute("select count(*) from procrastinate_jobs where queueing_lock is not null").fetchone() == (
        0,
    )


def test_a_sign_up_asked_for_again_is_not_old(superuser, worker_app, client, now):
    client.submit("/sign-up", email="new@x.example", first_name="N", timezone="UTC")
    with clock.at(now + timedelta(days=6.5)):
        client.submit("/verify/again")
    query = "select count(*) from users"
    for days, left in ((7.2, 1), (7.6, 0)):
        do(worker_app, housekeeping.tidy, now + timedelta(days=days))
        assert superuser.execute(query).fetchone() == (left,)


def test_addresses_of_invitations_nobody_took_go_after_ninety_days(tidy, superuser, people, now):
    for days, state in ((89, "expired"), (91, "expired"), (91, "declined"), (91, "revoked")):
        superuser.execute(
            "insert into family_memberships (plan_id, state, email, ended_at) values (%s, %s, %s, %s)",
            [FAMILY, state, f"{state}{days}@x.example", now - timedelta(days=days)],
        )
    tidy()
    kept = superuser.execute("select email from family_memberships where email is not null order by 1").fetchall()
    assert kept == [("expired89@x.example",)]


def test_that_an_address_had_its_free_days_is_forgotten_three_years_after_closing(tidy, superuser, people, eve, now):
    for mark, user_id, kept_until in (
        (1, eve.id, None),
        (2, None, now + timedelta(days=1)),
        (3, None, now - timedelta(minutes=1)),
    ):
        superuser.execute("insert into free_days values (%s, %s, %s)", [bytes([mark]) * 32, user_id, kept_until])
    tidy()
    assert superuser.execute("select get_byte(mark, 0) from free_days order by 1").fetchall() == [(1,), (2,)]
