"""The operator's word on who is an admin: the first one can only be made here."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.accounts.models import User
from portal.problems import Problem

STANDING = text("select auth.set_standing(:person, true, true, :at)")


def make_admin(db: Session, email: str) -> None:
    """Make a confirmed account an admin. Raises `Problem` if there is none."""
    person = db.scalar(select(User.id).where(User.email_key == email.lower(), User.email_verified))
    if person is None:
        raise Problem(f"No confirmed account has the address {email}; sign up first.")
    db.execute(STANDING, {"person": person, "at": clock.now()})
    audit.record(
        db, "account.made-admin", "Made an admin by the operator", subject_id=person, category="security", level="warn"
    )
