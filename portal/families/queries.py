"""What one person may see of their family, put into the words of the page."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from portal import clock
from portal.accounts.member import display_name, key_hash
from portal.accounts.models import User
from portal.families.models import UNDO_FOR, FamilyPlan
from portal.times import Reader, day_long

PEOPLE = text("select * from family_people()")
INVITATIONS = text("select * from family_invitations()")
FORMER = text("select email, first_name from former_family()")
ATTENDANCE = text("select * from family_attendance()")
INVITATION = text("select * from read_invitation(:token)")

SAYS = {
    "accepted": "comes", "declined": "does not come", "waitlisted": "waits for a place", "offered": "has a place on offer",
}  # fmt: skip


def my_plan(db: Session, user_id: UUID) -> FamilyPlan | None:
    """The family plan somebody is in."""
    mine = FamilyPlan.id == select(User.family_plan_id).where(User.id == user_id).scalar_subquery()
    return db.scalar(select(FamilyPlan).where(FamilyPlan.is_active, mine))


def invitation(db: Session, token: str) -> Row[Any] | None:
    """What an invitation says to whoever has its link."""
    return db.execute(INVITATION, {"token": key_hash(token)}).one_or_none()


def host_name(db: Session, user_id: UUID) -> str:
    """How the primary is called in letters: the first name, or the mailbox part of the address."""
    first = func.coalesce(User.first_name, func.split_part(User.email, "@", 1))
    return str(db.scalar(select(first).where(User.id == user_id)))


def former(db: Session) -> Sequence[Row[Any]]:
    """Who was in the asker's family until it ended, address and first name."""
    return db.execute(FORMER).all()


class Household:
    """A family as one of its people sees it now."""

    def __init__(self, db: Session, plan: FamilyPlan, me: UUID, reader: Reader) -> None:
        self.tz, self._day, self.id = reader.tz, reader.day, plan.id
        self.name = plan.plan_name or "Your family"
        self.seats, self.invited, self.people_in = plan.max_members, plan.invited_members, plan.current_members
        self.i_am_primary = plan.primary_user_id == me
        self.until = self._day(plan.subscription_expiry)
        self.covered = bool(plan.subscription_expiry and plan.subscription_expiry > clock.now())
        self.ending = self._day(plan.ending_at)
        self.asked_me = plan.transfer_to == me
        self.asked_on = self._day(plan.transfer_proposed_at)
        shared = {row.user_id: self._evenings(row) for row in db.execute(ATTENDANCE)}
        self.people = [self._person(row, me, shared.get(row.user_id)) for row in db.execute(PEOPLE)]
        self.asked = next((p["name"] for p in self.people if p["id"] == plan.transfer_to), "")
        self.primary = next((p["name"] for p in self.people if p["is_primary"]), "")
        self.invitations: list[dict[str, Any]] = []
        self.removed: list[dict[str, Any]] = []
        self.former: list[str] = []
        if self.i_am_primary:
            for row in db.execute(INVITATIONS):
                (self.invitations if row.state == "invited" else self.removed).append(self._invitation(row))
            self.former = [row.first_name or row.email for row in former(db)]
        own = db.execute(select(User.shares_attendance, User.family_may_answer).where(User.id == me)).one()
        self.shares: bool = own.shares_attendance
        self.may_answer: bool = own.family_may_answer

    @property
    def free(self) -> int:
        """Seats that nobody has and nobody is promised."""
        return self.seats - self.people_in - self.invited

    def _person(self, row: Row[Any], me: UUID, shared: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "id": row.user_id, "name": display_name(row.first_name, row.last_name, row.email or "member@"),
            "email": row.email or "", "since": self._day(row.family_joined_at), "is_me": row.user_id == me,
            "is_primary": row.family_role == "primary", "shared": shared,
        }  # fmt: skip

    def _invitation(self, row: Row[Any]) -> dict[str, Any]:
        ended = row.ended_at and (row.ended_at + UNDO_FOR).astimezone(self.tz)
        return {
            "id": row.id, "email": row.email, "name": row.first_name or row.email, "sent": self._day(row.sent_at),
            "ends": self._day(row.expires_at), "told_at": f"{ended:%H:%M:%S}" if ended else "",
        }  # fmt: skip

    def _evenings(self, row: Row[Any]) -> dict[str, Any]:
        starts = row.starts_at and row.starts_at.astimezone(self.tz)
        following = f"{row.title}, {day_long(starts.date())} at {starts:%H:%M}: {SAYS[row.answer]}" if starts else ""
        return {"ticks": row.ticks or "", "next": following}
