"""The doctor's look at mail: the mail server, the inbox, and whether what leaves is signed as it has to be.

The relay signs, not the portal, so a signature is seen only on a mail that came back to us.
"""

import re
import smtplib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from uuid import uuid4

from portal.config import Settings
from portal.mail import inbox
from portal.mail.transport import POLICY, Smtp
from portal.operations.finding import NOT_GIVEN, Finding
from portal.sentences import listed, ngettext

ARRIVES = 60.0
"""Seconds within which a mail of ours should be in our own mailbox."""
PAUSE = 2.0
"""Seconds between two looks for it."""
UNSUBSCRIBE = ("list-unsubscribe", "list-unsubscribe-post")
"""The headers that must be signed for a mail program to show its own button (RFC 8058 4)."""


def mail_server(settings: Settings, mail_to: str | None) -> Iterator[Finding]:
    """Whether the mail server lets us in, and takes a mail to `mail_to`."""
    if settings.mail_url == "sandbox:":
        yield Finding("Mail", None, "MAIL_URL was not given, so no mail server was tried.", NOT_GIVEN)
        return
    try:
        with Smtp(settings).connected() as server:
            if mail_to:
                server.send_message(_letter(settings, mail_to))
    except (smtplib.SMTPException, OSError) as error:
        words = f"The mail server does not take mail: {str(error) or type(error).__name__}".splitlines()[0]
        yield Finding("Mail", False, words, "Is MAIL_URL right, and may this machine reach it?")
        return
    if mail_to:
        yield Finding("Mail", True, f"The mail server took a mail to {mail_to}. Whether it arrives, look there.")
    else:
        yield Finding(
            "Mail", True, "The mail server takes our sign-in. The command portal doctor --mail ADDRESS sends a mail."
        )


def mailbox(settings: Settings) -> Iterator[Finding]:
    """Whether the inbox can be read; and how a mail that we send there comes back."""
    if not settings.inbox_url:
        words = "INBOX_URL was not given, so no inbox was tried, and whether mails are signed could not be seen."
        yield Finding("Inbox", None, words, NOT_GIVEN)
        return
    try:
        with inbox.opened(settings.inbox_url) as opened:
            folder = opened.folder.status(options=["MESSAGES", "UIDNEXT"])
    except inbox.UNREACHABLE as error:
        yield Finding("Inbox", False, inbox.in_words(error, settings.inbox_url), "Is INBOX_URL right (docs/inbox.md)?")
        return
    words = ngettext(
        "The mailbox lets us in; its folder has %(num)s message.",
        "The mailbox lets us in; its folder has %(num)s messages.",
        folder["MESSAGES"],
    )
    yield Finding("Inbox", True, words)
    if settings.mail_url != "sandbox:":
        yield _signature(settings, folder["UIDNEXT"])


def _signature(settings: Settings, next_uid: int) -> Finding:
    """What the signature of a mail to the inbox covers."""
    mark = uuid4().hex
    try:
        with Smtp(settings).connected() as server:
            server.send_message(_letter(settings, settings.inbox_address, mark))
    except (smtplib.SMTPException, OSError):
        return Finding("Signature", None, "The mail server does not take mail, so no signature could be seen.")
    headers = _arrived(settings, next_uid, mark)
    if headers is None:
        words = f"No mail came to {settings.inbox_address} within a minute, so no signature could be seen."
        return Finding("Signature", None, words, "Is INBOX_ADDRESS the address of the mailbox in INBOX_URL?")
    signed = signed_headers(headers)
    if not signed:
        words = f"A mail came to {settings.inbox_address} without a DKIM signature."
        return Finding("Signature", False, words, "Have the mail server sign what we send (docs/mail.md).")
    missing = min(([name for name in UNSUBSCRIBE if name not in names] for names in signed), key=len)
    if missing:
        words = f"The DKIM signature leaves out {listed([name.title() for name in missing])} (RFC 8058 4)."
        return Finding("Signature", False, words, "Have the mail server sign these headers too (docs/mail.md).")
    return Finding(
        "Signature", True, "Mails are signed with DKIM, both headers for unsubscribing among what is signed."
    )


def signed_headers(headers: bytes) -> list[set[str]]:
    """For each DKIM signature the names of the headers it covers, in lower case: its `h=` (RFC 6376 3.5)."""
    covered = []
    for signature in message_from_bytes(headers).get_all("DKIM-Signature", []):
        tags = dict(tag.split("=", 1) for tag in re.sub(r"\s", "", str(signature)).split(";") if "=" in tag)
        covered.append(set(tags.get("h", "").lower().split(":")))
    return covered


def _arrived(settings: Settings, next_uid: int, mark: str) -> bytes | None:
    """The headers of the mail with this mark, or None if it did not come. It is marked as read, as nobody has to."""
    end = time.monotonic() + ARRIVES
    while time.monotonic() < end:
        try:
            with inbox.opened(settings.inbox_url) as opened:
                # n:* always gives the last one (RFC 3501 6.4.8).
                for uid in opened.uids(f"UID {next_uid}:*", charset=None):
                    head = inbox.fetch(opened, int(uid), headers_only=True)
                    if head is not None and mark.encode() in head.raw:
                        opened.flag(uid, inbox.SEEN, True)
                        return bytes(head.raw)
        except inbox.UNREACHABLE:
            pass  # it answered a moment ago, and is tried again
        time.sleep(PAUSE)
    return None


def _letter(settings: Settings, mail_to: str, mark: str = "") -> EmailMessage:
    message = EmailMessage(POLICY)
    message["From"], message["To"] = settings.mail_from, mail_to
    message["Subject"] = f"{settings.club_name}: a test"
    message["Date"] = datetime.now(UTC)
    message["Auto-Submitted"] = "auto-generated"
    # What the digest carries, though nobody can unsubscribe from a test.
    message["List-Unsubscribe"] = f"<{settings.public_url}/unsubscribe/test>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if mark:
        message["X-Portal-Test"] = mark
    message.set_content("This is how mails of the club arrive. An operator sent it with `portal doctor`.\n")
    return message
