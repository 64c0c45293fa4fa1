"""Out of a family: leaving, removing, and the rest of the day to think again. In the current user's own name; never commits."""

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit
from portal.families.actions import tell
from portal.families.refusals import BackElsewhere, refuse

LEAVE = text("select membership, refusal from leave_family()")
REMOVE = text("select membership, refusal from remove_member(:plan, :person)")
UNDO = text("select person, refusal from undo_removal(:removed, :since)")


def leave(db: Session) -> None:
    """The current user's seat is free and the plan covers them no longer, from now on. Raises PrimaryStays."""
    left = db.execute(LEAVE).one()
    if left.refusal == "unknown":
        return
    refuse(left.refusal)
    audit.record(db, "family.left", "Left the family", membership_id=str(left.membership))
    tell(db, "left", left.membership)


def remove(db: Session, plan_id: UUID, person_id: UUID, reason: str | None = None) -> UUID | None:
    """Somebody's seat is free, as the primary or an admin says, and they are told. None if there is none to take.

    The id is what `undo` wants while the day lasts.
    """
    gone = db.execute(REMOVE, {"plan": plan_id, "person": person_id}).one_or_none()
    if gone is None:
        return None
    refuse(gone.refusal)
    audit.record(db, "family.removed", "Removed somebody from the family", subject_id=person_id, reason=reason)
    tell(db, "removed_by_club" if reason else "removed", gone.membership)
    return gone.membership  # type: ignore[no-any-return]


def day_begins(now: datetime) -> datetime:
    """The start of the day it is where `now` is told. A removal can be taken back while that day lasts."""
    return datetime.combine(now.date(), time(), now.tzinfo)


def undo(db: Session, removed_id: UUID, now: datetime) -> bool:
    """The seat back to who was removed today, and they are told; `now` is this moment in the current user's own zone.

    False if it is not the current user's to give. Raises TooLate, NoSeatFree, BackElsewhere.
    """
    back = db.execute(UNDO, {"removed": removed_id, "since": day_begins(now)}).one_or_none()
    if back is None:
        return False
    if back.refusal == "in-a-family":
        raise BackElsewhere
    if back.refusal != "active":
        refuse(back.refusal)
        audit.record(db, "family.removal-undone", "Took a removal back", subject_id=back.person)
        tell(db, "back", removed_id)
    return True
