"""What is written when its hour has come."""

from uuid import UUID

from sqlalchemy.orm import Session

from portal import audit
from portal.jobs import job
from portal.mail import outbox, recheck
from portal.mail.composing import composes
from portal.notifications import digest as digests
from portal.notifications import reminders, sending

recheck("reminder")(reminders.why_not)
recheck("starting")(reminders.why_not_starting)
recheck("digest")(digests.why_not)
composes("digest")(digests.compose)
recheck("announcement")(sending.why_not)


@job("notifications.remind", cron="* * * * *", lock="notifications.remind", dry_run=True)
def remind(db: Session) -> None:
    """Each minute: reminders that are due, and a word to whoever got access while a meeting runs."""
    reminders.remind(db)
    reminders.welcome_latecomers(db)


@job("notifications.digest", cron="*/15 * * * *", lock="notifications.digest", dry_run=True)
def digest(db: Session) -> None:
    """Each quarter of an hour: the digest to everybody whose hour has come."""
    digests.send(db)


@job("notifications.send_announcement", lock="announcement:{announcement_id}")
def send_announcement(db: Session, announcement_id: UUID) -> None:
    """Write a message to everybody in its group, unless it was taken back meanwhile."""
    sending.send(db, announcement_id)


@job("notifications.send_unfinished", cron="*/5 * * * *", lock="notifications.send_unfinished", dry_run=True)
def send_unfinished(db: Session) -> None:
    """Messages that should have left a while ago, or whose writing was broken off, go on."""
    for announcement_id in sending.unfinished(db):
        send_announcement.enqueue(db, announcement_id=announcement_id)


@job("notifications.retry_failed", lock="notifications.retry_failed")
def retry_failed(db: Session) -> None:
    """Every mail that failed and can be sent again is tried once more."""
    retried = outbox.retry_all(db)
    audit.record(db, "mail.all-retried", f"{retried:,} failed mails are tried again", category="email")
