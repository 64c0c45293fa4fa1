"""Where a meeting takes place, for its host and for admins: how the room stands, a typed link, another try."""

from uuid import UUID

from flask import Blueprint, current_app, flash, redirect
from flask.typing import ResponseReturnValue

from portal.arguments import field_refusal
from portal.attendance.host_views import run_by_me
from portal.database import db
from portal.meetings.board import Board, here_and_now
from portal.problems import Refused
from portal.rooms import actions
from portal.rooms.forms import LinkForm, link_hint
from portal.rooms.standing import room_standing
from portal.web import page

bp = Blueprint("room", __name__, url_prefix="/meetings/<uuid:meeting_id>/room")

NOTHING = "Type a link, or choose to remove the one that is set."


@bp.get("")
def show(meeting_id: UUID) -> ResponseReturnValue:
    """How the room stands, and the field for a link."""
    return _page(meeting_id, LinkForm(None))


@bp.post("")
def set_link(meeting_id: UUID) -> ResponseReturnValue:
    """Set a typed link, or take it away."""
    run_by_me(meeting_id)
    form = LinkForm()
    if form.validate() and not (form.link.data or form.remove_link.data):
        form.link.errors = [NOTHING]
    if not form.errors:
        with field_refusal(form.link):
            actions.set_link(db.session(), meeting_id, form.link.data or None)
            is_set = "The link is set. Whoever waits on the meeting’s page can join now."
            flash(is_set if form.link.data else "The link is removed.", "note")
            return redirect(f"/meetings/{meeting_id}/room", 303)
    return _page(meeting_id, form, 422)


@bp.post("/again")
def retry(meeting_id: UUID) -> ResponseReturnValue:
    """Have the room made again at its platform."""
    run_by_me(meeting_id)
    form = LinkForm(None)
    try:
        actions.retry(db.session(), meeting_id)
    except Refused as refusal:
        db.session.rollback()
        form.form_errors.append(refusal.sentence)
        return _page(meeting_id, form, 409)
    flash("The room is being made again.", "note")
    return redirect(f"/meetings/{meeting_id}/room", 303)


def _page(meeting_id: UUID, form: LinkForm, status: int = 200) -> ResponseReturnValue:
    board = Board(run_by_me(meeting_id), here_and_now())
    room = room_standing(db.session(), meeting_id)
    hint = link_hint(current_app.config["SETTINGS"], is_set=room.has_link)
    over = board.phase in ("over", "cancelled")
    return page("attendance/room.html", status, m=board, room=room, form=form, hint=hint, over=over)
