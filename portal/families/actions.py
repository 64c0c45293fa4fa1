"""The verbs of a family. Starting and seating run as the worker; the name is the primary's own to change."""

from uuid import UUID, uuid4

from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.accounts.models import User
from portal.families.models import FamilyPlan
from portal.problems import Refused

PROJECT = text("select project_access(:user_id, :at)")


class NoSeatFree(Refused):
    """Every seat of this plan is taken."""


class InAFamily(Refused):
    """This person is in a family already."""


def start(db: Session, primary_id: UUID, name: str, seats: int = 6) -> UUID:
    """A plan with its payer in the first seat; `seats` includes the payer."""
    plan_id = uuid4()
    db.execute(insert(FamilyPlan).values(id=plan_id, primary_user_id=primary_id, plan_name=name, max_members=seats))
    _seat(db, plan_id, primary_id, "primary")
    db.execute(PROJECT, {"user_id": primary_id, "at": clock.now()})
    audit.record(db, "family.started", f"Started {name}", subject_id=primary_id)
    return plan_id


def seat(db: Session, plan_id: UUID, user_id: UUID) -> None:
    """Give somebody a seat and the plan's date. Raises NoSeatFree or InAFamily."""
    _seat(db, plan_id, user_id, "member")
    payer = db.scalar(select(FamilyPlan.primary_user_id).where(FamilyPlan.id == plan_id))
    db.execute(PROJECT, {"user_id": payer, "at": clock.now()})
    audit.record(db, "family.joined", "Joined a family", subject_id=user_id)


def rename(db: Session, plan_id: UUID, name: str) -> None:
    """The primary's word for the plan (the policy lets nobody else)."""
    db.execute(update(FamilyPlan).where(FamilyPlan.id == plan_id).values(plan_name=name))
    audit.record(db, "family.renamed", f"Renamed to {name}")


def _seat(db: Session, plan_id: UUID, user_id: UUID, role: str) -> None:
    free = update(User).where(User.id == user_id, User.family_plan_id.is_(None))
    try:
        seated = db.execute(
            free.values(family_plan_id=plan_id, family_role=role, family_joined_at=clock.now())
        ).rowcount  # type: ignore[attr-defined]
    except IntegrityError as full:
        if "check_member_limits" in str(full):
            raise NoSeatFree from full
        raise
    if not seated:
        raise InAFamily
