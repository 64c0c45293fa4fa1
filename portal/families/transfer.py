"""A family in other hands, or at its end. In the current user's own name unless said; never commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.billing.actions import note_wish
from portal.billing.jobs import stop_own
from portal.families.events import plan_changed
from portal.families.models import FamilyPlan

PROPOSE = text("select propose_transfer(:plan, :person)")
TAKE_OVER = text("select take_over_family(:plan, :person, :at)")
DISSOLVE = text("select dissolve_family(:plan)")


def propose_transfer(db: Session, plan_id: UUID, person_id: UUID, reason: str | None = None) -> bool:
    """Ask a member to take over plan and payments; nothing changes until they have paid. False if they cannot be."""
    became = db.scalar(PROPOSE, {"plan": plan_id, "person": person_id})
    if became != "proposed":
        return bool(became == "unchanged")
    audit.record(db, "family.transfer-proposed", "Proposed to hand over", subject_id=person_id, reason=reason)
    what = "transfer_by_club" if reason else "transfer"
    plan_changed.publish(db, what=what, plan_id=plan_id)
    return True


def end_transfer(db: Session, plan_id: UUID) -> bool:
    """The proposal is off: the primary takes it back, or who was asked says no. False if it is not theirs to end."""
    was = db.scalar(PROPOSE, {"plan": plan_id, "person": None})
    if was == "withdrawn":
        audit.record(db, "family.transfer-withdrawn", "A proposal to hand over is off")
        plan_changed.publish(db, what="transfer_off", plan_id=plan_id)
    return was is not None


def take_over(db: Session, plan_id: UUID, new_primary_id: UUID) -> bool:
    """As the worker, once the new primary has paid: roles and payer change at once, and the old one's plan ends.

    If the proposal no longer stands the family stays as it is, and the new payment is given back.
    """
    before = db.scalar(TAKE_OVER, {"plan": plan_id, "person": new_primary_id, "at": clock.now()})
    if before is None:
        payer = db.scalar(select(FamilyPlan.primary_user_id).where(FamilyPlan.id == plan_id))
        if payer != new_primary_id:
            audit.record(
                db,
                "family.take-over-refused",
                "Paid for a proposal that was off",
                subject_id=new_primary_id,
                level="warn",
            )
            stop_own.enqueue(db, user_id=new_primary_id, when="now_with_refund")
        return False
    audit.record(db, "family.taken-over", "Took the family over", subject_id=new_primary_id, before=str(before))
    note_wish(db, before, "end")
    stop_own.enqueue(db, user_id=before, when="period_end")
    plan_changed.publish(db, what="taken_over", plan_id=plan_id)
    return True


def dissolve(db: Session, plan_id: UUID, payer_id: UUID) -> datetime | None:
    """The primary lets the plan end: everybody keeps the paid date, told by mail. The date; None: not the current user's."""
    at = clock.now()
    until: datetime | None = db.scalar(DISSOLVE, {"plan": plan_id})
    if until is not None:
        audit.record(db, "family.ending", "Let the family plan end")
        note_wish(db, payer_id, "end")
        stop_own.enqueue(db, user_id=payer_id, when="period_end")
        what = "ending" if until > at else "ended"
        plan_changed.publish(db, what=what, plan_id=plan_id)
    return until
