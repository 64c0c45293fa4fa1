"""The doctor reads in the inbox how a mail of ours came back: RFC 8058 wants both headers for unsubscribing signed."""

from email.message import Message
from email.utils import parseaddr

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as TakesMessages

from portal.mail.incoming import sort
from portal.operations import doctor_mail
from portal.operations.doctor_mail import mailbox, signed_headers
from tests.support.club_server import free_port
from tests.support.web import settings_for

ADDRESS = "inbox@club.example"
EVERYTHING = "From:To:Subject:Date:\r\n\tList-Unsubscribe:List-Unsubscribe-Post"


class Relay(TakesMessages):
    """Signs what it is handed, with these headers, and delivers it to the inbox, or loses it."""

    def __init__(self, inbox, signs: str | None, loses: bool) -> None:
        super().__init__()
        self.inbox, self.signs, self.loses = inbox, signs, loses

    def handle_message(self, message: Message) -> None:
        if self.signs is not None:
            message["DKIM-Signature"] = (
                f"v=1; a=rsa-sha256; d=club.example; s=one;\r\n\th={self.signs};\r\n\tb=c2lnbmVk"
            )
        if not self.loses:
            self.inbox.mailbox.deliver(message.as_bytes())


@pytest.fixture
def found(inbox, migrated):
    """`found(signs=…)`: what the doctor finds of inbox and signature, with such a relay."""
    relays = []

    def look(signs=None, loses=False, **changes):
        port = free_port()
        relays.append(Controller(Relay(inbox, signs, loses), hostname="127.0.0.1", port=port))
        relays[-1].start()
        settings = {
            "mail_url": f"smtp://127.0.0.1:{port}",
            "inbox_url": inbox.mailbox.url,
            "inbox_address": ADDRESS,
            **changes,
        }
        return [tuple(each) for each in mailbox(settings_for(migrated, **settings))]

    yield look
    for relay in relays:
        relay.stop()


def test_both_headers_signed_is_well_and_the_mail_is_read(found, inbox):
    assert found(signs=EVERYTHING) == [
        ("Inbox", True, "The mailbox lets us in; its folder has 0 messages.", ""),
        ("Signature", True, "Mails are signed with DKIM, both headers for unsubscribing among what is signed.", ""),
    ]
    assert inbox.mailbox.unread() == 0


def test_to_the_worker_who_reads_it_too_it_is_a_mail_of_our_own(migrated):
    settings = settings_for(migrated)
    letter = doctor_mail._letter(settings, ADDRESS)
    assert sort(letter.as_bytes(), ADDRESS, parseaddr(settings.mail_from)[1]).kind == "own"


def test_a_header_that_is_left_out_is_named(found):
    (_, (_, well, words, remedy)) = found(signs="From:To:Subject:Date:List-Unsubscribe")
    assert well is False and words == "The DKIM signature leaves out List-Unsubscribe-Post (RFC 8058 4)."
    assert remedy == "Have the mail server sign these headers too (docs/mail.md)."


def test_no_signature_at_all(found):
    (_, (_, well, words, _)) = found()
    assert well is False and words == f"A mail came to {ADDRESS} without a DKIM signature."


def test_a_mail_that_does_not_come_tells_nothing_of_signatures(found, monkeypatch):
    monkeypatch.setattr(doctor_mail, "ARRIVES", 0.1)
    (_, (_, well, words, _)) = found(signs=EVERYTHING, loses=True)
    assert well is None and "within a minute, so no signature could be seen." in words


def test_a_mail_server_that_takes_nothing(found):
    (_, (_, well, words, _)) = found(mail_url="smtp://127.0.0.1:9")
    assert well is None and words == "The mail server does not take mail, so no signature could be seen."


def test_a_folder_that_is_not_there(found, inbox):
    ((part, well, words, _),) = found(inbox_url=inbox.mailbox.url + "-not")
    assert (part, well) == ("Inbox", False) and words == "127.0.0.1 has no such folder as INBOX_URL names."


def test_without_an_inbox_nothing_could_be_seen(found):
    ((part, well, words, _),) = found(inbox_url="")
    assert (part, well) == ("Inbox", None) and "whether mails are signed could not be seen" in words


def test_of_two_signatures_one_has_to_cover_both():
    headers = (
        b"DKIM-Signature: v=1; d=relay.example; h=From:To; b=YQ==\r\n"
        b"DKIM-Signature: v=1; d=club.example; h=from : LIST-Unsubscribe\r\n :list-unsubscribe-post; b=YQ==\r\n\r\n"
    )
    assert signed_headers(headers) == [{"from", "to"}, {"from", "list-unsubscribe", "list-unsubscribe-post"}]
