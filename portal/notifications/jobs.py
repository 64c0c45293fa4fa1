"""What is written when its hour has come."""

from sqlalchemy.orm import Session

from portal.jobs import job
from portal.mail import recheck
from portal.notifications import digest as digests
from portal.notifications import reminders

recheck("reminder")(reminders.why_not)
recheck("starting")(reminders.why_not_starting)
recheck("digest")(digests.why_not)


@job("notifications.remind", cron="* * * * *", lock="notifications.remind")
def remind(db: Session) -> None:
    """Each minute: reminders that are due, and a word to whoever got access while a meeting runs."""
    reminders.remind(db)
    reminders.welcome_latecomers(db)


@job("notifications.digest", cron="*/15 * * * *", lock="notifications.digest")
def digest(db: Session) -> None:
    """Each quarter of an hour: the digest to everybody whose hour has come."""
    digests.send(db)
