"""The verbs of a family that is there: starting one, its name and seats, each person's own switches. None commits.

The way in is in `joining`, the way out in `leaving`, another payer or the end in `transfer`.
"""

from uuid import UUID, uuid4

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.accounts.models import User
from portal.billing.actions import refresh_projection
from portal.families.events import seat_changed
from portal.families.models import FamilyPlan, Membership
from portal.families.refusals import InAFamily, refuse

SET_SEATS = text("select set_family_seats(:plan, :seats)")


def start(db: Session, primary_id: UUID, name: str, seats: int = 6) -> UUID:
    """As the worker: a plan with its payer in the first seat; `seats` includes the payer. Raises InAFamily."""
    plan_id, at = uuid4(), clock.now()
    free = select(User.id).where(User.id == primary_id, User.family_plan_id.is_(None)).with_for_update()
    if db.scalar(free) is None:
        raise InAFamily
    db.execute(
        insert(FamilyPlan).values(
            id=plan_id, primary_user_id=primary_id, plan_name=name, max_members=seats, created_at=at
        )
    )
    db.execute(
        insert(Membership).values(
            id=uuid4(), plan_id=plan_id, user_id=primary_id, role="primary", state="active", joined_at=at
        )
    )
    refresh_projection(db, primary_id)
    db.execute(update(FamilyPlan).where(FamilyPlan.id == plan_id).values(told_until=FamilyPlan.subscription_expiry))
    audit.record(db, "family.started", f"Started {name}", subject_id=primary_id)
    return plan_id


def rename(db: Session, plan_id: UUID, name: str) -> None:
    """The primary's word for the plan (the policy lets nobody else)."""
    db.execute(update(FamilyPlan).where(FamilyPlan.id == plan_id).values(plan_name=name))
    audit.record(db, "family.renamed", f"Renamed to {name}")


def set_seats(db: Session, plan_id: UUID, seats: int) -> bool:
    """As an admin: how many the family may be. Raises TooFew below who is in and invited. False if there is no such plan."""
    became = db.scalar(SET_SEATS, {"plan": plan_id, "seats": seats})
    refuse(became if became == "too-few" else None)
    audit.record(db, "family.seats-set", f"Set {seats} seats", plan_id=str(plan_id))
    return became is not None


def share_attendance(db: Session, user_id: UUID, share: bool) -> None:
    """Each person's own switch: whether the family sees their evenings."""
    db.execute(update(User).where(User.id == user_id).values(shares_attendance=share))
    audit.record(db, "family.sharing", "Sharing attendance: on" if share else "Sharing attendance: off")


def let_answer(db: Session, user_id: UUID, may: bool) -> None:
    """Each person's own switch: whether somebody of the family may say yes to a meeting for them."""
    db.execute(update(User).where(User.id == user_id).values(family_may_answer=may))
    audit.record(db, "family.answering", "The family may answer: yes" if may else "The family may answer: no")


def tell(db: Session, what: str, membership_id: UUID) -> None:
    """Leave the mail about one seat to the worker."""
    seat_changed.publish(db, what=what, membership_id=membership_id)
