"""The operator's word on people: the first admin can only be made here, and a lost second factor only be undone here."""

from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session

from portal import audit, mail
from portal.accounts import messages
from portal.accounts.actions import offer_password
from portal.accounts.models import User
from portal.problems import Problem

RESET = text("select auth.reset_second_factor(:person)")
SET_ACCOUNT_STATUS = text("select auth.set_account_status(:person, true, true)")


def make_admin(db: Session, email: str) -> None:
    """Make a confirmed account an admin. Raises `Problem` if there is none, or it is suspended."""
    confirmed = select(User.id, User.is_active).where(User.email_key == email.lower(), User.email_verified)
    person = db.execute(confirmed).one_or_none()
    if person is None:
        raise Problem(f"No confirmed account has the address {email}; sign up first.")
    if not person.is_active:
        raise Problem(f"The account of {email} is suspended; an admin lifts that first, on its page.")
    db.execute(SET_ACCOUNT_STATUS, {"person": person.id})
    audit.record(
        db,
        "account.made-admin",
        "Made an admin by the operator",
        subject_id=person.id,
        category="security",
        level="warn",
    )


def first_admin(db: Session, email: str) -> str | None:
    """Make a confirmed account of `email` the first admin; the path where a password is chosen for it, within half an hour.
    None if there is an admin already. Raises `Problem`.
    """
    if db.scalar(select(exists().where(User.is_admin, User.is_active))):
        return None
    if db.scalar(select(User.id).where(User.email_key == email.lower())) is None:
        db.add(User(email=email, email_verified=True))
        db.flush()
    make_admin(db, email)
    return offer_password(db, email)


def reset_second_factor(db: Session, email: str) -> None:
    """Take away the second factor of somebody who lost app and codes; every sign-in ends. Raises `Problem`.

    Whoever asks for it has to be known in another way than by mail: an operator who believes a mail undoes the factor.
    """
    found = db.execute(select(User.id, User.email).where(User.email_key == email.lower())).one_or_none()
    if found is None or not db.scalar(RESET, {"person": found.id}):
        raise Problem(f"No account with a second factor has the address {email}.")
    audit.record(
        db,
        "second-factor.reset",
        "The second factor was taken away by the operator",
        subject_id=found.id,
        category="security",
        level="warn",
    )
    mail.write(db, "second-factor", found.email, messages.second_factor_reset(), user_id=found.id)
