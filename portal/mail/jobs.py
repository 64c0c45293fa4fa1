"""Delivery: one mail, one job. What a server refuses for now is tried again for three days."""

from datetime import timedelta
from uuid import UUID

from flask import current_app
from procrastinate import RetryStrategy
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import clock
from portal.jobs import job
from portal.mail import transport
from portal.mail.models import Mail

BATCH = 5000
RETRY = RetryStrategy(max_attempts=11, exponential_wait=3)
"""After 3 seconds, 9, 27 and so on: twelve tries in three days."""


@job("mail.deliver", retry=RETRY)
def deliver(db: Session, mail_id: str) -> None:
    """Send one mail of the outbox and note how that went; a repeat of the job finds it sent."""
    mail = db.scalar(select(Mail).where(Mail.id == UUID(mail_id)).with_for_update())
    if mail is None or mail.state != "queued":
        return
    mail.attempts += 1
    try:
        transport.chosen(current_app.config["SETTINGS"]).deliver(db, mail)
    except transport.RefusedForGood as refused:
        mail.failure = str(refused)
        _close(mail, "failed")
    except OSError as error:  # smtplib's errors are among them
        mail.failure = f"not yet: {type(error).__name__}"
        if mail.attempts > (RETRY.max_attempts or 0):
            _close(mail, "failed")
        db.commit()  # what is raised leaves no trace, and this try counts
        raise
    else:
        mail.failure, mail.sent_at = None, clock.now()
        _close(mail, "sent")


def _close(mail: Mail, state: str) -> None:
    mail.state = state
    if mail.secret:
        mail.text = mail.html = None


@job("mail.forget", cron="17 3 * * *")
def forget(db: Session) -> None:
    """Bodies are kept for 90 days; forgotten a batch at a time."""
    old = clock.now() - timedelta(days=90)
    with_body = (
        select(Mail.id).where(Mail.created_at < old, Mail.state != "queued", Mail.text.is_not(None)).limit(BATCH)
    )
    while db.execute(update(Mail).where(Mail.id.in_(with_body)).values(text=None, html=None)).rowcount == BATCH:  # type: ignore[attr-defined]
        db.commit()
