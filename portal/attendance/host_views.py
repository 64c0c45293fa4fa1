"""What a host decides about a meeting they lead: who asks gets a place or a no. Admins may do the same."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import bindparam, select, text

from portal.attendance import actions, queries
from portal.database import db
from portal.meetings.board import Board, here_and_now
from portal.meetings.models import Meeting
from portal.times import since
from portal.web import find, me, page, reader

MINE_TO_RUN = select(*queries.SHOWN, Meeting.host_id).where(Meeting.id == bindparam("meeting_id"))
ASKING = text("select user_id, name, asked_at from requests_of(:meeting)")
BECAME = {
    "accepted": "They have a place.",
    "waitlisted": "It is full; they are in the line.",
    "rejected": "They are told no.",
    "withdrawn": "They have no access any more, and so no place.",
    None: "Somebody was quicker: this request is answered already.",
}

bp = Blueprint("hosting", __name__, url_prefix="/meetings/<uuid:meeting_id>")


@bp.get("/requests")
def requests(meeting_id: UUID) -> ResponseReturnValue:
    """Who asks for a place, in order."""
    meeting, now = run_by_me(meeting_id), reader().now
    people = [(p.user_id, p.name, since(p.asked_at, now)) for p in db.session.execute(ASKING, {"meeting": meeting_id})]
    return page("attendance/requests.html", m=Board(meeting, here_and_now()), people=people)


@bp.post("/requests/<uuid:person_id>")
def decide(meeting_id: UUID, person_id: UUID) -> ResponseReturnValue:
    """Yes or no, with a reason for a no."""
    run_by_me(meeting_id)
    decision = request.form.get("decision")
    if decision not in ("accept", "reject"):
        abort(422)
    printable = "".join(c if c.isprintable() else " " for c in request.form.get("reason", ""))
    reason = " ".join(printable.split())[:300]
    became = actions.decide_request(db.session(), meeting_id, person_id, decision == "accept", reason or None)
    flash(BECAME[became], "note")
    return redirect(f"/meetings/{meeting_id}/requests", 303)


def run_by_me(meeting_id: UUID) -> Any:
    """The row of a meeting the asker hosts, or any for an admin whose second factor was given; 404 otherwise."""
    row = find(MINE_TO_RUN, meeting_id=meeting_id)
    if row.host_id != me() and not (current_user.is_admin and current_user.proved_at):
        abort(404)
    return row
