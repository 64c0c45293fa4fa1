"""What the clock and other rooms cause in a family: mails, invitations that run out, dates that change, ends."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.billing.events import family_payment_changed, family_wanted, take_over_paid
from portal.billing.models import Subscription
from portal.billing.provider import LIVE
from portal.database.query import Query
from portal.database.transactions import each
from portal.families import actions, messages, transfer
from portal.families.events import plan_changed, seat_changed
from portal.families.models import FamilyPlan, Membership
from portal.jobs import job
from portal.mail.models import Mail
from portal.times import Viewer

LOCK = text("select from lock_family(:plan, :at)")
LAPSED = text("select p.id from family_plans p where p.is_active and family_ends_at(p) <= :at order by p.id")
END_LAPSED = text("select end_lapsed_family(:plan, :at)")
PAYS = (
    select(Subscription.subscription_type, Subscription.ends_at, Subscription.renews_at, Subscription.next_type)
    .where(Subscription.user_id == bindparam("payer"), Subscription.status.in_(LIVE), ~Subscription.is_duplicate)
    .where(Subscription.subscription_type == "family")
)


class Person(NamedTuple):
    """Somebody of a family, to be written to, with their part in it."""

    id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    timezone: str
    role: str


PEOPLE = Query(
    Person,
    select(User.id, User.email, User.first_name, User.last_name, User.timezone, Membership.role)
    .join(Membership, Membership.user_id == User.id)
    .where(Membership.plan_id == bindparam("plan"), Membership.state == bindparam("state"), User.is_active)
    .order_by(User.id),
)


@family_wanted.subscribe
@job("families.paid")
def paid(db: Session, user_id: UUID) -> None:
    """The first payment for a family makes the plan, unless its payer has one or is in another's."""
    payer = db.get_one(User, user_id, with_for_update=True, populate_existing=True)
    if payer.family_plan_id is None:
        called = f"The {payer.last_name} family" if payer.last_name else f"{_first(payer)}’s family"
        actions.start(db, user_id, called[:80])


@take_over_paid.subscribe
@job("families.take_over")
def take_over(db: Session, plan_id: UUID, new_primary_id: UUID) -> None:
    """The new payer has arranged the first payment: transfer the family."""
    transfer.take_over(db, plan_id, new_primary_id)


@family_payment_changed.subscribe
@job("families.follow")
def follow(db: Session, plan_id: UUID) -> None:
    """What the payer has may have changed: everybody else hears once of another date, and of an end or that it is off."""
    plan = db.get(FamilyPlan, plan_id, with_for_update=True, populate_existing=True)
    if plan is None or not plan.is_active:
        return
    _follow_date(db, plan)
    _follow_end(db, plan)


def _follow_date(db: Session, plan: FamilyPlan) -> None:
    until, told_before = plan.subscription_expiry, plan.told_until
    if plan.ending_at and until and until > plan.ending_at:
        plan.ending_at = None
    if until == told_before:
        return
    plan.told_until = until
    for person in _members(db, plan.id):
        message = messages.date(plan.plan_name, _day(until, person), _is_sooner(until, told_before))
        _once(db, "family-date", person, message, f"{plan.id}:{until.timestamp() if until else 0:.0f}")


def _follow_end(db: Session, plan: FamilyPlan) -> None:
    """The subscription is set to end, or to be an individual one; or it was, and goes on after all."""
    pays = db.execute(PAYS, {"payer": plan.primary_user_id}).one_or_none()
    if pays is None:  # paid otherwise, or over: `end_lapsed` has the word
        return
    alone = pays.ends_at is None and pays.next_type == "individual"
    ends = pays.renews_at if alone else pays.ends_at
    told_before, plan.told_ending_at = plan.told_ending_at, ends
    if ends == told_before or (
        told_before is None and plan.ending_at
    ):  # the primary let it end here, and everybody was told
        return
    plan.ending_at = ends
    payer = _first(db.get_one(User, plan.primary_user_id))
    for person in _members(db, plan.id):
        if ends is None:
            message = messages.goes_on(plan.plan_name, payer)
        elif alone:
            message = messages.individual(plan.plan_name, payer, _day(ends, person))
        else:
            message = messages.ending(plan.plan_name, payer, _day(ends, person))
        mail.write(db, "family-ending", person.email, message, user_id=person.id)


@seat_changed.subscribe
@job("families.tell")
def tell(db: Session, what: str, membership_id: UUID) -> None:
    """What became of one seat, to whom it concerns."""
    found = db.execute(
        select(Membership, FamilyPlan, User)
        .join(FamilyPlan, FamilyPlan.id == Membership.plan_id)
        .outerjoin(User, User.id == Membership.user_id)
        .where(Membership.id == membership_id)
    ).one_or_none()
    if found is None:
        return
    seat, plan, person = found
    payer = db.get_one(User, plan.primary_user_id)
    occasion = f"{membership_id}:{(seat.ended_at or seat.joined_at or clock.now()).timestamp():.0f}"
    if what.startswith("removed"):
        if seat.state == "removed":  # not taken back before this was sent
            by = _first(payer) if what == "removed" else "The club"
            _once(
                db,
                "family-removed",
                person,
                messages.removed(plan.plan_name, by, _day(seat.ended_at, person)),
                occasion,
            )
            if what == "removed_by_club":
                _once(
                    db,
                    "family-removed-by-club",
                    payer,
                    messages.removed_by_club(plan.plan_name, _name(person)),
                    occasion,
                )
        return
    if what == "back":
        if seat.state == "active":
            _take_back(db, person, "family-removed", "family-back", messages.back(plan.plan_name, _first(payer)))
            by_club = messages.back_by_club(plan.plan_name, _name(person))
            _take_back(db, payer, "family-removed-by-club", "family-back-by-club", by_club)
        return
    message = {
        "joined": lambda: messages.joined(plan.plan_name, _name(person), person.email),
        "left": lambda: messages.left(plan.plan_name, _name(person)),
        "declined": lambda: messages.declined(plan.plan_name, seat.email),
        "expired": lambda: messages.expired(plan.plan_name, seat.email),
        "missed": lambda: messages.missed(plan.plan_name, seat.email),
    }[what]()
    _once(db, f"family-{what}", payer, message, occasion)


@plan_changed.subscribe
@job("families.tell_plan")
def tell_plan(db: Session, what: str, plan_id: UUID) -> None:
    """What happens to the whole plan, to whom it concerns."""
    plan = db.get_one(FamilyPlan, plan_id)
    payer = db.get_one(User, plan.primary_user_id)
    successor = db.get(User, plan.transfer_to) if plan.transfer_to else None
    if what.startswith("transfer") and what != "transfer_off":
        if successor is None:
            return
        occasion = f"{plan_id}:{plan.transfer_proposed_at}"
        _once(db, "family-transfer", successor, messages.asked_to_take_over(plan.plan_name, _first(payer)), occasion)
        if what == "transfer_by_club":
            _once(
                db,
                "family-transfer-by-club",
                payer,
                messages.proposed_by_club(plan.plan_name, _name(successor)),
                occasion,
            )
    elif what == "transfer_off":
        mail.write(db, "family-transfer-off", payer.email, messages.transfer_off(plan.plan_name), user_id=payer.id)
    elif what == "taken_over":
        for person in _people(db, plan.id):
            _once(
                db,
                "family-taken-over",
                person,
                messages.taken_over(plan.plan_name, _first(payer)),
                f"{plan_id}:{payer.id}:{_day(clock.now(), person)}",
            )
    elif what == "ending" and plan.ending_at:
        for person in _people(db, plan.id):
            message = messages.ending(plan.plan_name, _first(payer), _day(plan.ending_at, person))
            _once(db, "family-ending", person, message, f"{plan_id}:{plan.ending_at.timestamp():.0f}")
    elif what == "ended":
        for person in _people(db, plan.id, "ended"):
            _once(db, "family-ended", person, messages.ended(plan.plan_name), str(plan_id))


@job("families.expire", cron="*/10 * * * *", lock="families.expire", dry_run=True)
def expire(db: Session) -> None:
    """Invitations nobody took for 14 days let go of their seats, and who sent them is told."""
    at = clock.now()
    late = select(Membership.plan_id).where(Membership.state == "invited", Membership.expires_at <= at).distinct()
    for plan_id in each(db, db.scalars(late.order_by(Membership.plan_id)).all()):
        db.execute(LOCK, {"plan": plan_id, "at": at})  # who holds a family lets go of its late invitations
    # Some were let go of by somebody who came by first; the mail is written once all the same.
    lately = select(Membership.id).where(Membership.state == "expired", Membership.ended_at > at - timedelta(hours=1))
    for membership_id in db.scalars(lately).all():
        actions.tell(db, "expired", membership_id)


@job("families.end_lapsed", cron="11 4 * * *", lock="families.end_lapsed", dry_run=True)
def end_lapsed(db: Session) -> None:
    """Families whose time is over come to their end."""
    at = clock.now()
    for plan_id in each(db, db.scalars(LAPSED, {"at": at}).all()):
        if db.scalar(END_LAPSED, {"plan": plan_id, "at": at}):
            audit.record(db, "family.ended", "A family came to its end", category="cron", plan_id=str(plan_id))
            plan_changed.publish(db, what="ended", plan_id=plan_id)


def _take_back(db: Session, person: Person | User, told_before: str, back: str, message: mail.Message) -> None:
    """A mail of kind `back`, if the last of the two that somebody got was the one of kind `told`, which it takes back."""
    last = select(Mail.kind).where(Mail.user_id == person.id, Mail.kind.in_((told_before, back)))
    if db.scalar(last.order_by(Mail.created_at.desc()).limit(1)) == told_before:
        mail.write(db, back, person.email, message, user_id=person.id)


def _members(db: Session, plan_id: UUID) -> list[Person]:
    return [person for person in _people(db, plan_id) if person.role == "member"]


def _people(db: Session, plan_id: UUID, state: str = "active") -> list[Person]:
    return PEOPLE.all(db, plan=plan_id, state=state)


def _once(db: Session, kind: str, person: Person | User, message: mail.Message, occasion: str) -> None:
    mail.write(db, kind, person.email, message, user_id=person.id, occasion=f"{kind}:{occasion}:{person.id}")


def _is_sooner(until: datetime | None, told_before: datetime | None) -> bool:
    return until is None or (told_before is not None and until < told_before)


def _day(moment: datetime | None, person: Person | User) -> str:
    return Viewer(person.timezone).day(moment)


def _first(person: Person | User) -> str:
    return person.first_name or person.email.partition("@")[0]


def _name(person: Person | User) -> str:
    return display_name(person.first_name, person.last_name, person.email)
