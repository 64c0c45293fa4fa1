"""What an admin does with mails that were written: read one, send one again, try failed ones again. None of this commits."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.database.query import Query
from portal.database.transactions import in_batches
from portal.mail.jobs import deliver
from portal.mail.models import Mail
from portal.problems import Refused

BATCH = 500


class MailBody(NamedTuple):
    """What a mail says; all None when its words are forgotten."""

    text: str | None
    html: str | None
    calendar: str | None


class About(NamedTuple):
    """Whose mail it is and which meeting's, for the log."""

    user_id: UUID | None
    meeting_id: UUID | None


class NotSentAgain(Refused):
    """This mail cannot be sent again: it is waiting already, its text is no longer kept, or it holds a link or code."""


class NotTriedAgain(Refused):
    """Only a mail that failed, and whose text is still kept, can be tried again."""


BODY = Query(MailBody, text("select text, html, calendar from mail_body(:mail)"))
# The page of a mail and the frame on it are one reading.
READ_LATELY = text("""
select exists (select from system_logs
                where user_id = (select auth.uid()) and operation = 'mail.opened' and metadata ->> 'mail' = :mail
                  and timestamp > cast(:at as timestamptz) - interval '10 minutes')
""")
ABOUT = Query(About, select(Mail.user_id, Mail.meeting_id).where(Mail.id == bindparam("mail")))
SEND_AGAIN = text("select send_mail_again(:mail)")
RETRY = text("select retry_mail(:mail)")


def read(db: Session, mail_id: UUID) -> MailBody | None:
    """What a mail says, and the log keeps who read it, once in ten minutes. None for a mail that holds a link or code that
    opens something.
    """
    body = BODY.one_or_none(db, mail=mail_id)
    if body and body.text and not db.scalar(READ_LATELY, {"mail": str(mail_id), "at": clock.now()}):
        _note(db, "mail.opened", "A mail was read in the outbox", mail_id)
    return body


def send_again(db: Session, mail_id: UUID) -> UUID:
    """Send the same words to the same address once more; the id of the new mail. Raises NotSentAgain."""
    new_id: UUID | None = db.scalar(SEND_AGAIN, {"mail": mail_id})
    if new_id is None:
        raise NotSentAgain
    deliver.enqueue(db, mail_id=new_id)
    _note(db, "mail.sent-again", "A mail was sent again", mail_id)
    return new_id


def retry(db: Session, mail_id: UUID) -> None:
    """Try a mail again that failed. Raises NotTriedAgain."""
    if not db.scalar(RETRY, {"mail": mail_id}):
        raise NotTriedAgain
    deliver.enqueue(db, mail_id=mail_id)
    _note(db, "mail.retried", "A mail that failed is tried again", mail_id)


def retry_all(db: Session) -> int:
    """Try all failed mails again whose words are kept, a batch at a time; how many they are. For the worker."""
    failed = (
        select(Mail.id)
        .where(Mail.state == "failed", Mail.secret.is_(False), Mail.text.is_not(None))
        .order_by(Mail.created_at)
        .limit(BATCH)
    )
    again = update(Mail).where(Mail.id.in_(failed)).values(state="queued", attempts=0, failure=None).returning(Mail.id)

    def batch() -> int:
        mail_ids = db.scalars(again).all()
        deliver.enqueue_each(db, "mail_id", mail_ids)
        return len(mail_ids)

    return in_batches(db, batch)


def _note(db: Session, operation: str, message: str, mail_id: UUID) -> None:
    about = ABOUT.one(db, mail=mail_id)
    audit.record(
        db,
        operation,
        message,
        category="email",
        subject_id=about.user_id,
        meeting_id=about.meeting_id,
        mail=str(mail_id),
    )
