"""PostgreSQL restarted under everything that runs: the worker and the streams come back by themselves, within seconds."""

import contextlib
import http.client
import threading
import time

from portal.live.token import Audience, Ticket, issue
from tests.faults.test_worker import until
from tests.support.cast import ALICE
from tests.support.club_server import SECRET

HELLO = (
    "with mail as (insert into mails (kind, recipient, subject, text, html, created_at)"
    " values ('hello', 'a@club.example', 'Hello', 'Hello', 'Hello', now()) returning id::text)"
    " insert into procrastinate_jobs (task_name, queue_name, args)"
    " select 'mail.deliver', 'default', jsonb_build_object('mail_id', id) from mail"
)


def test_the_worker_goes_on_after_a_restart_and_says_so_calmly(faulty):
    delivered(faulty, 1)
    faulty.postgres.server.stop()
    time.sleep(2)
    faulty.postgres.start()
    began = time.monotonic()
    delivered(faulty, 2)
    assert time.monotonic() - began < 15 and faulty.club.worker_runs()
    lines = [line for line in faulty.club.log.read_text().splitlines() if "operations.work" in line]
    assert len(lines) == 2 and "went away" in lines[0] and "is back" in lines[1]
    assert "Traceback" not in faulty.club.log.read_text()
    assert faulty.club.stop_worker() == 0


def test_a_worker_that_waits_for_its_database_stops_when_it_is_told_to(faulty):
    delivered(faulty, 1)
    faulty.postgres.kill()
    until(lambda: "went away" in faulty.club.log.read_text())
    began = time.monotonic()
    assert faulty.club.stop_worker() == 0 and time.monotonic() - began < 12
    faulty.postgres.start()


def test_a_worker_that_cannot_begin_ends_as_failed(faulty):
    faulty.club.stop_worker()
    faulty.postgres.kill()
    faulty.club.start_worker()
    until(lambda: not faulty.club.worker_runs())
    assert faulty.club.stop_worker() == 1
    assert "portal: The database cannot be reached" in faulty.club.log.read_text()
    faulty.postgres.start()


def test_a_stream_hears_of_changes_again_after_a_restart(faulty, meetings):
    """The page that was open all the time shows the answer that came after."""
    ticket = Ticket(str(meetings[0].id), Audience("Europe/Berlin", names_shown=False), sign_in_of(faulty, ALICE), None)
    line = http.client.HTTPConnection("127.0.0.1", faulty.club.port, timeout=40)
    line.request("GET", f"/live/meetings?token={issue(SECRET, ticket)}")
    stream = line.getresponse()
    heard: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError, AttributeError):  # the second is http.client's, when it is closed meanwhile
            heard.extend(iter(stream.readline, b""))

    threading.Thread(target=read, daemon=True).start()
    until(lambda: any(b"data: " in each for each in heard))
    faulty.postgres.server.stop()
    faulty.postgres.start()
    assert faulty.recovers(ALICE)
    until(lambda: faulty.ask("GET", "/live/healthz", ALICE)[0] == 200)
    before = len(heard)
    assert faulty.ask("POST", f"/meetings/{meetings[0].id}/answer", ALICE, "answer=accepted")[0] == 303
    until(lambda: any(b"data: " in each for each in heard[before:]))
    assert any(b"data: " in each for each in heard[before:])
    line.close()


def delivered(faulty, count):
    """A mail more is queued, and sent."""
    with faulty.postgres.database.connect(autocommit=True) as postgres:
        postgres.execute(HELLO)
        sent = "select count(*) from mails where state = 'sent'"
        until(lambda: postgres.execute(sent).fetchone() == (count,))
        assert postgres.execute(sent).fetchone() == (count,)


def sign_in_of(faulty, person):
    with faulty.postgres.database.connect() as postgres:
        return str(postgres.execute("select id from sign_ins where user_id = %s", [person.id]).fetchone()[0])
