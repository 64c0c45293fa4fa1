"""Out of a family: leaving, removing, and ten seconds to think again. In the asker's own name; never commits."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, jobs
from portal.families.actions import tell
from portal.families.models import UNDO_FOR
from portal.families.refusals import BackElsewhere, refuse

LEAVE = text("select membership, refusal from leave_family()")
REMOVE = text("select membership, refusal from remove_member(:plan, :person)")
UNDO = text("select person, refusal from undo_removal(:removed)")


def leave(db: Session) -> None:
    """The asker's seat is free and the plan covers them no longer, from now on. Raises PrimaryStays."""
    left = db.execute(LEAVE).one()
    if left.refusal == "unknown":
        return
    refuse(left.refusal)
    audit.record(db, "family.left", "Left the family", membership_id=str(left.membership))
    tell(db, "left", left.membership)


def remove(db: Session, plan_id: UUID, person_id: UUID, reason: str | None = None) -> UUID | None:
    """Somebody's seat is free, as the primary or an admin says; told in ten seconds. None if there is none to take.

    The id is what `undo` wants within those seconds.
    """
    gone = db.execute(REMOVE, {"plan": plan_id, "person": person_id}).one_or_none()
    if gone is None:
        return None
    refuse(gone.refusal)
    audit.record(db, "family.removed", "Removed somebody from the family", subject_id=person_id, reason=reason)
    what = "removed_by_club" if reason else "removed"
    jobs.enqueue(db, "families.tell", UNDO_FOR, what=what, membership_id=str(gone.membership))
    return gone.membership  # type: ignore[no-any-return]


def undo(db: Session, removed_id: UUID) -> bool:
    """The seat back to who was just removed. False if it is not the asker's to give; raises TooLate and its kin."""
    back = db.execute(UNDO, {"removed": removed_id}).one_or_none()
    if back is None:
        return False
    if back.refusal == "in-a-family":
        raise BackElsewhere
    if back.refusal != "active":
        refuse(back.refusal)
        audit.record(db, "family.removal-undone", "Took a removal back", subject_id=back.person)
    return True
