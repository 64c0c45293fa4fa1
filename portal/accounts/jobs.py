"""What accounts leave to the worker."""

from sqlalchemy.orm import Session

from portal.accounts import actions
from portal.jobs import job


@job("accounts.send_reset")
def send_reset(db: Session, email: str) -> None:
    """The mail for a new password. Done twice it is two mails, of which the newer one works."""
    actions.send_reset(db, email)
