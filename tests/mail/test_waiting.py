"""Mails that were written for many and have no job each: every one leaves once, whatever happens to the others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

import portal.jobs
from portal.mail import composing, jobs
from portal.mail.composing import Body
from tests.support.reading import do, one


@pytest.fixture
def queued(superuser, monkeypatch):
    """`queued("a@club.example", …)`: mails that have neither a job nor words."""
    monkeypatch.setattr(
        composing, "_composers", {"moved": lambda _db, mail: Body(f"To {mail.recipient}", "Hello", "Hello")}
    )

    def write(*recipients):
        for recipient in recipients:
            superuser.execute(
                "insert into mails (kind, recipient, subject, created_at, due_at) values ('moved', %s, 'x', club_now(), now())",
                [recipient],
            )

    return write


@pytest.fixture
def waiting(superuser, worker_app):
    """`waiting()`: what the worker does each minute."""
    return lambda: do(worker_app, jobs.deliver_waiting)


def states(superuser):
    return superuser.execute("select state, subject, text from mails order by recipient").fetchall()


def test_they_leave_and_their_words_are_kept(queued, waiting, superuser, mails):
    queued("a@club.example", "b@club.example")
    waiting()
    waiting()
    assert states(superuser) == [("sent", "To a@club.example", "Hello"), ("sent", "To b@club.example", "Hello")]
    assert len(mails("a@club.example")) == 1


def test_two_workers_send_each_once(queued, waiting, superuser):
    queued(*(f"{number}@club.example" for number in range(60)))
    with ThreadPoolExecutor(2) as workers:
        for running in [workers.submit(waiting) for _ in range(2)]:
            running.result()
    assert superuser.execute("select distinct state, attempts from mails").fetchall() == [("sent", 1)]
    assert one(superuser, "select count(*) from sandbox_mails") == 60


def test_one_that_cannot_be_written_keeps_no_other_back(queued, waiting, superuser, monkeypatch):
    queued("a@club.example", "b@club.example")
    compose = composing._composers["moved"]
    monkeypatch.setitem(
        composing._composers, "moved", lambda db, mail: 1 / 0 if mail.recipient[0] == "a" else compose(db, mail)
    )
    waiting()
    failed, sent = superuser.execute("select state, failure, due_at > now() from mails order by recipient").fetchall()
    assert (failed, sent[0]) == (("queued", "not yet: ZeroDivisionError", True), "sent")


def test_with_nothing_left_to_say_it_does_not_leave(queued, waiting, superuser, monkeypatch):
    queued("a@club.example")
    monkeypatch.setitem(composing._composers, "moved", lambda _db, _mail: None)
    waiting()
    assert one(superuser, "select state || ': ' || failure from mails") == (
        "dropped: There was nothing left to say when it was to leave."
    )


def test_what_a_dead_worker_had_claimed_leaves_ten_minutes_later(queued, waiting, superuser):
    queued("a@club.example")
    superuser.execute("update mails set due_at = now() + interval '10 minutes'")
    waiting()
    assert one(superuser, "select state from mails") == "queued"
    superuser.execute("update mails set due_at = now()")
    waiting()
    assert one(superuser, "select state from mails") == "sent"


def test_until_when_they_wait_is_told_by_the_time_of_the_queue(queued, superuser, worker_app):
    """In a rehearsal that is the club's, which runs ahead of the machine's."""
    queued("a@club.example")
    superuser.execute("update mails set due_at = now() + interval '1 day'")
    portal.jobs.serve(worker_app, lambda: datetime.now(UTC) + timedelta(days=2))
    jobs.deliver_waiting.work()
    portal.jobs.serve(worker_app)
    assert one(superuser, "select state from mails") == "sent"


def test_they_leave_at_the_pace_of_their_domain(queued, office, send, superuser, worker_app):
    server, port = office
    queued(*(f"{number}@big.example" for number in range(4)))
    superuser.execute(
        "insert into procrastinate_jobs (queue_name, task_name) values ('default', 'mail.deliver_waiting')"
    )
    send(f"smtp://127.0.0.1:{port}", mail_per_domain=2)
    assert len(server.taken) == 2
    superuser.execute("update mails set due_at = now()")
    superuser.execute(
        "insert into procrastinate_jobs (queue_name, task_name) values ('default', 'mail.deliver_waiting')"
    )
    send(f"smtp://127.0.0.1:{port}", mail_per_domain=2)
    assert len(server.taken) == 4


@pytest.mark.parametrize("refusal", ["451 later", "550 nobody here"])
def test_what_is_refused_for_now_or_for_good(queued, office, send, superuser, refusal):
    server, port = office
    server.to_the_address = refusal
    queued("a@club.example")
    superuser.execute(
        "insert into procrastinate_jobs (queue_name, task_name) values ('default', 'mail.deliver_waiting')"
    )
    send(f"smtp://127.0.0.1:{port}")
    state, is_due = superuser.execute("select state, due_at is not null from mails").fetchone()
    assert (state, is_due) == (("queued", True) if refusal.startswith("4") else ("failed", False))


def test_many_are_sent_by_one_short_job_after_the_other(queued, office, send, superuser, monkeypatch):
    """The others of the run go on in the next job, behind whatever came meanwhile."""
    monkeypatch.setattr(jobs, "A_WHILE", 0.001)
    _, port = office
    queued(*(f"{number}@club.example" for number in range(50)))
    superuser.execute(
        "insert into procrastinate_jobs (queue_name, task_name) values ('default', 'mail.deliver_waiting')"
    )
    send(f"smtp://127.0.0.1:{port}")
    assert one(superuser, "select count(*) from mails where state = 'sent'") == 50
    assert one(superuser, "select count(*) from procrastinate_jobs where task_name = 'mail.deliver_waiting'") == 4
