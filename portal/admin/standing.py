"""One person: whether they may come in, and whether they plan. Each change asks for a fresh second factor."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text

from portal.access import admin, elevated
from portal.accounts import actions
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.database import db
from portal.web import find, page, reader

# What each button makes of somebody: (may come in, plans), None where it leaves that alone.
BUTTONS: dict[str, tuple[bool | None, bool | None]] = {
    "suspend": (False, None), "let-in": (True, None), "make-admin": (None, True), "make-member": (None, False),
}  # fmt: skip
ENGAGEMENT = text("""
select meetings_invited, meetings_attended, round(avg_meeting_duration) as minutes, last_meeting_attended
  from user_engagement where id = :person
""")


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/people/<uuid:person_id>", "person", person)
    bp.add_url_rule("/people/<uuid:person_id>/standing", "set_standing", set_standing, methods=["POST"])


@admin
def person(person_id: UUID) -> ResponseReturnValue:
    """Who it is, and the buttons."""
    known = (
        User.first_name,
        User.last_name,
        User.email,
        User.created_at,
        User.is_active,
        User.is_admin,
        User.closed_at,
    )
    row = find(select(User.id, *known).where(User.id == person_id))
    been = db.session.execute(ENGAGEMENT, {"person": person_id}).one()
    return page(
        "admin/person.html", person=row, name=display_name(row.first_name, row.last_name, row.email),
        since=reader().short_day(row.created_at), been=been, last=reader().short_day(been.last_meeting_attended),
    )  # fmt: skip


@admin
@elevated
def set_standing(person_id: UUID) -> ResponseReturnValue:
    """One of the buttons was pressed."""
    active, plans = BUTTONS.get(request.form.get("standing", "")) or abort(400)
    find(select(User.id).where(User.id == person_id, User.closed_at.is_(None)))
    actions.set_standing(db.session(), person_id, active=active, admin=plans)
    flash("Done. It holds from now on.", "note")
    return redirect(f"/admin/people/{person_id}", 303)
