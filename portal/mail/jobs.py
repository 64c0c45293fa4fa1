"""Delivery: one mail, one job. What a server refuses for now is tried again for three days."""

from datetime import timedelta
from uuid import UUID

from flask import current_app
from procrastinate import RetryStrategy
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import clock
from portal.database.transactions import in_batches, keep, let_go
from portal.jobs import job
from portal.mail import inbox, transport
from portal.mail.models import Mail

BATCH = 5000
RETRY = RetryStrategy(max_attempts=11, exponential_wait=3)
"""After 3 seconds, 9, 27 and so on: twelve tries in three days."""


@job("mail.deliver", retry=RETRY)
def deliver(db: Session, mail_id: UUID) -> None:
    """Send one mail of the outbox and note how that went; a repeat of the job finds it sent.

    Nothing is held while the mail server talks: who closes an account meanwhile does not wait for it.
    """
    mail = _take(db, mail_id)
    if mail is None:
        return
    try:
        transport.chosen(current_app.config["SETTINGS"]).deliver(db, mail)
    except transport.RefusedForGood as refused:
        _note(db, mail, "failed", str(refused))
    except Exception as error:  # whatever went wrong: the last try is the last, or a secret would wait for ever
        db.rollback()
        last = mail.attempts > (RETRY.max_attempts or 0)
        _note(db, mail, "failed" if last else "queued", f"not yet: {type(error).__name__}")
        keep(db)  # what is raised leaves no trace, and this try counts
        raise
    else:
        _note(db, mail, "sent")


def _take(db: Session, mail_id: UUID) -> Mail | None:
    waiting = update(Mail).where(Mail.id == mail_id, Mail.state == "queued")
    mail = db.scalar(waiting.values(attempts=Mail.attempts + 1).returning(Mail))
    if mail is not None:
        db.expunge(mail)
    let_go(db)
    return mail


def _note(db: Session, mail: Mail, state: str, failure: str | None = None) -> None:
    values: dict[str, object] = {
        "state": state,
        "failure": failure,
        "sent_at": clock.now() if state == "sent" else None,
    }
    if mail.secret and state != "queued":
        values |= {"text": None, "html": None}
    db.execute(update(Mail).where(Mail.id == mail.id, Mail.state == "queued").values(values))


@job("mail.forget", cron="17 3 * * *")
def forget(db: Session) -> None:
    """Bodies are kept for 90 days; forgotten a batch at a time."""
    old = clock.now() - timedelta(days=90)
    with_body = (
        select(Mail.id).where(Mail.created_at < old, Mail.state != "queued", Mail.text.is_not(None)).limit(BATCH)
    )
    forgotten = update(Mail).where(Mail.id.in_(with_body)).values(text=None, html=None)
    in_batches(db, lambda: int(db.execute(forgotten).rowcount))  # type: ignore[attr-defined]


@job("mail.read_inbox", cron="* * * * *", lock="mail.read_inbox")
def read_inbox(db: Session) -> None:
    """Each minute: what came back to the mailbox of INBOX_URL, if there is one."""
    inbox.read(db)
