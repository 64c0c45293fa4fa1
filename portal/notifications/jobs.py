"""What is written when its hour has come."""

from uuid import UUID

from sqlalchemy.orm import Session

from portal import audit
from portal.jobs import job
from portal.mail import outbox
from portal.mail.jobs import recheck
from portal.mail.models import Mail
from portal.notifications import sending


@job("notifications.send_announcement", lock="announcement:{announcement_id}")
def send_announcement(db: Session, announcement_id: UUID) -> None:
    """Write a message to everybody in its group, unless it was taken back meanwhile."""
    sending.send(db, announcement_id)


@job("notifications.send_unfinished", cron="*/5 * * * *", lock="notifications.send_unfinished")
def send_unfinished(db: Session) -> None:
    """Messages that should have left a while ago, or whose writing was broken off, go on."""
    for announcement_id in sending.unfinished(db):
        send_announcement.enqueue(db, announcement_id=announcement_id)


@recheck("announcement")
def announcement_dropped(db: Session, mail: Mail) -> str | None:
    """Why a mail of a message to a group is not sent any more."""
    return sending.dropped(db, mail)


@job("notifications.retry_failed", lock="notifications.retry_failed")
def retry_failed(db: Session) -> None:
    """Every mail that failed and can be sent again is tried once more."""
    retried = outbox.retry_all(db)
    audit.record(db, "mail.all-retried", f"{retried:,} failed mails are tried again", category="email")
