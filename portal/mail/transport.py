"""Where mail goes: SMTP, or the sandbox mailbox. One protocol, chosen by MAIL_URL."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import parseaddr
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.mail import kinds
from portal.mail.addresses import in_ascii
from portal.mail.choices import unsubscribe_url
from portal.mail.connections import connections
from portal.mail.incoming import unreachable
from portal.mail.models import Mail, SandboxMail

PATIENCE = 10.0  # seconds a step of the conversation may take
PERMANENT = range(500, 600)  # SMTP's own words for "never" (RFC 5321 4.2.1)
CLOSING = 421  # "enough for this conversation" (RFC 5321 3.8), said to a MAIL: nothing was taken


class RefusedForGood(Exception):  # noqa: N818
    """The mail server will never take this mail for this address; `unreachable` says why if it will take none."""

    def __init__(self, sentence: str, unreachable: str | None = None) -> None:
        super().__init__(sentence)
        self.unreachable = unreachable


class _AsItIs(UnstructuredHeader, BaseHeader):
    """A header as it was set. Python's own reading would decode what looks like an encoded word, line breaks and all, into
    another address or headers of somebody's choice; its own folding would encode an address that is longer than a line.
    """

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        super().parse(value, kwds)
        kwds["decoded"] = value

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class _Words(_AsItIs):
    """Words that people typed. Python's own folding writes encoded words that mail servers refuse (RFC 2047 2)."""

    def fold(self, *, policy: Policy) -> str:
        charset = "us-ascii" if self.isascii() and "=?" not in self else "utf-8"
        words = Header(str(self), charset, policy.max_line_length, self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {words}{policy.linesep}"


_registry = HeaderRegistry()
_registry.map_to_type("list-unsubscribe", _AsItIs)
_registry.map_to_type("to", _AsItIs)
_registry.map_to_type("subject", _Words)
# Seven bits on the way: a relay that had to encode the mail anew would break its signature (RFC 6376 5.3).
POLICY = SMTP.clone(cte_type="7bit", header_factory=_registry)


class Transport(Protocol):
    """Takes one mail; returning means it was accepted, raising means try again, or never if `RefusedForGood`.

    With `paced` only so many mails a minute go to the addresses of one domain.
    """

    paced: bool

    def deliver(self, db: Session, mail: Mail) -> None: ...


def chosen(settings: Settings) -> Transport:
    """The transport the settings name."""
    if settings.mail_url == "sandbox:":
        return Mailbox()
    return Smtp(settings)


def subject_line(subject: str, club: str) -> str:
    """What stands in the Subject header: it names the club, once."""
    return subject if club.casefold() in subject.casefold() else f"{club}: {subject}"


class Mailbox:
    """The sandbox's mailbox: a page that shows every mail. Taking the same mail twice keeps one."""

    paced = False

    def deliver(self, db: Session, mail: Mail) -> None:
        """Keep the mail for the mailbox page."""
        db.execute(
            insert(SandboxMail)
            .values(
                id=mail.id,
                recipient=mail.recipient,
                subject=mail.subject,
                text=mail.text,
                html=mail.html,
                method=mail.method,
                calendar=mail.calendar,
                received_at=mail.created_at,
            )
            .on_conflict_do_nothing()
        )


class Smtp:
    """A mail server: smtp://user:password@host:587 (STARTTLS when offered) or smtps://…:465."""

    paced = True

    def __init__(self, settings: Settings) -> None:
        self.url = urlsplit(settings.mail_url)
        self.sender = settings.mail_from
        self.reply_to = settings.mail_reply_to or parseaddr(settings.mail_from)[1]
        self.club = settings.club_name
        self.connections = connections(settings.mail_url)
        self.domain = urlsplit(settings.public_url).hostname or "localhost"

    def deliver(self, db: Session, mail: Mail) -> None:  # noqa: ARG002 - the protocol's session is the mailbox's
        """Hand the mail to the server, verified TLS wherever the server has it."""
        message = self.compose(mail)
        try:
            self._send(message)
        except smtplib.SMTPRecipientsRefused as refused:
            ((code, answer),) = refused.recipients.values()
            _raise_if_for_good("the address", code, unreachable(answer.decode("ascii", "replace")))
            raise
        except smtplib.SMTPDataError as refused:
            _raise_if_for_good("the mail", refused.smtp_code)
            raise

    def compose(self, mail: Mail) -> EmailMessage:
        """The message as it goes out. Its id is the mail's own, so a second delivery is the same message."""
        message = EmailMessage(POLICY)
        message["From"] = self.sender
        try:
            message["To"] = in_ascii(mail.recipient)
        except ValueError as impossible:
            raise RefusedForGood(str(impossible)) from impossible
        message["Reply-To"] = self.reply_to
        message["Subject"] = subject_line(mail.subject, self.club)
        message["Message-ID"] = f"<{mail.id}@{self.domain}>"
        message["Date"] = mail.created_at
        message["Auto-Submitted"] = "auto-generated"
        if mail.user_id and kinds.of(mail.kind).optional:
            message["List-Unsubscribe"] = f"<{unsubscribe_url(mail.user_id, kinds.KINDS[mail.kind])}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
        message.set_content(mail.text or "")
        message.add_alternative(mail.html or "", subtype="html")
        if mail.calendar and mail.method:
            _add_calendar(message, mail.method, mail.calendar)
        return message

    def _send(self, message: EmailMessage) -> None:
        """By a conversation that is open, else by a new one."""
        if server := self.connections.take():
            try:
                self._send_by(server, message)
            except smtplib.SMTPSenderRefused as refused:
                if refused.smtp_code != CLOSING:
                    raise
            else:
                return
        server = self._connect()
        try:
            self._introduce(server)
        except BaseException:
            server.close()
            raise
        self._send_by(server, message)

    def _send_by(self, server: smtplib.SMTP, message: EmailMessage) -> None:
        try:
            server.send_message(message)
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:  # it answered, so it hears the next one too
            self.connections.keep(server)
            raise
        except BaseException:
            server.close()
            raise
        self.connections.keep(server)

    @contextmanager
    def connected(self) -> Iterator[smtplib.SMTP]:
        """A conversation of one's own with the server, signed in. Raises SMTPException or OSError."""
        with self._connect() as server:
            self._introduce(server)
            yield server

    def _connect(self) -> smtplib.SMTP:
        host = self.url.hostname or "localhost"
        if self.url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self.url.port or 465, timeout=PATIENCE, context=ssl.create_default_context())
        return smtplib.SMTP(host, self.url.port or 587, timeout=PATIENCE)

    def _introduce(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if self.url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        elif self.url.scheme == "smtp" and self.url.username:
            raise smtplib.SMTPException("the mail server offers no TLS; its password is not sent in the clear")
        if self.url.username:
            server.login(unquote(self.url.username), unquote(self.url.password or ""))


def _add_calendar(message: EmailMessage, method: str, calendar: str) -> None:
    """The calendar object as the last alternative, its method in the type too (RFC 6047 2.4), and once more as a file for
    programs that show no such part.
    """
    message.add_alternative(calendar, subtype="calendar", params={"method": method})
    message.add_attachment(calendar.encode(), maintype="application", subtype="ics", filename="invite.ics")


def _raise_if_for_good(what: str, code: int, reason: str | None = None) -> None:
    if code in PERMANENT:
        raise RefusedForGood(f"the mail server refused {what} ({code})", reason)
