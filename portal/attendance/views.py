"""Answering, coming in, leaving: fragments for htmx, plain posts for everybody else."""

from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.accounts.devices import kind
from portal.attendance import actions, drawing
from portal.attendance.evening import as_seen
from portal.attendance.evenings import meeting_page, the_meeting
from portal.database import db
from portal.meetings.board import here_and_now
from portal.problems import Refused
from portal.web import wants_fragment

bp = Blueprint("attendance", __name__, url_prefix="/meetings/<uuid:meeting_id>")

VIEWS = {"row": "answer_row", "band": "answer_band", "page": "answer_page"}


@bp.post("/answer")
def answer(meeting_id: UUID) -> ResponseReturnValue:
    """Accept or decline; whatever happened meanwhile, the answer shows how it stands."""
    wish = request.form.get("answer")
    if wish not in ("accepted", "declined"):
        abort(422)
    try:
        actions.answer(db.session(), meeting_id, wish)
    except Refused as refusal:
        db.session.rollback()
        return _how_it_stands(meeting_id, 409, refusal.sentence)
    if wants_fragment():
        return _how_it_stands(meeting_id)
    return redirect(_where_from(meeting_id), 303)


@bp.post("/together")
def answer_together(meeting_id: UUID) -> ResponseReturnValue:
    """Yes for all of us."""
    the_meeting(meeting_id)
    try:
        actions.answer_together(db.session(), meeting_id)
    except Refused as refusal:
        db.session.rollback()
        return _how_it_stands(meeting_id, 409, refusal.sentence)
    return _how_it_stands(meeting_id) if wants_fragment() else redirect(f"/meetings/{meeting_id}", 303)


@bp.get("/mine")
def mine(meeting_id: UUID) -> ResponseReturnValue:
    """What depends on the reader, asked for again when the board changed."""
    return render_template("attendance/mine.html", m=as_seen(the_meeting(meeting_id)))


@bp.get("/live")
def live(meeting_id: UUID) -> ResponseReturnValue:
    """The board for a page whose stream is not there."""
    row = the_meeting(meeting_id)
    return drawing.rendered(db.session(), row, here_and_now(), current_user)


@bp.post("/join")
def join(meeting_id: UUID) -> ResponseReturnValue:
    """Through the door, and on to the room."""
    the_meeting(meeting_id)
    settings = current_app.config["SETTINGS"]
    try:
        if not settings.sandbox:
            raise actions.RoomNotReady  # rooms of Meet and Zoom come with their adapters
        actions.join(db.session(), meeting_id, kind(request), settings.doors_minutes)
    except Refused as refusal:
        db.session.rollback()
        return meeting_page(meeting_id, 409, refusal.sentence)
    return redirect(f"/sandbox/rooms/{meeting_id}", 303)


@bp.post("/leave")
def leave(meeting_id: UUID) -> ResponseReturnValue:
    """Out of the room."""
    the_meeting(meeting_id)
    actions.leave(db.session(), meeting_id)
    flash("You left the room. The door stays open until the end.", "note")
    return redirect(f"/meetings/{meeting_id}", 303)


@bp.post("/here")
def still_here(meeting_id: UUID) -> ResponseReturnValue:
    """The heartbeat of an open room page."""
    actions.still_here(db.session(), meeting_id)
    return "", 204


def _how_it_stands(meeting_id: UUID, status: int = 200, refusal: str = "") -> ResponseReturnValue:
    view = VIEWS.get(request.form.get("view", ""))
    if view is None or not wants_fragment():
        return meeting_page(meeting_id, status, refusal)
    m = as_seen(the_meeting(meeting_id))
    return render_template(f"attendance/{view}.html", m=m, refusal=refusal), status


def _where_from(meeting_id: UUID) -> str:
    back = {"row": "/meetings", "band": "/meetings"}.get(request.form.get("view", ""))
    return back or f"/meetings/{meeting_id}"
