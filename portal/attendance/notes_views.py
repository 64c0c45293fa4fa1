"""What the host of a past meeting, or an admin, leaves for the others: the page for notes and recordings."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect
from flask.typing import ResponseReturnValue

from portal.arguments import field_refusal
from portal.attendance import notes
from portal.attendance.host_views import MineToRun, run_by_me
from portal.database import db
from portal.forms import Form, Paragraphs
from portal.meetings.board import Board, here_and_now
from portal.web import page

bp = Blueprint("notes", __name__, url_prefix="/meetings/<uuid:meeting_id>")


class NotesForm(Form):
    """What the host leaves."""

    notes = Paragraphs(
        "Notes",
        most=10_000,
        description="Paragraphs, lists and links, in Markdown. Leave it empty to remove the notes.",
    )


@bp.get("/notes")
def show(meeting_id: UUID) -> ResponseReturnValue:
    """The notes to change, and what was recorded; 404 before the meeting is over."""
    meeting = _over(run_by_me(meeting_id))
    return _page(meeting, NotesForm(None, notes=notes.markdown(db.session(), meeting_id)))


@bp.post("/notes")
def write(meeting_id: UUID) -> ResponseReturnValue:
    """Save the notes, or remove them."""
    meeting = _over(run_by_me(meeting_id))
    form = NotesForm()
    if form.validate():
        with field_refusal(form.notes):
            notes.write(db.session(), meeting_id, form.notes.data or None)
            flash("The notes are saved." if form.notes.data else "There are no notes now.", "note")
            return redirect(f"/meetings/{meeting_id}", 303)
    return _page(meeting, form, 422)


@bp.post("/recordings/<uuid:recording_id>/publish")
def publish(meeting_id: UUID, recording_id: UUID) -> ResponseReturnValue:
    """Show a recording to whoever may read the notes."""
    return _shown(meeting_id, recording_id, "The recording is on the meeting’s page now.", is_shown=True)


@bp.post("/recordings/<uuid:recording_id>/take-back")
def take_back(meeting_id: UUID, recording_id: UUID) -> ResponseReturnValue:
    """Show it no longer."""
    return _shown(meeting_id, recording_id, "The recording is no longer on the meeting’s page.", is_shown=False)


def _shown(meeting_id: UUID, recording_id: UUID, told: str, *, is_shown: bool) -> ResponseReturnValue:
    run_by_me(meeting_id)
    if not notes.publish(db.session(), meeting_id, recording_id, is_shown=is_shown):
        abort(404)
    flash(told, "note")
    return redirect(f"/meetings/{meeting_id}/notes", 303)


def _over(meeting: MineToRun) -> Board:
    board = Board(meeting, here_and_now())
    return board if board.phase == "over" else abort(404)


def _page(m: Board, form: NotesForm, status: int = 200) -> ResponseReturnValue:
    recordings = notes.recordings(db.session(), UUID(m.id))
    return page("attendance/notes.html", status, m=m, form=form, recordings=recordings)
