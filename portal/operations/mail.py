"""A mail to see whether the mail server takes any: past the outbox and its queue, so that the operator reads the answer."""

import smtplib
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy.orm import Session

from portal import clock
from portal.config import Settings
from portal.forms import address_in
from portal.mail import transport
from portal.mail.models import Mail
from portal.problems import Problem


def send_test(settings: Settings, address: str) -> str:
    """Hand a mail for `address` to the mail server; a sentence on what it answered. Raises Problem if it did not take it."""
    recipient = address_in(address)
    if not recipient:
        raise Problem(f"{address} is not an e-mail address.")
    if settings.mail_url == "sandbox:":
        raise Problem("MAIL_URL is the demo's mailbox, so there is no mail server to ask.")
    server = urlsplit(settings.mail_url).hostname
    try:
        transport.chosen(settings).deliver(Session(), _test_mail(settings, recipient))
    except (transport.RefusedForGood, smtplib.SMTPException, OSError) as error:
        raise Problem(f"{server} did not take a mail for {recipient}: {_answer(error)}.") from error
    return f"{server} took a mail for {recipient}."


def _test_mail(settings: Settings, recipient: str) -> Mail:
    words = f"Mails of {settings.club_name} reach you at this address."
    return Mail(
        id=uuid4(),
        kind="test",
        recipient=recipient,
        subject="A test mail",
        text=words,
        html=f"<p>{words}</p>",
        secret=False,
        state="queued",
        attempts=0,
        created_at=clock.now(),
    )


def _answer(error: BaseException) -> str:
    """What the server said, in its own words where it said anything."""
    said = error.__context__ if isinstance(error, transport.RefusedForGood) else error
    if isinstance(said, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(said.recipients.values()))
        return _words(code, words)
    if isinstance(said, smtplib.SMTPResponseException):
        return _words(said.smtp_code, said.smtp_error)
    return (str(said or error).strip() or type(error).__name__).rstrip(".")


def _words(code: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())}".rstrip(".")
