"""What one person may see of their family, put into the words of the page."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session

from portal import clock
from portal.accounts.member import display_name, key_hash
from portal.accounts.models import User
from portal.billing import CYCLES, is_free, money
from portal.billing.models import Subscription
from portal.database.query import Query
from portal.families.leaving import day_begins
from portal.families.models import FamilyPlan
from portal.rsvp_states import TOLD
from portal.times import Viewer, day_long, since


class PersonRow(NamedTuple):
    """Somebody of the viewer's family; what only the primary sees of others is None."""

    user_id: UUID
    first_name: str | None
    last_name: str | None
    email: str | None
    family_role: str
    family_joined_at: datetime | None


class InvitationRow(NamedTuple):
    """An invitation, or a seat that was taken back."""

    id: UUID
    state: str
    email: str
    first_name: str | None
    sent_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class Former(NamedTuple):
    """Who was in the family before."""

    email: str
    first_name: str | None


class AttendanceRow(NamedTuple):
    """Somebody who shares it: whether they came to the last evenings (1 or 0 each), and their next one with their answer."""

    user_id: UUID
    ticks: str | None
    title: str | None
    starts_at: datetime | None
    answer: str | None


class Invitation(NamedTuple):
    """What an invitation says to whoever has its link."""

    state: str
    plan_name: str | None
    host: str
    email: str
    has_account: bool
    until: datetime | None
    free_until: datetime | None


class Pays(NamedTuple):
    """What the payer pays, when next and with which card."""

    amount_minor: int
    next_amount_minor: int | None
    currency: str
    billing_cycle: str
    renews_at: datetime | None
    card: str | None
    card_expires: str | None


class Choices(NamedTuple):
    """What somebody lets their family see and do."""

    shares_attendance: bool
    family_may_answer: bool


PEOPLE = Query(PersonRow, text("select * from family_people()"))
INVITATIONS = Query(InvitationRow, text("select * from family_invitations()"))
FORMER = Query(Former, text("select email, first_name from former_family()"))
ATTENDANCE = Query(AttendanceRow, text("select * from family_attendance()"))
INVITATION = Query(Invitation, text("select * from read_invitation(:token)"))
CHOICES = Query(Choices, select(User.shares_attendance, User.family_may_answer).where(User.id == bindparam("me")))

PAYS = Query(
    Pays,
    select(
        Subscription.amount_minor,
        Subscription.next_amount_minor,
        Subscription.currency,
        Subscription.billing_cycle,
        Subscription.renews_at,
        Subscription.card,
        Subscription.card_expires,
    ).where(Subscription.live, Subscription.user_id == bindparam("me"), Subscription.subscription_type == "family"),
)


def my_plan(db: Session, user_id: UUID) -> FamilyPlan | None:
    """The family plan somebody is in."""
    mine = FamilyPlan.id == select(User.family_plan_id).where(User.id == user_id).scalar_subquery()
    return db.scalar(select(FamilyPlan).where(FamilyPlan.is_active, mine))


def invitation(db: Session, token: str) -> Invitation | None:
    """What an invitation says to whoever has its link."""
    return INVITATION.one_or_none(db, token=key_hash(token))


def host_name(db: Session, user_id: UUID) -> str:
    """How the primary is called in letters: the first name, or the mailbox part of the address."""
    first = func.coalesce(User.first_name, func.split_part(User.email, "@", 1))
    return str(db.scalar(select(first).where(User.id == user_id)))


def former(db: Session) -> Sequence[Former]:
    """Who was in the viewer's family until it ended, address and first name."""
    return FORMER.all(db)


class Relative(NamedTuple):
    """One of a family, as its page shows them; `shared` is None for who keeps their evenings to themselves."""

    id: UUID
    name: str
    email: str
    since: str
    is_me: bool
    is_primary: bool
    shared: dict[str, str] | None


class Household:
    """A family as one of its people sees it now."""

    def __init__(self, db: Session, plan: FamilyPlan, me: UUID, viewer: Viewer) -> None:
        self.now, self._day, self.id = viewer.now, viewer.day, plan.id
        self.name = plan.plan_name or "Your family"
        self.seats, self.invited, self.people_in = plan.max_members, plan.invited_members, plan.current_members
        self.i_am_primary = plan.primary_user_id == me
        self.until = "" if is_free() else self._day(plan.subscription_expiry)
        self.covered = bool(plan.subscription_expiry and plan.subscription_expiry > clock.now())
        self.ending = self._day(plan.ending_at)
        self.transfer_to_me = plan.transfer_to == me
        self.transfer_proposed_on = self._day(plan.transfer_proposed_at)
        shared = {row.user_id: self._evenings(row) for row in ATTENDANCE.all(db)}
        self.people = [self._person(row, me, shared.get(row.user_id)) for row in PEOPLE.all(db)]
        self.transfer_to = next((p.name for p in self.people if p.id == plan.transfer_to), "")
        self.primary = next((p.name for p in self.people if p.is_primary), "")
        self.invitations: list[dict[str, object]] = []
        self.removed: list[dict[str, object]] = []
        self.former: list[str] = []
        if self.i_am_primary:
            for row in INVITATIONS.all(db):
                if row.state == "invited":
                    self.invitations.append(self._invitation(row))
                elif row.ended_at and row.ended_at >= day_begins(self.now):
                    self.removed.append(self._removal(row))
            self.former = [row.first_name or row.email for row in former(db)]
        self.payment = self._payment(db, me) if self.i_am_primary else None
        own = CHOICES.one(db, me=me)
        self.shares = own.shares_attendance
        self.may_answer = own.family_may_answer

    def _payment(self, db: Session, me: UUID) -> dict[str, str] | None:
        """What the payer pays, when next and with which card; None when it is not paid by card."""
        row = PAYS.one_or_none(db, me=me)
        if row is None:
            return None
        price = money.shown(money.major(row.amount_minor, row.currency), row.currency)
        minor = row.amount_minor if row.next_amount_minor is None else row.next_amount_minor
        following = money.shown(money.major(minor, row.currency), row.currency)
        return {
            "price": f"{price} {CYCLES[row.billing_cycle]}",
            "card": f"{row.card}, valid to {row.card_expires}" if row.card_expires else row.card or "",
            "next": f"{following} on {self._day(row.renews_at)}" if row.renews_at else "",
        }

    @property
    def free(self) -> int:
        """Seats that nobody has and nobody is promised."""
        return self.seats - self.people_in - self.invited

    def _person(self, row: PersonRow, me: UUID, shared: dict[str, str] | None) -> "Relative":
        return Relative(
            row.user_id,
            display_name(row.first_name, row.last_name, row.email or "member@"),
            row.email or "",
            self._day(row.family_joined_at),
            row.user_id == me,
            row.family_role == "primary",
            shared,
        )

    def _invitation(self, row: InvitationRow) -> dict[str, object]:
        return {"id": row.id, "email": row.email, "sent": self._day(row.sent_at), "ends": self._day(row.expires_at)}

    def _removal(self, row: InvitationRow) -> dict[str, object]:
        return {"id": row.id, "name": row.first_name or row.email, "when": since(row.ended_at or self.now, self.now)}

    def _evenings(self, row: AttendanceRow) -> dict[str, str]:
        starts = row.starts_at and row.starts_at.astimezone(self.now.tzinfo)
        following = ""
        if starts and row.answer and (line := TOLD[row.answer].family):
            following = line.format(meeting=row.title, day=day_long(starts.date()), time=f"{starts:%H:%M}")
        return {"ticks": row.ticks or "", "next": following}
