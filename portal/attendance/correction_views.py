"""The host's word on who came: until 30 days after a meeting its host corrects what was settled, as admins do on their pages."""

from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from portal.attendance import presence
from portal.attendance.host_views import run_by_me
from portal.database import db
from portal.database.query import Query
from portal.forms import Form, Line
from portal.meetings.board import Board, here_and_now
from portal.rsvp_states import OUTCOMES, TOLD
from portal.web import page

bp = Blueprint("corrections", __name__, url_prefix="/meetings/<uuid:meeting_id>/attendances")


class Attendance(NamedTuple):
    """Somebody who said yes or was there, and whether they came, as settled or as somebody `corrected` it."""

    user_id: UUID
    name: str
    status: str
    corrected: bool


ATTENDANCES = Query(Attendance, text("select user_id, name, status, corrected from attendances_of(:meeting)"))


class CorrectionForm(Form):
    """Of whom the host knows better, and why."""

    person = SelectField("Who")
    reason = Line("Reason", most=300, missing="Say why in a sentence. It is kept in the log.")


@bp.get("")
def show(meeting_id: UUID) -> ResponseReturnValue:
    """Who said yes or was there, and whether they came."""
    return _page(meeting_id, CorrectionForm(None))


@bp.post("")
def correct(meeting_id: UUID) -> ResponseReturnValue:
    """Correct whether a person came."""
    run_by_me(meeting_id)
    form, outcome = CorrectionForm(), request.form.get("outcome")
    people = _choose_from(form, meeting_id)
    if outcome not in ("attended", "no_show"):
        abort(422)
    if not form.validate():
        return _page(meeting_id, form, 422)
    name = next(one.name for one in people if str(one.user_id) == form.person.data)
    presence.correct(db.session(), meeting_id, UUID(form.person.data), outcome == "attended", form.reason.data)
    came = f"{name} came: corrected, with your reason in the log."
    flash(came if outcome == "attended" else f"{name} did not come: corrected, with your reason in the log.", "note")
    return redirect(f"/meetings/{meeting_id}/attendances", 303)


def _choose_from(form: CorrectionForm, meeting_id: UUID) -> list[Attendance]:
    people = ATTENDANCES.all(db.session(), meeting=meeting_id)
    form.person.choices = [SelectChoice(str(one.user_id), one.name) for one in people]
    return people


def _page(meeting_id: UUID, form: CorrectionForm, status: int = 200) -> ResponseReturnValue:
    meeting = run_by_me(meeting_id)
    return page(
        "attendance/attendances.html",
        status,
        m=Board(meeting, here_and_now()),
        people=_choose_from(form, meeting_id),
        form=form,
        told=TOLD,
        outcomes=OUTCOMES,
    )
