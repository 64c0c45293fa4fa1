"""Planning, changing, calling off and holding after all."""

import re
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from wtforms import BooleanField, DateField, Field, HiddenField, IntegerField, SelectField, TimeField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import NumberRange, Optional, StopValidation

from portal import clock
from portal.access import admin
from portal.accounts.models import User
from portal.attendance import queries
from portal.attendance.queries import affected
from portal.database import db
from portal.forms import EmailLine, Form, Line, Paragraphs, ZoneField
from portal.meetings import actions
from portal.meetings.board import ROOMS, Board, here_and_now
from portal.meetings.models import Meeting
from portal.problems import Refused
from portal.web import find, me, page

NO_PLACES = "At least one place and at most 100,000, or leave it empty."


def readable(sentence: str) -> Any:
    """A validator: something was typed and understood, or our sentence instead of the library's."""

    def check(_form: Form, field: Field) -> None:
        if field.data is None:
            field.errors = []
            raise StopValidation(sentence)

    return check


def this_century(_form: Form, field: Field) -> None:
    """Refuse days so far off that no clock can count to them."""
    if not 2000 <= field.data.year < 2100:
        raise ValidationError("Choose a day of this century.")


class MeetingForm(Form):
    """What an admin decides about a meeting."""

    title = Line("Title", most=120, missing="Give the meeting a title.")
    host_email = EmailLine("Host's e-mail", optional=True)
    scheduled_date = DateField("Date", validators=[readable("Choose a day that exists."), this_century])
    start_time = TimeField("Start", validators=[readable("Enter an hour, like 21:00.")])
    timezone = ZoneField()
    duration = IntegerField(
        "Length in minutes", default=60,
        validators=[
            readable("Enter a whole number of minutes."), NumberRange(1, 480, "Between 1 minute and 8 hours (480)."),
        ],
    )  # fmt: skip
    platform = SelectField("Room", choices=[SelectChoice(*room) for room in ROOMS.items()])
    max_attendees = IntegerField(
        "Places", default=50, validators=[Optional(), readable(NO_PLACES), NumberRange(1, 100_000, NO_PLACES)]
    )
    requires_approval = BooleanField("The host approves each person")
    is_private = BooleanField("Only for people who are invited")
    description = Paragraphs("About this meeting", most=5000, description="Paragraphs, lists and links, in Markdown.")
    revision = HiddenField()

    @property
    def seen(self) -> int:
        """The revision that was looked at; one nobody saw if the field was tampered with."""
        return int(self.revision.data) if re.fullmatch(r"[0-9]{1,9}", self.revision.data or "") else -1

    def plan(self) -> actions.Plan:
        """The form as the rules know it."""
        fields = {k: v for k, v in self.data.items() if k not in ("csrf_token", "host_email", "revision")}
        return actions.Plan(**{**fields, "description": self.description.data or None})


class Planned(Board):
    """A meeting as an admin sees it in the admin's own zone: nobody's answer, and what members are not shown."""

    @property
    def requests(self) -> int:
        """How many wait for an answer to their asking."""
        return self._row.request_count  # type: ignore[no-any-return]

    @property
    def ahead(self) -> bool:
        """Whether its hour is still to come, called off or not."""
        return self.starts_at > self._clock.now


class CancellationForm(Form):
    """Why."""

    reason = Line("Reason", most=300, missing="Say why, in a sentence everybody may read.")


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    one = "/meetings/<uuid:meeting_id>"
    bp.add_url_rule("/meetings", "meetings", index)
    bp.add_url_rule("/meetings/new", "new_meeting", new)
    bp.add_url_rule("/meetings/new", "plan_meeting", plan, methods=["POST"])
    bp.add_url_rule(f"{one}/edit", "edit_meeting", edit)
    bp.add_url_rule(f"{one}/edit", "change_meeting", change, methods=["POST"])
    bp.add_url_rule(f"{one}/cancellation", "cancellation", cancellation)
    bp.add_url_rule(f"{one}/cancellation", "cancel_meeting", cancel, methods=["POST"])
    bp.add_url_rule(f"{one}/cancellation/back", "reinstate_meeting", reinstate, methods=["POST"])


@admin
def index() -> ResponseReturnValue:
    """Everything ahead, private ones too."""
    coming = (
        select(*queries.SHOWN, Meeting.request_count)
        .where(Meeting.ends_at > clock.now(), Meeting.status.in_(("scheduled", "active", "cancelled")))
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(200)
    )
    look = here_and_now()
    return page("admin/meetings.html", upcoming=[Planned(row, look) for row in db.session.execute(coming)])


@admin
def new() -> ResponseReturnValue:
    """An empty form, with the club's usual hour and zone."""
    settings = current_app.config["SETTINGS"]
    form = MeetingForm(
        None,
        data={
            "timezone": settings.club_timezone,
            "start_time": settings.default_meeting_time,
            "duration": 60,
            "max_attendees": 50,
        },
    )
    return page("admin/meeting_form.html", form=form, m=None)


@admin
def plan() -> ResponseReturnValue:
    """Put it on the programme."""
    form = MeetingForm()
    if form.validate():
        try:
            actions.plan(db.session(), form.plan(), form.host_email.data, me())
        except Refused as refusal:
            db.session.rollback()
            _at_field(form, refusal)
        else:
            flash(f"{form.title.data} is on the programme.", "note")
            return redirect("/admin/meetings", 303)
    return page("admin/meeting_form.html", 422, form=form, m=None)


@admin
def edit(meeting_id: UUID) -> ResponseReturnValue:
    """The form as the meeting stands."""
    meeting, host = _meeting(meeting_id)
    form = MeetingForm(None, obj=meeting, data={"host_email": host})
    return page("admin/meeting_form.html", form=form, m=Planned(meeting, here_and_now()))


@admin
def change(meeting_id: UUID) -> ResponseReturnValue:
    """Save it; those who hold a place are told when the time moved."""
    meeting, _host = _meeting(meeting_id)
    form = MeetingForm()
    if form.validate():
        try:
            actions.change(db.session(), meeting, form.plan(), form.host_email.data, seen=form.seen)
        except Refused as refusal:
            db.session.rollback()
            _at_field(form, refusal)
        else:
            flash("Saved. Everybody who holds a place is told if the time moved.", "note")
            return redirect("/admin/meetings", 303)
    meeting, _host = _meeting(meeting_id)
    form.revision.data = meeting.revision
    return page("admin/meeting_form.html", 422, form=form, m=Planned(meeting, here_and_now()))


@admin
def cancellation(meeting_id: UUID) -> ResponseReturnValue:
    """Are you sure, and how many are told."""
    return _cancellation_page(meeting_id, CancellationForm(None))


@admin
def cancel(meeting_id: UUID) -> ResponseReturnValue:
    """Call it off."""
    form = CancellationForm()
    if not form.validate():
        return _cancellation_page(meeting_id, form, 422)
    meeting, _host = _meeting(meeting_id)
    actions.cancel(db.session(), meeting, form.reason.data)
    flash(f"{meeting.title} is cancelled. Everybody who was coming is told.", "note")
    return redirect("/admin/meetings", 303)


@admin
def reinstate(meeting_id: UUID) -> ResponseReturnValue:
    """Hold it after all."""
    meeting, _host = _meeting(meeting_id)
    actions.reinstate(db.session(), meeting)
    flash(f"{meeting.title} is held after all. Everybody who was coming is told.", "note")
    return redirect("/admin/meetings", 303)


def _meeting(meeting_id: UUID) -> tuple[Any, str]:
    found = find(
        select(Meeting, User.email).outerjoin(User, User.id == Meeting.host_id).where(Meeting.id == meeting_id)
    )
    return found.Meeting, found.email or ""


def _cancellation_page(meeting_id: UUID, form: CancellationForm, status: int = 200) -> ResponseReturnValue:
    meeting, _host = _meeting(meeting_id)
    told = db.session.scalar(select(func.count()).select_from(affected(meeting_id).order_by(None).subquery()))
    return page("admin/cancellation.html", status, m=Planned(meeting, here_and_now()), form=form, told=told)


def _at_field(form: MeetingForm, refusal: Refused) -> None:
    if isinstance(refusal, actions.ChangedMeanwhile):
        form.form_errors.append(refusal.sentence)
        return
    field = form.host_email if isinstance(refusal, actions.HostUnknown) else form.start_time
    field.errors = [*field.errors, refusal.sentence]
