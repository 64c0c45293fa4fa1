"""What one person may see of their family, put into the words of the page."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select, text
from sqlalchemy.orm import Session

from portal import clock
from portal.accounts.member import display_name, key_hash
from portal.accounts.models import User
from portal.billing import CYCLES, money
from portal.billing.models import Subscription
from portal.families.leaving import day_begins
from portal.families.models import FamilyPlan
from portal.times import Reader, day_long, since

PEOPLE = text("select * from family_people()")
INVITATIONS = text("select * from family_invitations()")
FORMER = text("select email, first_name from former_family()")
ATTENDANCE = text("select * from family_attendance()")
INVITATION = text("select * from read_invitation(:token)")

PAYS = (
    select(
        Subscription.amount_minor, Subscription.currency, Subscription.billing_cycle, Subscription.renews_at,
        Subscription.card, Subscription.card_expires,
    )
    .where(Subscription.live, Subscription.user_id == bindparam("me"), Subscription.subscription_type == "family")
)  # fmt: skip
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
        self.now, self._day, self.id = reader.now, reader.day, plan.id
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
                if row.state == "invited":
                    self.invitations.append(self._invitation(row))
                elif row.ended_at >= day_begins(self.now):
                    self.removed.append(self._removal(row))
            self.former = [row.first_name or row.email for row in former(db)]
        self.payment = self._payment(db, me) if self.i_am_primary else None
        own = db.execute(select(User.shares_attendance, User.family_may_answer).where(User.id == me)).one()
        self.shares: bool = own.shares_attendance
        self.may_answer: bool = own.family_may_answer

    def _payment(self, db: Session, me: UUID) -> dict[str, str] | None:
        """What the payer pays, when next and with which card; None when it is not paid by card."""
        row = db.execute(PAYS, {"me": me}).one_or_none()
        if row is None:
            return None
        price = money.shown(money.major(row.amount_minor, row.currency), row.currency)
        return {
            "price": f"{price} {CYCLES[row.billing_cycle]}", "card": f"{row.card}, valid to {row.card_expires}" if row.card else "",
            "next": f"{price} on {self._day(row.renews_at)}" if row.renews_at else "",
        }  # fmt: skip

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
        return {"id": row.id, "email": row.email, "sent": self._day(row.sent_at), "ends": self._day(row.expires_at)}

    def _removal(self, row: Row[Any]) -> dict[str, Any]:
        return {"id": row.id, "name": row.first_name or row.email, "when": since(row.ended_at, self.now)}

    def _evenings(self, row: Row[Any]) -> dict[str, Any]:
        starts = row.starts_at and row.starts_at.astimezone(self.now.tzinfo)
        following = f"{row.title}, {day_long(starts.date())} at {starts:%H:%M}: {SAYS[row.answer]}" if starts else ""
        return {"ticks": row.ticks or "", "next": following}
