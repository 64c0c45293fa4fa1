"""One person: whether they may come in, and whether they plan. Each change has a page of its own and a reason."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, abort, flash, redirect
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import bindparam, select, text

from portal import audit
from portal.access import admin
from portal.accounts import actions
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.admin import renewal
from portal.admin.inbox import unreachable_of
from portal.database import db
from portal.database.query import Query
from portal.forms import Form, Line
from portal.problems import Refused
from portal.viewer import viewer
from portal.web import find, page


@dataclass(frozen=True)
class Change:
    """What becomes of somebody: may they come in, do they plan (None leaves that alone), and how a page says so of `{}`."""

    active: bool | None
    admin: bool | None
    title: str
    says: str
    button: str
    done: str
    kind: str = "big"


CHANGES = {
    "suspend": Change(
        False,
        None,
        "Suspend {}?",
        "Every sign-in of theirs ends at once, and nobody can sign in with the account. Nothing is deleted, and a plan they"
        " pay for goes on.",
        "Suspend them",
        "{} is suspended.",
        "bad",
    ),
    "let-in": Change(
        True, None, "Let {} in again?", "They can sign in as before.", "Let them in", "{} may come in again."
    ),
    "make-admin": Change(
        None,
        True,
        "Make {} an admin?",
        "An admin plans the programme, sees people, answers and orders, gives money back and suspends people. The"
        " restricted pages open to them as soon as they have a second factor.",
        "Make them an admin",
        "{} is an admin now.",
    ),
    "make-member": Change(
        None,
        False,
        "Take the restricted pages from {}?",
        "Every sign-in of theirs ends at once. They stay a member.",
        "Take it from them",
        "{} is no longer an admin.",
        "bad",
    ),
}
"""The changes, keyed by the last segment of the URL."""


class Known(NamedTuple):
    """Somebody, with what they may; the columns are those of `User`."""

    id: UUID
    first_name: str | None
    last_name: str | None
    email: str
    created_at: datetime
    is_active: bool
    is_admin: bool
    closed_at: datetime | None


class Engagement(NamedTuple):
    """To how many meetings somebody was invited and came, how many minutes each, and when last."""

    meetings_invited: int
    meetings_attended: int
    minutes: Decimal | None
    last_meeting_attended: datetime | None


_KNOWN = select(*(getattr(User, name) for name in Known._fields)).where(User.id == bindparam("person"))
KNOWN = Query(Known, _KNOWN)
OPEN = Query(Known, _KNOWN.where(User.closed_at.is_(None)))
ENGAGEMENT = Query(
    Engagement,
    text("""
select meetings_invited, meetings_attended, round(avg_meeting_duration) as minutes, last_meeting_attended
  from user_engagement where id = :person
"""),
)


class ReasonForm(Form):
    """The reason for a change of somebody's account status."""

    reason = Line(
        "Reason",
        most=300,
        missing="Say why, in a sentence.",
        description="It is kept in the log, and stands in the mail they get.",
    )


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    one = "/people/<uuid:person_id>"
    bp.add_url_rule(one, "person", person)
    bp.add_url_rule(f"{one}/standing/<change>", "ask_account_status", ask)
    bp.add_url_rule(f"{one}/standing/<change>", "set_account_status", set_account_status, methods=["POST"])


@admin
def person(person_id: UUID) -> ResponseReturnValue:
    """One person: name, attendance, and the links to change their account status."""
    row = find(KNOWN, person=person_id)
    audit.person_opened(db.session(), person_id)
    been = ENGAGEMENT.one(db.session(), person=person_id)
    return page(
        "admin/person.html",
        person=row,
        name=_name(row),
        since=viewer().short_day(row.created_at),
        been=been,
        last=viewer().short_day(been.last_meeting_attended),
        unreachable=unreachable_of(person_id),
    )


@admin
def ask(person_id: UUID, change: str) -> ResponseReturnValue:
    """What the change would do, and the form for its reason."""
    return _page(_open_account(person_id), change, ReasonForm(None))


@admin
def set_account_status(person_id: UUID, change: str) -> ResponseReturnValue:
    """Change the account status; the person is told by mail. An unknown change is a 404."""
    row, becomes, form = _open_account(person_id), CHANGES.get(change) or abort(404), ReasonForm()
    if not form.validate():
        return _page(row, change, form, 422)
    try:
        actions.set_account_status(
            db.session(), person_id, row.email, active=becomes.active, admin=becomes.admin, reason=form.reason.data
        )
    except Refused as refusal:
        db.session.rollback()
        form.form_errors = [refusal.sentence]
        return _page(row, change, form, 409)
    flash(f"{becomes.done.format(_name(row))} They are told by mail.", "note")
    return redirect(f"/admin/people/{person_id}", 303)


def _open_account(person_id: UUID) -> Known:
    return find(OPEN, person=person_id)


def _name(row: Known) -> str:
    return display_name(row.first_name, row.last_name, row.email)


def _page(row: Known, change: str, form: ReasonForm, status: int = 200) -> ResponseReturnValue:
    becomes = CHANGES.get(change) or abort(404)
    heading = Markup(becomes.title.replace("{}", "<bdi>{}</bdi>")).format(_name(row))  # noqa: S704 - a name is escaped
    return page(
        "admin/account_status.html",
        status,
        person=row,
        name=_name(row),
        heading=heading,
        change=change,
        becomes=becomes,
        form=form,
        day=viewer().day,
        renewing=renewal.of(row.id) if change == "suspend" else None,
    )
