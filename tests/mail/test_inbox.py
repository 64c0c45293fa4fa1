"""What comes back by mail: bounces believed for mails that were sent, everything else recorded, and nothing twice."""

import socket
import threading
import time
from dataclasses import replace

import pytest

from portal.mail import inbox as portal_inbox
from tests.support.inbox import sample

FAILED, DELAYED, AWAY = (
    f"mail/samples/ours/{name}.eml" for name in ("rfc3464-failed", "rfc3464-delayed", "rfc3834-out-of-office")
)
LETTER = "From: Ana <ana@far.example>\nTo: inbox@club.example\nSubject: Hello\n\nAre you open on Sunday?\n"


@pytest.fixture
def sent(write, superuser):
    """`sent(address)`: the id of a mail to Alice that has left."""

    def leave(address="alice@club.example", **more):
        write(recipient=address, **more)
        return superuser.execute(
            "update mails set state = 'sent', attempts = 1 where state = 'queued' returning id"
        ).fetchone()[0]

    return leave


def failed(mail_id, recipient="alice@club.example", status="5.1.1"):
    return sample(FAILED, mail_id=mail_id, recipient=recipient, status=status)


def unreachable(superuser):
    return superuser.execute("select address_key, hard, reason from unreachable_addresses").fetchall()


def test_an_address_that_does_not_exist_is_marked(inbox, sent, superuser, kept):
    inbox.read(failed(sent()))
    assert unreachable(superuser) == [("alice@club.example", True, "there is no such mailbox (5.1.1)")]
    assert (kept().state, kept().failure) == ("failed", "it came back: there is no such mailbox (5.1.1)")
    assert inbox.rows() == [
        ("bounce", "A mail to alice@club.example came back: there is no such mailbox (5.1.1).", True)
    ]


def test_a_full_mailbox_may_be_emptied(inbox, sent, superuser, kept):
    inbox.read(failed(sent(), status="5.2.2"))
    assert unreachable(superuser) == [("alice@club.example", False, "the mailbox is full (5.2.2)")]
    assert (kept().state, kept().failure) == ("sent", "it came back: the mailbox is full (5.2.2)")


def test_a_mail_that_is_late_is_no_failure(inbox, sent, superuser, kept):
    inbox.read(sample(DELAYED, mail_id=sent(), recipient="alice@club.example"))
    assert (unreachable(superuser), kept().state, kept().failure) == ([], "sent", None)
    assert "is late and is still being tried" in inbox.outcome()


def test_a_domain_in_any_alphabet_is_recognised(inbox, sent, superuser):
    inbox.read(failed(sent("Ana@müller.example"), recipient="ana@xn--mller-kva.example"))
    assert [row[1] for row in unreachable(superuser)] == [True]


@pytest.mark.parametrize(
    ("mail_id", "recipient"),
    [(None, "bob@club.example"), ("0190c0de-0000-4000-8000-000000000000", "alice@club.example")],
)
def test_a_report_of_another_mail_or_to_another_address_is_not_believed(mail_id, recipient, inbox, sent, superuser):
    ours = sent()
    inbox.read(failed(mail_id or ours, recipient))
    assert unreachable(superuser) == []
    assert inbox.rows() == [("bounce", "It names no mail of ours to that address, so nothing followed.", False)]


def test_a_report_of_a_mail_that_never_left_is_not_believed(inbox, sent, superuser):
    mail_id = sent()
    superuser.execute("update mails set attempts = 0, state = 'queued'")
    inbox.read(failed(mail_id))
    assert unreachable(superuser) == []


def test_a_second_report_of_the_same_mail_counts_once(inbox, sent, superuser):
    mail_id = sent()
    inbox.read(failed(mail_id), failed(mail_id))
    assert superuser.execute("select bounces from unreachable_addresses").fetchall() == [(1,)]


def test_nothing_is_taken_in_twice_and_letters_stay_unread(inbox, sent):
    inbox.read(LETTER, failed(sent()), sample(AWAY, mail_id=sent()))
    inbox.read()
    assert [kind for kind, _, _ in inbox.rows()] == ["letter", "bounce", "automatic"]
    assert inbox.mailbox.unread() == 1


def test_whoever_reads_it_first_takes_nothing_from_the_portal(inbox, sent):
    """What a person opened in a mail program is no longer unread; it is new to the portal all the same."""
    inbox.read(LETTER)
    inbox.mailbox.deliver(failed(sent()))
    with inbox.mailbox.opened() as box:
        box.flag(box.uids(charset=None), "\\Seen", True)
    inbox.read()
    assert [kind for kind, _, _ in inbox.rows()] == ["letter", "bounce"]


def test_what_was_read_before_the_portal_came_is_left_alone(inbox):
    inbox.mailbox.deliver(LETTER)
    with inbox.mailbox.opened() as box:
        box.flag(box.uids(charset=None), "\\Seen", True)
    inbox.read()
    assert inbox.rows() == []


def test_what_is_too_big_is_not_fetched_and_the_next_one_is(inbox, monkeypatch):
    monkeypatch.setattr(portal_inbox, "MOST_BYTES", 5000)
    inbox.read(LETTER + "x" * 6000, LETTER)
    assert [row[:2] for row in inbox.rows()] == [
        ("unreadable", "It is too big to be an answer or a report, and was not fetched."),
        ("letter", "It is a letter. It stays unread in the mailbox for whoever answers letters."),
    ]
    assert inbox.mailbox.unread() == 2


def test_a_defect_of_ours_stops_nothing(inbox, sent, superuser, monkeypatch):
    broken = failed(sent())
    monkeypatch.setattr(portal_inbox, "_take_bounce", lambda *_: 1 / 0)
    inbox.read(broken, LETTER)
    assert [kind for kind, _, _ in inbox.rows()] == ["unreadable", "letter"]


def test_a_batch_is_so_big_and_the_rest_is_the_next_ones(inbox, monkeypatch):
    monkeypatch.setattr(portal_inbox, "BATCH", 2)
    inbox.read(LETTER, LETTER, LETTER)
    assert len(inbox.rows()) == 2
    inbox.read()
    assert len(inbox.rows()) == 3


def test_a_mailbox_that_is_down_is_told_once_and_read_when_it_is_back(inbox, superuser, imap_server):
    settings = inbox.app.config["SETTINGS"]
    url = settings.inbox_url
    object.__setattr__(settings, "inbox_url", url.replace(str(imap_server.port), "1"))
    inbox.read(LETTER)
    inbox.read()
    assert inbox.run() == (False, "127.0.0.1 does not answer.")
    object.__setattr__(settings, "inbox_url", url)
    inbox.read()
    assert inbox.run() == (True, "Replies and bounces are read every minute.")
    assert superuser.execute("select count(*) from runs where name = 'inbox'").fetchone() == (2,)
    assert [kind for kind, _, _ in inbox.rows()] == ["letter"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "not this"}, "127.0.0.1 refuses the user or the password of INBOX_URL."),
        ({"folder": "Nowhere"}, "127.0.0.1 has no such folder as INBOX_URL names."),
    ],
)
def test_a_wrong_setting_is_told_in_words(wrong, sentence, inbox):
    settings = inbox.app.config["SETTINGS"]
    object.__setattr__(settings, "inbox_url", replace(inbox.mailbox, **wrong).url)
    inbox.read()
    assert inbox.run() == (False, sentence)


def test_a_server_that_says_nothing_is_given_up(inbox, monkeypatch):
    monkeypatch.setattr(portal_inbox, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        object.__setattr__(inbox.app.config["SETTINGS"], "inbox_url", f"imap://a:b@127.0.0.1:{silent.getsockname()[1]}")
        inbox.read()
    assert inbox.run() == (False, "127.0.0.1 does not answer.")


def test_a_server_that_takes_for_ever_is_cut_off(inbox, monkeypatch):
    """Each byte comes in time, and the whole never ends."""
    monkeypatch.setattr(portal_inbox, "LONGEST", 0.5)
    stop = threading.Event()

    def trickle(server):
        client, _ = server.accept()
        with client:
            while not stop.wait(0.05):
                try:
                    client.sendall(b"* ")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=trickle, args=[server], daemon=True).start()
        object.__setattr__(inbox.app.config["SETTINGS"], "inbox_url", f"imap://a:b@127.0.0.1:{server.getsockname()[1]}")
        begun = time.monotonic()
        inbox.read()
        stop.set()
    assert time.monotonic() - begun < 5 and inbox.run()[0] is False


def test_after_ninety_days_nothing_is_known_of_them(inbox, superuser, worker_app):
    inbox.read(LETTER)
    superuser.execute("update inbox_messages set received_at = now() - interval '91 days'")
    superuser.execute(
        "insert into procrastinate_jobs (queue_name, task_name, args) values ('default', 'operations.tidy', '{}')"
    )
    inbox.work()
    assert inbox.rows() == []
