"""Where mail goes: SMTP, or the sandbox mailbox. One protocol, chosen by MAIL_URL."""

import smtplib
import ssl
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import unquote, urlsplit

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.mail.models import Mail, SandboxMail

PATIENCE = 10.0  # seconds a step of the conversation may take
PERMANENT = range(500, 600)  # SMTP's own words for "never" (RFC 5321 4.2.1)


class RefusedForGood(Exception):  # noqa: N818
    """The mail server will never take this mail for this address."""


class Transport(Protocol):
    """Takes one mail; returning means it was accepted, raising means try again, or never if `RefusedForGood`."""

    def deliver(self, db: Session, mail: Mail) -> None: ...


def chosen(settings: Settings) -> Transport:
    """The transport the settings name."""
    if settings.mail_url == "sandbox:":
        return Mailbox()
    return Smtp(settings.mail_url, settings.mail_from, settings.public_url)


class Mailbox:
    """The sandbox's mailbox: a page that shows every mail. Taking the same mail twice keeps one."""

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
                received_at=mail.created_at,
            )
            .on_conflict_do_nothing()
        )


class Smtp:
    """A mail server: smtp://user:password@host:587 (STARTTLS when offered) or smtps://…:465."""

    def __init__(self, url: str, sender: str, site: str) -> None:
        self.url = urlsplit(url)
        self.sender = sender
        self.domain = urlsplit(site).hostname or "localhost"

    def deliver(self, db: Session, mail: Mail) -> None:  # noqa: ARG002 - the protocol's session is the mailbox's
        """Hand the mail to the server, verified TLS wherever the server has it."""
        message = self.compose(mail)
        with self._connect() as server:
            self._introduce(server)
            try:
                server.send_message(message)
            except smtplib.SMTPRecipientsRefused as refused:
                _raise_if_for_good("the address", next(iter(refused.recipients.values()))[0])
                raise
            except smtplib.SMTPDataError as refused:
                _raise_if_for_good("the mail", refused.smtp_code)
                raise

    def compose(self, mail: Mail) -> EmailMessage:
        """The message as it goes out. Its id is the mail's own, so a second delivery is the same message."""
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = _ascii(mail.recipient)
        message["Subject"] = mail.subject
        message["Message-ID"] = f"<{mail.id}@{self.domain}>"
        message["Date"] = mail.created_at
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text or "")
        message.add_alternative(mail.html or "", subtype="html")
        return message

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


def _raise_if_for_good(what: str, code: int) -> None:
    if code in PERMANENT:
        raise RefusedForGood(f"the mail server refused {what} ({code})")


def _ascii(address: str) -> str:
    """An address as every mail server takes it: a domain like müller.example in its xn-- form."""
    if address.isascii():
        return address
    try:
        return validate_email(address, check_deliverability=False).ascii_email or address
    except EmailNotValidError as impossible:
        raise RefusedForGood("no mail server takes this address") from impossible
