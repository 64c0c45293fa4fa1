"""Delivery: one mail, one job. What a server refuses for now is tried again for two days."""

import smtplib
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

PERMANENT = range(500, 600)  # SMTP's own words for "never" (RFC 5321 4.2.1)
RETRY = RetryStrategy(max_attempts=12, exponential_wait=3)


@job("mail.deliver", retry=RETRY)
def deliver(db: Session, mail_id: str) -> None:
    """Send one mail of the outbox and note that it went; a repeat of the job finds it sent."""
    mail = db.scalar(select(Mail).where(Mail.id == UUID(mail_id)).with_for_update())
    if mail is None or mail.state != "queued":
        return
    try:
        transport.chosen(current_app.config["SETTINGS"]).deliver(db, mail)
    except smtplib.SMTPRecipientsRefused as refused:
        code = next(iter(refused.recipients.values()))[0]
        if code not in PERMANENT:
            raise
        mail.state, mail.failure = "failed", f"the mail server refused the address ({code})"
        return
    mail.state, mail.sent_at = "sent", clock.now()
    if mail.secret:
        mail.text = mail.html = None


@job("mail.forget", cron="17 3 * * *")
def forget(db: Session) -> None:
    """Bodies are kept for 90 days."""
    old = clock.now() - timedelta(days=90)
    db.execute(update(Mail).where(Mail.created_at < old, Mail.state != "queued").values(text=None, html=None))
