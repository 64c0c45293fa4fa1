"""What accounts leave to the worker."""

from sqlalchemy.orm import Session

from portal.accounts import actions, free_days, sealed
from portal.jobs import job


@job("accounts.send_reset")
def send_reset(db: Session, email: str) -> None:
    """The mail for a new password, to a sealed address: whoever asks may type a stranger's, which the queue shall not keep.

    Done twice it is two mails, of which the newer one works.
    """
    if address := sealed.unseal(email):
        actions.send_reset(db, address)


@job("accounts.note_free_days", cron="47 3 * * *")
def note_free_days(db: Session) -> None:
    """Each night: who had the free days before that was noted, or while the note failed, has it noted."""
    free_days.note_all(db)
