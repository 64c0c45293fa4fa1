"""The end of an account, by its owner."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import audit, live, mail
from portal.accounts import free_days, messages
from portal.accounts.actions import LastAdmin
from portal.accounts.events import account_closed, place_passed_on
from portal.database import broken_rule
from portal.problems import Refused

CLOSE = text("select meeting_id, offered from auth.close_account()")


class FamilyLeft(Refused):
    """Others have a seat in the family you pay for. Hand it over or end it on the family page first."""


def close_account(db: Session, user_id: UUID, email: str) -> None:
    """The end: out of what is coming and of the family, signed out everywhere, and nameless at once; orders stay.

    Raises FamilyLeft or LastAdmin.
    """
    free_days.keep(db, email)
    try:
        changed = db.execute(CLOSE).all()
    except IntegrityError as refusal:
        kinds: dict[str | None, type[Refused]] = {"check_family_left": FamilyLeft, "check_last_admin": LastAdmin}
        if kind := kinds.get(broken_rule(refusal)):
            raise kind from refusal
        raise
    for meeting_id, offered in changed:
        for person in offered or ():
            place_passed_on.publish(db, meeting_id=meeting_id, user_id=person)
        live.announce(db, meeting_id)
    account_closed.publish(db, user_id=user_id)
    audit.record(db, "account.closed", "The account was closed", category="security", level="warn", subject_id=user_id)
    mail.write(db, "closed", email, messages.closed())
