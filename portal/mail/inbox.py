"""The mailbox that replies and bounces come back to: read over IMAP by the worker, a message at a time.

Each message is recorded once, in a transaction of its own, and marked as read after that. Letters, and what could
not be read, stay unread for whoever answers letters. A mailbox that is down or slow is tried again in the next minute.
"""

import imaplib
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from socket import SHUT_RDWR, socket
from threading import Timer
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

from flask import current_app
from imap_tools.consts import MailMessageFlags
from imap_tools.errors import ImapToolsError, MailboxFetchError, MailboxFolderSelectError, MailboxLoginError
from imap_tools.mailbox import BaseMailBox
from imap_tools.message import MailMessage
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from portal import clock
from portal.config import Settings
from portal.database.transactions import keep, let_go
from portal.jobs.runs import Run, noted
from portal.mail import bounces
from portal.mail.addresses import comparable
from portal.mail.events import not_delivered, reply_received
from portal.mail.incoming import Bounce, Incoming, sort
from portal.mail.models import InboxMessage, Mail

PATIENCE = 10.0
"""Seconds a step of the conversation may take."""
LONGEST = 45.0
"""Seconds all of it may take: the next minute goes on where this one stopped."""
BATCH = 50
SEEN = MailMessageFlags.SEEN
MOST_BYTES = 1024 * 1024
"""Bigger messages are not fetched. A report holds one of our mails at most, an answer less."""
LOCAL = ("localhost", "127.0.0.1", "::1")

logger = logging.getLogger(__name__)


class Source(NamedTuple):
    """Which message of which mailbox (RFC 3501 2.3.1.1)."""

    mailbox: str
    uidvalidity: int
    uid: int


def read(db: Session) -> None:
    """Take in what is new. Whether the mailbox could be read is noted when that changes, and once a day."""
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.inbox_url:
        return
    let_go(db)
    try:
        with opened(settings.inbox_url) as mailbox:
            _take_in_new(db, mailbox, settings)
    except UNREACHABLE as error:
        db.rollback()
        logger.warning("The inbox could not be read: %s", type(error).__name__)
        _note(db, well=False, words=in_words(error, settings.inbox_url))
    else:
        _note(db, well=True, words="Replies and bounces are read every minute.")


def take_in(db: Session, raw: bytes, source: Source, settings: Settings) -> str:
    """Record one message, and cause what follows from it. Returns its kind; taking it in again changes nothing."""
    incoming = sort(raw, settings.inbox_address, parseaddr(settings.mail_from)[1])
    row = {"kind": incoming.kind, "sender": incoming.sender, "may_answer": incoming.may_answer}
    if incoming.kind == "reply":
        token = next(iter(incoming.tokens)) if len(incoming.tokens) == 1 else None
        message_id = _record(db, source, row | {"calendar": incoming.calendar, "token": token})
        if message_id:
            reply_received.publish(db, message_id=message_id)
    elif _record(db, source, row | {"outcome": OUTCOMES[incoming.kind]}) and incoming.kind == "bounce":
        _take_bounce(db, incoming, source)
    return incoming.kind


OUTCOMES = {
    "bounce": "It names no mail of ours to that address, so nothing followed.",
    "automatic": "A program sent it, so nothing followed.",
    "own": "It is one of our own mails, so nothing followed.",
    "letter": "It is a letter. It stays unread in the mailbox for whoever answers letters.",
    "unreadable": "It could not be read.",
}
"""What is recorded of a message from which nothing follows."""
FOLLOWED = ("bounce", "reply", "automatic", "own")
"""What nobody has to read any more."""
TOO_BIG = "It is too big to be an answer or a report, and was not fetched."
NOT_GIVEN = "The mail server did not hand it out."


def _take_in_new(db: Session, mailbox: BaseMailBox, settings: Settings) -> None:
    parts = urlsplit(settings.inbox_url)
    name = f"{unquote(parts.username or '')} at {parts.hostname}{unquote(parts.path)}"
    uidvalidity = mailbox.folder.status(options=["UIDVALIDITY"])["UIDVALIDITY"]
    of_this = (InboxMessage.mailbox == name, InboxMessage.uidvalidity == uidvalidity)
    highest: int | None = db.scalar(select(func.max(InboxMessage.uid)).where(*of_this))
    let_go(db)
    # What was there before the portal read it, and is read, is nothing new.
    found = mailbox.uids(f"UID {highest + 1}:*" if highest else "UNSEEN", charset=None)
    # n:* always gives the last one (RFC 3501 6.4.8).
    new = sorted(uid for uid in map(int, found) if uid > (highest or 0))
    for uid in new[:BATCH]:
        kind = _take_in_one(db, mailbox, Source(name, uidvalidity, uid), settings)
        keep(db)  # recorded before it is marked
        if kind in FOLLOWED:
            mailbox.flag(str(uid), SEEN, True)


def _take_in_one(db: Session, mailbox: BaseMailBox, source: Source, settings: Settings) -> str:
    """Take in a message of the mailbox, whatever is wrong with it. Returns its kind, or nothing if it is gone."""
    try:
        head = fetch(mailbox, source.uid, headers_only=True)
        if head is None:
            return ""
        if head.size_rfc822 > MOST_BYTES:
            return _record_unreadable(db, source, TOO_BIG)
        whole = fetch(mailbox, source.uid)
    except MailboxFetchError:
        return _record_unreadable(db, source, NOT_GIVEN)
    try:
        return take_in(db, whole.raw, source, settings) if whole else ""
    except (OperationalError, InterfaceError, InternalError, PoolTimeout):
        raise  # the database could not do it just now
    except Exception:  # a defect of ours must not stop what comes after it
        logger.exception("A message of the inbox could not be taken in")
        db.rollback()
        return _record_unreadable(db, source, OUTCOMES["unreadable"])


def _record_unreadable(db: Session, source: Source, outcome: str) -> str:
    _record(db, source, {"kind": "unreadable", "outcome": outcome})
    return "unreadable"


def _record(db: Session, source: Source, row: dict[str, object]) -> UUID | None:
    """The id of its row; None if it was recorded before."""
    values = {**source._asdict(), "received_at": clock.now(), **row}
    once = insert(InboxMessage).values(values).on_conflict_do_nothing(constraint="uq_inbox_messages_uid")
    return db.scalar(once.returning(InboxMessage.id))


def _take_bounce(db: Session, incoming: Incoming, source: Source) -> None:
    """Apply a bounce, once for each mail; it is believed only where it names a mail that we sent to that address."""
    sent = db.scalars(
        select(Mail).where(Mail.id.in_(incoming.mail_ids), Mail.attempts > 0, Mail.state != "dropped").with_for_update()
    ).all()
    for bounce in incoming.bounces:
        for mail in sent:
            if comparable(mail.recipient) == comparable(bounce.recipient):
                outcome = _apply(db, mail, bounce)
                recorded = update(InboxMessage).where(
                    *(getattr(InboxMessage, name) == value for name, value in source._asdict().items())
                )
                db.execute(
                    recorded.values(outcome=outcome, applied=True, user_id=mail.user_id, meeting_id=mail.meeting_id)
                )


def _apply(db: Session, mail: Mail, bounce: Bounce) -> str:
    """Note what a bounce says of a mail and its address. Returns the sentence for admins."""
    if bounce.delayed:
        return f"A mail to {mail.recipient} is late and is still being tried: {bounce.reason}."
    if not (mail.failure or "").startswith(CAME_BACK):
        mail.failure = f"{CAME_BACK}{bounce.reason}"
        if bounce.hard:
            mail.state = "failed"
            if mail.method:
                not_delivered.publish(db, mail_id=mail.id)
        bounces.note(db, mail.recipient, bounce.hard, bounce.reason)
    return f"A mail to {mail.recipient} came back: {bounce.reason}."


CAME_BACK = "it came back: "


class FetchedMessage(MailMessage):
    """A message as the server gave it. imap-tools would parse it before anybody can say that it is too big."""

    def __init__(self, fetch_data: list[Any]) -> None:
        self.raw, self._raw_uid_data, self._raw_flag_data = self._get_message_data_parts(fetch_data)


def fetch(mailbox: BaseMailBox, uid: int, *, headers_only: bool = False) -> FetchedMessage | None:
    """A message, or None if it is gone; it stays unread."""
    found = mailbox.fetch(uid_list=str(uid), mark_seen=False, headers_only=headers_only)
    return cast(FetchedMessage | None, next(found, None))


class NoTls(Exception):  # noqa: N818
    """The server offers no TLS."""


UNREACHABLE = (OSError, imaplib.IMAP4.error, ImapToolsError, NoTls)
"""What says that the mailbox cannot be read just now: `in_words` tells it."""


class _CutOff:
    """A connection for imaplib that is cut after LONGEST seconds: a socket's own timeout begins anew with each byte."""

    sock: socket

    def open(self, *where: Any, **options: Any) -> None:
        super().open(*where, **options)  # type: ignore[misc] # imaplib's
        self._ending = Timer(LONGEST, self._cut)
        self._ending.daemon = True
        self._ending.start()

    def shutdown(self) -> None:
        self._ending.cancel()
        super().shutdown()  # type: ignore[misc] # imaplib's

    def _cut(self) -> None:
        with suppress(OSError):
            socket.shutdown(self.sock, SHUT_RDWR)


class _Imap(_CutOff, imaplib.IMAP4): ...


class _ImapOverTls(_CutOff, imaplib.IMAP4_SSL): ...


class _MailBox(BaseMailBox):
    """The mailbox of INBOX_URL: TLS from the first byte, or STARTTLS, or, on this machine, none."""

    email_message_class = FetchedMessage

    def __init__(self, url: str) -> None:
        self.url = urlsplit(url)
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        host, trusted = self.url.hostname or "", ssl.create_default_context()
        if self.url.scheme == "imaps":
            return _ImapOverTls(host, self.url.port or 993, ssl_context=trusted, timeout=PATIENCE)
        client = _Imap(host, self.url.port or 143, PATIENCE)
        if host not in LOCAL:
            if "STARTTLS" not in client.capabilities:
                client.shutdown()
                raise NoTls
            client.starttls(trusted)
        return client


@contextmanager
def opened(url: str) -> Iterator[BaseMailBox]:
    """Signed in to the mailbox."""
    mailbox = _MailBox(url)
    try:
        user, password = unquote(mailbox.url.username or ""), unquote(mailbox.url.password or "")
        mailbox.login(user, password, unquote(mailbox.url.path).strip("/") or "INBOX")
        yield mailbox
    finally:
        with suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
            mailbox.logout()


def in_words(error: Exception, url: str) -> str:
    """What keeps the mailbox from being read, without anything of the setting but its host."""
    host = urlsplit(url).hostname
    if isinstance(error, MailboxLoginError):
        return f"{host} refuses the user or the password of INBOX_URL."
    if isinstance(error, MailboxFolderSelectError):
        return f"{host} has no such folder as INBOX_URL names."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Nobody vouches for the certificate of {host}."
    if isinstance(error, (NoTls, ssl.SSLError)):
        return f"{host} offers no TLS, so the password is not sent."
    if isinstance(error, OSError):
        return f"{host} does not answer."
    return f"{host} does not answer as an IMAP server does ({type(error).__name__})."


def _note(db: Session, *, well: bool, words: str) -> None:
    last = db.scalar(
        select(Run).where(Run.name == "inbox", Run.ended_at.is_not(None)).order_by(Run.began_at.desc()).limit(1)
    )
    if last and (last.well, last.outcome) == (well, words) and last.began_at > datetime.now(UTC) - timedelta(days=1):
        return
    with noted(db, "inbox") as run:
        run.well, run.outcome = well, words
