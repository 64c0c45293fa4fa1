"""Families: a list to look through, and one of them, with what an admin may do to it."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, abort, flash, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, func, select, text
from wtforms import StringField
from wtforms.validators import Regexp

from portal import clock, paging
from portal.access import admin
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.accounts.queries import NAME
from portal.arguments import form_uuid, query_arg
from portal.database import db
from portal.database.query import Query
from portal.families import actions, leaving, transfer
from portal.families.models import FamilyPlan, Membership
from portal.families.refusals import TooFew
from portal.forms import Form, Line
from portal.sentences import listed, ngettext
from portal.times import number
from portal.viewer import viewer
from portal.web import page

PAGE = 20


class SeatsForm(Form):
    """How many people a family may be."""

    seats = StringField(
        "Seats, the payer’s included",
        validators=[Regexp(r"^([1-9]|1[0-9]|20)\Z", message="Enter a number from 1 to 20.")],
    )


class ReasonForm(Form):
    """Why an admin acts in a member's place. Kept in the log."""

    reason = Line("Reason", most=300, missing="Say why in a sentence. It is kept in the log.")


class FamilyRow(NamedTuple):
    """A family in the list, with its payer's name."""

    id: UUID
    plan_name: str | None
    current_members: int
    invited_members: int
    max_members: int
    is_active: bool
    ending_at: datetime | None
    subscription_expiry: datetime | None
    first_name: str | None
    last_name: str | None
    email: str
    name_key: str


class Counts(NamedTuple):
    """How many families there are, and how many people in them."""

    families: int
    people: int


class Seat(NamedTuple):
    """Somebody who is, was, or was asked to be in a family."""

    id: UUID
    user_id: UUID | None
    role: str
    state: str
    joined_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    first_name: str | None
    last_name: str | None
    email: str


class Shown(NamedTuple):
    """The same, as the page shows it."""

    id: UUID
    user_id: UUID | None
    name: str
    email: str
    state: str
    word: str
    kind: str
    tone: str
    is_primary: bool
    joined: str
    ended: str
    undo: bool


COLUMNS = """
select p.id, p.plan_name, p.current_members, p.invited_members, p.max_members, p.is_active, p.ending_at,
       p.subscription_expiry, u.first_name, u.last_name, u.email, p.name_key
"""
EVERY = f"{COLUMNS} from family_plans p join users u on u.id = p.primary_user_id"
# A plan is found by its own name, or by whoever is in it.
FOUND = f"""
with people as materialized (select id, family_plan_id from users where search @@ searched(:q))
{COLUMNS}
  from (select id from family_plans where search @@ searched(:q)
        union select family_plan_id from people
        union select f.id from family_plans f join people on f.primary_user_id = people.id) found
  join family_plans p on p.id = found.id join users u on u.id = p.primary_user_id
"""  # noqa: S608 - constants of this file
PLANS = {
    search: Query(
        FamilyRow,
        text(f"""
select * from ({found}) plans
 where (name_key, id) > (:after_name, :after_id) order by name_key, id limit {PAGE + 1}
"""),  # noqa: S608 - constants of this file
    )
    for search, found in ((True, FOUND), (False, EVERY))
}
TOTALS = Query(
    Counts,
    text("""
select count(*) as families, coalesce(sum(current_members), 0) as people from family_plans where is_active
"""),
)
PEOPLE = Query(
    Seat,
    select(
        Membership.id,
        Membership.user_id,
        Membership.role,
        Membership.state,
        Membership.joined_at,
        Membership.ended_at,
        Membership.expires_at,
        User.first_name,
        User.last_name,
        func.coalesce(User.email, Membership.email).label("email"),
    )
    .outerjoin(User, User.id == Membership.user_id)
    .where(Membership.plan_id == bindparam("plan_id"))
    .order_by(Membership.ended_at.desc().nulls_first(), Membership.role.desc(), Membership.joined_at, Membership.id)
    .limit(200),
)
DISC = {"active": ("full", "ok"), "invited": ("ring", ""), "declined": ("slash", ""), "revoked": ("slash", "")}


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/families", "families", families)
    one = "/families/<uuid:plan_id>"
    bp.add_url_rule(one, "family", family)
    bp.add_url_rule(f"{one}/seats", "family_seats", set_seats, methods=["POST"])
    bp.add_url_rule(f"{one}/removal", "family_removal", remove, methods=["POST"])
    bp.add_url_rule(f"{one}/removal/<uuid:membership_id>/back", "family_removal_back", undo, methods=["POST"])
    bp.add_url_rule(f"{one}/transfer", "family_transfer", propose_transfer, methods=["POST"])


@admin
def families() -> ResponseReturnValue:
    """By name; or found by the beginnings of words in a family's name, or in the names and addresses of its people."""
    q, start = query_arg("q"), query_arg("from", 3000)
    after_name, after_id = paging.read_name(start)
    rows = PLANS[bool(q)].all(db.session(), q=q, after_name=after_name, after_id=after_id)
    shown, first = rows[:PAGE], f"/admin/families?{urlencode({'q': q})}"
    return page(
        "admin/families.html",
        q=q,
        heading=_heading(q, len(rows)),
        families=[_line(row) for row in shown],
        newer_url=first if start else None,
        older_url=f"{first}&from={paging.write_name(shown[-1].name_key, shown[-1].id)}" if len(rows) > PAGE else None,
    )


@admin
def family(plan_id: UUID) -> ResponseReturnValue:
    """Who is in, who was ever asked, and what may be done."""
    return _family_page(plan_id)


@admin
def set_seats(plan_id: UUID) -> ResponseReturnValue:
    """More seats, or fewer; below who is in and invited it names who would have to go."""
    form = SeatsForm()
    if not form.validate():
        return _family_page(plan_id, 422, seats_form=form)
    try:
        if not actions.set_seats(db.session(), plan_id, int(form.seats.data)):
            abort(404)
    except TooFew:
        db.session.rollback()
        form.seats.errors = [_too_many_for(plan_id, int(form.seats.data))]
        return _family_page(plan_id, 422, seats_form=form)
    plan = db.session.get(FamilyPlan, plan_id) or abort(404)
    return _back(
        plan_id,
        ngettext(
            "%(family)s has one seat now.",
            "%(family)s has %(count)s seats now.",
            int(form.seats.data),
            family=plan.plan_name or "This family",
            count=number(int(form.seats.data)),
        ),
    )


@admin
def remove(plan_id: UUID) -> ResponseReturnValue:
    """Remove a member from the family; the reason is kept in the log."""
    form = ReasonForm(prefix="removal-")
    if not form.validate():
        return _family_page(plan_id, 422, removal_form=form)
    person = form_uuid("person")
    if leaving.remove(db.session(), plan_id, person, form.reason.data) is None:
        abort(404)
    name = next((p.name for p in map(_person, _people(plan_id)) if p.user_id == person), "Somebody")
    return _back(plan_id, f"{name} was removed. {name} and the primary are told by mail.")


@admin
def undo(plan_id: UUID, membership_id: UUID) -> ResponseReturnValue:
    """Take a removal back, until the end of the same day."""
    name = next((p.name for p in map(_person, _people(plan_id)) if p.id == membership_id), "Somebody")
    if not leaving.undo(db.session(), membership_id, viewer().now):
        abort(404)
    return _back(plan_id, f"{name} has the seat again and is told by mail.")


@admin
def propose_transfer(plan_id: UUID) -> ResponseReturnValue:
    """Ask a member to take over without the primary's act; it happens when they have paid."""
    form = ReasonForm(prefix="transfer-")
    if not form.validate():
        return _family_page(plan_id, 422, transfer_form=form)
    if not transfer.propose_transfer(db.session(), plan_id, form_uuid("person"), form.reason.data):
        abort(404)
    return _back(
        plan_id,
        f"{_named(form_uuid('person'))} was asked to take over, and the person who pays now is told."
        " It happens once the new payer has paid.",
    )


def _named(person_id: UUID) -> str:
    return display_name(*NAME.one(db.session(), person=person_id))


def _back(plan_id: UUID, notice: str) -> ResponseReturnValue:
    flash(notice, "note")
    return redirect(f"/admin/families/{plan_id}", 303)


def _family_page(plan_id: UUID, status: int = 200, **forms: Form) -> ResponseReturnValue:
    plan = db.session.get(FamilyPlan, plan_id) or abort(404)
    people = [_person(row) for row in _people(plan_id)]
    context: dict[str, Form] = {
        "seats_form": SeatsForm(None, data={"seats": plan.max_members}),
        "removal_form": ReasonForm(None, prefix="removal-"),
        "transfer_form": ReasonForm(None, prefix="transfer-"),
    }
    return page(
        "admin/family.html",
        status,
        plan=plan,
        people=people,
        members=[p for p in people if p.state == "active" and not p.is_primary],
        until=viewer().short_day(plan.subscription_expiry),
        ending=viewer().short_day(plan.ending_at),
        transfer_to_name=next((p.name for p in people if plan.transfer_to and p.user_id == plan.transfer_to), ""),
        **{**context, **forms},
    )


def _people(plan_id: UUID) -> list[Seat]:
    return PEOPLE.all(db.session(), plan_id=plan_id)


def _too_many_for(plan_id: UUID, seats: int) -> str:
    occupied = [row for row in _people(plan_id) if row.state in ("active", "invited")]
    gone = len(occupied) - seats
    return ngettext(
        "In it or invited are %(names)s. One person or invitation has to go first.",
        "In it or invited are %(names)s. %(count)s people or invitations have to go first.",
        gone,
        names=listed([display_name(row.first_name, row.last_name, row.email) for row in occupied]),
        count=number(gone).capitalize(),
    )


def _heading(q: str, found: int) -> str:
    if q and found > PAGE:
        return f"More than {PAGE} families"
    if q:
        return ngettext("%(num)s family found", "%(num)s families found", found)
    now = TOTALS.one(db.session())
    families = ngettext("%(num)s family", "%(num)s families", now.families)
    return ngettext("%(families)s, %(num)s person", "%(families)s, %(num)s people", now.people, families=families)


def _line(row: FamilyRow) -> dict[str, object]:
    kind, word, tone = (
        ("slash", "Over", "")
        if not row.is_active
        else ("half", "Ending", "amber")
        if row.ending_at
        else ("full", "Active", "ok")
    )
    return {
        "id": row.id,
        "name": row.plan_name or "No name",
        "primary": display_name(row.first_name, row.last_name, row.email),
        "email": row.email,
        "in": f"{row.current_members} of {row.max_members}",
        "invited": row.invited_members,
        "kind": kind,
        "word": word,
        "tone": tone,
        "until": viewer().short_day(row.subscription_expiry),
    }


def _person(row: Seat) -> Shown:
    state = "expired" if row.state == "invited" and row.expires_at and row.expires_at <= clock.now() else row.state
    kind, tone = DISC.get(state, ("ring", ""))
    return Shown(
        row.id,
        row.user_id,
        display_name(row.first_name, row.last_name, row.email),
        row.email,
        state,
        state.capitalize(),
        kind,
        tone,
        row.role == "primary",
        viewer().short_day(row.joined_at),
        viewer().short_day(row.ended_at),
        undo=state == "removed" and row.ended_at is not None and row.ended_at >= leaving.day_begins(viewer().now),
    )
