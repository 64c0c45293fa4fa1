"""What accounts leave to the worker."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import clock
from portal.accounts import actions, free_days, lost_factor, sealed
from portal.accounts.events import factor_kept, factor_said_lost, reset_asked
from portal.accounts.models import SecondFactorEnding
from portal.jobs import job


@reset_asked.subscribe
@job("accounts.send_reset")
def send_reset(db: Session, email: str) -> None:
    """The mail for a new password, to a sealed address: whoever asks may type a stranger's, which the queue shall not keep.

    Done twice it is two mails, of which the newer one works.
    """
    if address := sealed.unseal(email):
        actions.send_reset(db, address)


@factor_said_lost.subscribe
@job("accounts.tell_factor_end")
def tell_factor_end(db: Session, user_id: UUID) -> None:
    """A second factor is said to be lost. Done twice it is told once."""
    lost_factor.tell(db, user_id)


@factor_kept.subscribe
@job("accounts.tell_factor_kept")
def tell_factor_kept(db: Session, user_id: UUID) -> None:
    """Mail every address of the account that its second factor stays."""
    lost_factor.tell_kept(db, user_id)


@job("accounts.end_lost_factors", cron="11 * * * *", lock="accounts.end_lost_factors", dry_run=True)
def end_lost_factors(db: Session) -> None:
    """Once a day everybody concerned is told again; after three days the factor ends."""
    for ending in db.scalars(select(SecondFactorEnding).order_by(SecondFactorEnding.ends_at)).all():
        (lost_factor.end if ending.ends_at <= clock.now() else lost_factor.tell)(db, ending.user_id)


@job("accounts.note_free_days", cron="47 3 * * *", dry_run=True)
def note_free_days(db: Session) -> None:
    """Each night: who had the free days before that was noted, or while the note failed, has it noted."""
    free_days.note_all(db)
