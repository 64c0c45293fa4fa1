"""A mail server that takes mail, refuses it for now or for good, hangs, or takes it twice."""

import multiprocessing
import signal
import threading
import time
from datetime import timedelta

import pytest

from portal import create_app
from portal.mail import connections, transport
from portal.mail.jobs import RETRY
from tests.support.web import settings_for, work_off


def jobs(superuser):
    return superuser.execute(
        "select status, attempts, scheduled_at from procrastinate_jobs where task_name = 'mail.deliver'"
    ).fetchall()


def test_a_mail_is_taken(office, write, send, kept):
    server, port = office
    write()
    send(f"smtp://127.0.0.1:{port}")
    (message,) = server.messages
    assert (message["From"], message["To"], message["Subject"]) == (
        "Goalete <club@goalete.example>",
        "ana@club.example",
        "Goalete: Hello",
    )
    assert message["Message-ID"] == f"<{kept().id}@localhost>" and message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]
    assert message["Date"] and (kept().state, kept().attempts) == ("sent", 1) and kept().sent_at


@pytest.mark.parametrize("refusal", [{"to_the_address": "451 later"}, {"to_the_mail": "452 no room"}, {"hangs": True}])
def test_what_is_not_taken_now_is_tried_again_and_sent_once(refusal, office, write, send, kept, superuser, now):
    server, port = office
    server.__dict__.update(refusal)
    write(secret=True)
    begun = time.monotonic()
    send(f"smtp://127.0.0.1:{port}")
    assert time.monotonic() - begun < 4
    assert (kept().state, kept().attempts) == ("queued", 1) and kept().failure.startswith("not yet: ") and kept().text
    (status, attempts, due) = jobs(superuser)[0]
    assert (status, attempts) == ("todo", 1) and timedelta(0) < due - now < timedelta(seconds=10)
    server.__dict__.update(dict.fromkeys(refusal, ""))
    send(f"smtp://127.0.0.1:{port}")
    assert (kept().state, kept().attempts, kept().failure, kept().text) == ("sent", 2, None, None)
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        ({"to_the_address": "550 nobody here"}, "refused the address (550)"),
        ({"to_the_mail": "554 not this one"}, "refused the mail (554)"),
    ],
)
def test_what_is_refused_for_good_is_not_tried_again(refusal, why, office, write, send, kept, superuser):
    server, port = office
    server.__dict__.update(refusal)
    write(secret=True)
    send(f"smtp://127.0.0.1:{port}")
    assert (kept().state, kept().failure) == ("failed", f"the mail server {why}")
    assert (kept().text, kept().html) == (None, None)
    assert jobs(superuser)[0][0] == "succeeded"


@pytest.mark.parametrize(
    ("answer", "marked"),
    [
        ("550 5.1.1 no such user", [("ana@club.example", True, "there is no such mailbox (5.1.1)")]),
        ("550 5.7.1 relaying denied", []),  # our own relay's, about everybody
    ],
)
def test_an_address_the_server_knows_nobody_at_is_spared_from_then_on(answer, marked, office, write, send, superuser):
    server, port = office
    server.to_the_address = answer
    write()
    send(f"smtp://127.0.0.1:{port}")
    rows = superuser.execute("select address_key, hard, reason from unreachable_addresses").fetchall()
    assert rows == marked


def test_a_server_that_is_not_there_is_waited_for(serve, office, write, send, kept):
    write()
    send("smtp://127.0.0.1:1")
    assert (kept().state, kept().failure) == ("queued", "not yet: ConnectionRefusedError")
    server, port = serve()
    send(f"smtp://127.0.0.1:{port}")
    assert kept().state == "sent" and len(server.taken) == 1


def test_a_mail_taken_twice_is_recognised_by_its_id(office, write, send, kept):
    server, port = office
    server.drops_the_answer = True
    write()
    send(f"smtp://127.0.0.1:{port}")
    assert kept().state == "queued"
    server.drops_the_answer = False
    send(f"smtp://127.0.0.1:{port}")
    first, second = server.messages
    assert first["Message-ID"] == second["Message-ID"] and first["Date"] == second["Date"] and kept().state == "sent"


def worker(database, port):
    """A worker in a process of its own, for whoever wants to kill it."""
    settings = settings_for(database, mail_url=f"smtp://127.0.0.1:{port}", mail_from="Goalete <club@goalete.example>")
    work_off(create_app(settings, database_url=settings.worker_url), database)


def test_a_mail_whose_worker_is_killed_after_it_was_taken_goes_once_more_as_the_same(
    serve, database, write, send, kept, superuser
):
    server, port = serve()
    process = multiprocessing.get_context("spawn").Process(target=worker, args=(database, port))
    server.when_taken = lambda: process.kill() if process.is_alive() else None
    write(secret=True)
    process.start()
    process.join()
    assert (process.exitcode, kept().state, len(server.taken)) == (-signal.SIGKILL, "queued", 1)
    superuser.execute("update procrastinate_jobs set status = 'todo'")  # what a worker does with those of a dead one
    send(f"smtp://127.0.0.1:{port}")
    first, second = server.messages
    assert first["Message-ID"] == second["Message-ID"] and first["Date"] == second["Date"] and kept().state == "sent"


def test_after_three_days_of_tries_it_has_failed(office, write, send, kept, superuser):
    server, port = office
    server.to_the_address = "451 later"
    write(secret=True)
    superuser.execute("update mails set attempts = %s", [RETRY.max_attempts])
    superuser.execute(
        "update procrastinate_jobs set attempts = %s where task_name = 'mail.deliver'", [RETRY.max_attempts]
    )
    send(f"smtp://127.0.0.1:{port}")
    assert (kept().state, kept().text) == ("failed", None) and jobs(superuser)[0][0] == "failed"


@pytest.mark.parametrize(("attempts", "state", "text"), [(0, "queued", "kept"), (RETRY.max_attempts, "failed", None)])
def test_a_defect_of_ours_is_a_try_as_well(attempts, state, text, write, send, kept, superuser, monkeypatch):
    """A mail that broke its delivery stayed in the queue for ever, with the link in it."""
    monkeypatch.setattr(transport.Smtp, "compose", lambda *_: 1 / 0)
    write(secret=True)
    superuser.execute("update mails set attempts = %s", [attempts])
    superuser.execute("update procrastinate_jobs set attempts = %s where task_name = 'mail.deliver'", [attempts])
    send("smtp://127.0.0.1:1")
    assert (kept().state, kept().failure, bool(kept().text)) == (state, "not yet: ZeroDivisionError", bool(text))


def test_an_address_that_cannot_be_written_has_failed_at_once(office, write, send, kept, superuser):
    _, port = office
    write()
    superuser.execute("update mails set recipient = 'a@ö..example'")
    send(f"smtp://127.0.0.1:{port}")
    assert (kept().state, kept().failure) == ("failed", "no mail server takes this address")


def test_nobody_waits_for_a_slow_mail_server(office, write, send, kept, superuser):
    """Closing an account rewrites its mails; it waited for the one that was being sent."""
    server, port = office
    server.hangs = True
    write()
    sending = threading.Thread(target=send, args=[f"smtp://127.0.0.1:{port}"])
    sending.start()
    while kept().attempts == 0:
        time.sleep(0.01)
    superuser.execute("set lock_timeout = 100")
    superuser.execute("update mails set recipient = 'closed@x.example', state = 'dropped'")
    superuser.execute("reset lock_timeout")
    sending.join()
    assert (kept().state, kept().failure) == ("dropped", None)


def test_the_tries_are_spread_over_three_days():
    waits = [RETRY.exponential_wait ** (attempt + 1) for attempt in range(RETRY.max_attempts)]
    assert waits[0] == 3 and timedelta(days=2) < timedelta(seconds=sum(waits)) < timedelta(days=4)


def test_one_bad_address_keeps_no_other_mail_back(office, write, send, superuser):
    _, port = office
    write(recipient="a@club.example")
    write(recipient="ö@club.example")  # no server here takes letters like this before the @
    write(recipient="b@club.example")
    send(f"smtp://127.0.0.1:{port}")
    states = dict(superuser.execute("select recipient, state from mails").fetchall())
    assert (states["a@club.example"], states["b@club.example"]) == ("sent", "sent")


def test_a_domain_in_any_alphabet_is_reached(office, write, send, kept):
    server, port = office
    write(recipient="ana@müller.example")
    send(f"smtp://127.0.0.1:{port}")
    assert server.taken[0].rcpt_tos == ["ana@xn--mller-kva.example"] and kept().state == "sent"


def test_the_password_is_not_sent_in_the_clear(office, write, send, kept):
    server, port = office
    write()
    send(f"smtp://club:geheim@127.0.0.1:{port}")
    assert kept().state == "queued" and server.logins == [] and server.taken == []


def test_a_certificate_nobody_vouches_for_is_not_trusted(serve, certificate, write, send, kept):
    server, port = serve(tls_context=certificate[1])
    write()
    send(f"smtp://club:geheim@127.0.0.1:{port}")
    assert (kept().state, kept().failure) == ("queued", "not yet: SSLCertVerificationError") and server.logins == []


def test_over_tls_it_signs_in_and_sends(serve, certificate, write, send, kept, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    server, port = serve(tls_context=certificate[1])
    write()
    send(f"smtp://club:ge%20heim@127.0.0.1:{port}")
    assert kept().state == "sent" and server.logins == [(b"club", b"ge heim")] and len(server.taken) == 1


def test_a_server_that_speaks_tls_at_once(serve, certificate, write, send, kept, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    server, port = serve(ssl_context=certificate[1])
    write()
    send(f"smtps://127.0.0.1:{port}")
    assert kept().state == "sent" and len(server.taken) == 1


# --- one connection for many mails --------------------------------------------------------------------------------------


def test_many_mails_go_by_one_connection(office, write, send, superuser):
    server, port = office
    for number in range(20):
        write(recipient=f"{number}@club{number}.example")
    send(f"smtp://127.0.0.1:{port}")
    assert len(server.taken) == 20 and len(server.connections) == 1


def test_a_refusal_ends_no_connection(office, write, send, superuser):
    server, port = office
    server.to_the_address = "550 nobody here"
    for number in range(3):
        write(recipient=f"{number}@club.example")
    send(f"smtp://127.0.0.1:{port}")
    assert len(server.connections) == 1
    assert superuser.execute("select distinct state from mails").fetchall() == [("failed",)]


@pytest.mark.parametrize("command", ["MAIL", "RSET"])
def test_a_server_that_takes_so_many_by_a_connection_gets_the_others_by_new_ones(
    office, write, send, superuser, command
):
    server, port = office
    server.at_most, server.says_no_more_to = 3, command
    for number in range(8):
        write(recipient=f"{number}@club.example")
    send(f"smtp://127.0.0.1:{port}")
    assert len(server.taken) == 8
    assert superuser.execute("select distinct state, attempts from mails").fetchall() == [("sent", 1)]


def test_a_connection_the_server_closed_meanwhile_costs_no_try(serve, write, send, superuser):
    server, port = serve(timeout=0.3)
    write(recipient="a@club.example")
    send(f"smtp://127.0.0.1:{port}")
    time.sleep(0.6)
    write(recipient="b@club.example")
    send(f"smtp://127.0.0.1:{port}")
    assert len(server.connections) == 2
    assert superuser.execute("select distinct state, attempts from mails").fetchall() == [("sent", 1)]


def test_a_connection_nobody_uses_is_closed(office, write, send, monkeypatch):
    monkeypatch.setattr(connections, "IDLE", 0.2)
    _, port = office
    write(recipient="a@club.example")
    send(f"smtp://127.0.0.1:{port}")
    time.sleep(0.6)
    assert connections.connections(f"smtp://127.0.0.1:{port}").take() is None
