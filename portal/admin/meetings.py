"""Planning, changing, calling off and holding after all."""

from datetime import timedelta
from itertools import groupby
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select, tuple_

from portal import clock, paging
from portal.access import admin
from portal.accounts.models import User
from portal.admin.meeting_forms import MeetingForm
from portal.admin.planned import Planned, running_series
from portal.attendance import queries
from portal.attendance.host_views import CancellationForm
from portal.attendance.queries import affected
from portal.database import db
from portal.database.rows import typed
from portal.meetings import actions
from portal.meetings.board import here_and_now
from portal.meetings.models import Meeting, MeetingSeries
from portal.meetings.repeats import in_words, sentence
from portal.meetings.rows import PlannedRow
from portal.problems import Refused
from portal.rooms import actions as rooms
from portal.rooms.forms import link_hint
from portal.rooms.standing import room_standing
from portal.sentences import ngettext
from portal.times import number
from portal.viewer import me
from portal.web import page

OPEN_DAYS = 3
"""So many days with meetings are open; those after them are folded, a week at a time."""


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    one = "/meetings/<uuid:meeting_id>"
    bp.add_url_rule("/meetings", "meetings", index)
    bp.add_url_rule("/meetings/past", "past_meetings", past)
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
    viewer_clock = here_and_now()
    series, upcoming = (
        running_series(),
        [Planned(row, viewer_clock) for row in typed(PlannedRow, db.session.execute(coming))],
    )
    days = [(day, list(meetings)) for day, meetings in groupby(upcoming, lambda m: m.date)]
    later = [m for _day, meetings in days[OPEN_DAYS:] for m in meetings]
    weeks = [
        (monday, list(meetings))
        for monday, meetings in groupby(later, lambda m: m.date - timedelta(days=m.date.weekday()))
    ]
    return page(
        "admin/meetings.html",
        heading=_heading(upcoming),
        days=days[:OPEN_DAYS],
        weeks=[(monday, meetings, sum(m.requests for m in meetings)) for monday, meetings in weeks],
        series=[(one.id, one.title, sentence(one)) for one in series],
        daily=any(one.only_if_free for one in series),
    )


@admin
def past() -> ResponseReturnValue:
    """What was, latest first; archived ones too, since their numbers stay."""
    from_at, from_id = paging.read(request.args.get("from")) or (clock.now(), paging.LAST)
    over = (
        select(*queries.SHOWN, Meeting.request_count)
        .where(Meeting.ends_at <= clock.now(), tuple_(Meeting.starts_at, Meeting.id) <= tuple_(from_at, from_id))
        .order_by(Meeting.starts_at.desc(), Meeting.id.desc())
        .limit(queries.PAGE + 1)
    )
    rows, viewer_clock = typed(PlannedRow, db.session.execute(over)), here_and_now()
    older = paging.write(rows[-1].starts_at, rows[-1].id) if len(rows) > queries.PAGE else None
    return page(
        "admin/meetings_past.html",
        meetings=[Planned(row, viewer_clock) for row in rows[: queries.PAGE]],
        older_url=f"/admin/meetings/past?from={older}" if older else None,
        newer_url="/admin/meetings/past" if "from" in request.args else "/admin/meetings",
    )


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
    return page("admin/meeting_form.html", form=form, m=None, **_link(None))


@admin
def plan() -> ResponseReturnValue:
    """Put it on the programme."""
    form = MeetingForm()
    if form.validate():
        try:
            meeting_id = actions.plan(db.session(), form.plan(), form.host_email.data, me())
            _keep_link(form, meeting_id)
        except Refused as refusal:
            db.session.rollback()
            _at_field(form, refusal)
        else:
            flash(f"{form.title.data} is on the programme.", "note")
            return redirect(f"/meetings/{meeting_id}/guests" if form.is_private.data else "/admin/meetings", 303)
    return page("admin/meeting_form.html", 422, form=form, m=None, **_link(None))


@admin
def edit(meeting_id: UUID) -> ResponseReturnValue:
    """The form as the meeting stands."""
    meeting, host = _meeting(meeting_id)
    form = MeetingForm(None, obj=meeting, data={"host_email": host})
    return _form_page(form, meeting)


@admin
def change(meeting_id: UUID) -> ResponseReturnValue:
    """Save it; those who hold a place are told when the time moved."""
    meeting, _host = _meeting(meeting_id)
    form = MeetingForm()
    if form.validate():
        try:
            actions.change(db.session(), meeting, form.plan(), form.host_email.data, seen=form.seen)
            _keep_link(form, meeting_id)
        except Refused as refusal:
            db.session.rollback()
            _at_field(form, refusal)
        else:
            flash(f"{form.title.data} was changed. Everybody who holds a place is told if the time moved.", "note")
            return redirect("/admin/meetings", 303)
    meeting, _host = _meeting(meeting_id)
    form.revision.data = meeting.revision
    return _form_page(form, meeting, 422)


@admin
def cancellation(meeting_id: UUID) -> ResponseReturnValue:
    """Ask for the reason of a cancellation; the page says how many people are told."""
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
    """Put a cancelled one back on the programme."""
    meeting, _host = _meeting(meeting_id)
    actions.reinstate(db.session(), meeting)
    flash(f"{meeting.title} is reinstated. Everybody who was coming is told.", "note")
    return redirect("/admin/meetings", 303)


def _heading(upcoming: list[Planned]) -> str:
    held = [m for m in upcoming if m.phase != "cancelled"]
    if not held:
        return "No meeting is planned."
    return ngettext(
        "One meeting to come, the next %(day)s",
        "%(count)s meetings to come, the next %(day)s",
        len(held),
        count=number(len(held)).capitalize(),
        day=held[0].day_note.lower() or f"on {held[0].date_long}",
    )


def _meeting(meeting_id: UUID) -> tuple[Meeting, str]:
    """A meeting and the address of its host, or nothing for one; 404 if there is none."""
    found = select(Meeting, User.email).outerjoin(User, User.id == Meeting.host_id).where(Meeting.id == meeting_id)
    meeting, email = db.session.execute(found).one_or_none() or abort(404)
    return meeting, email or ""


def _form_page(form: MeetingForm, meeting: Meeting, status: int = 200) -> ResponseReturnValue:
    series = db.session.get(MeetingSeries, meeting.series_id) if meeting.series_id else None
    return page(
        "admin/meeting_form.html",
        status,
        form=form,
        m=Planned(meeting, here_and_now()),
        day=meeting.series_date,
        series=series,
        repeats=in_words(series) if series else "",
        **_link(meeting.id),
    )


def _link(meeting_id: UUID | None) -> dict[str, object]:
    """What the form says at the field for a link; no meeting: it is only being planned."""
    has_link = meeting_id is not None and room_standing(db.session(), meeting_id).has_link
    return {"has_link": has_link, "link_hint": link_hint(current_app.config["SETTINGS"], is_set=has_link)}


def _keep_link(form: MeetingForm, meeting_id: UUID) -> None:
    if form.link.data or form.remove_link.data:
        rooms.set_link(db.session(), meeting_id, form.link.data or None)


def _cancellation_page(meeting_id: UUID, form: CancellationForm, status: int = 200) -> ResponseReturnValue:
    meeting, _host = _meeting(meeting_id)
    recipients = db.session.scalar(select(func.count()).select_from(affected(meeting_id).order_by(None).subquery()))
    return page("admin/cancellation.html", status, m=Planned(meeting, here_and_now()), form=form, recipients=recipients)


def _at_field(form: MeetingForm, refusal: Refused) -> None:
    fields = {actions.HostUnknown: form.host_email, actions.ChangedMeanwhile: None}
    form.refuse_at(fields.get(type(refusal), form.start_time), refusal)
