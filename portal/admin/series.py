"""Series: planning one, looking at it, changing it from a day on, skipping a day, stopping it."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, select

from portal import clock
from portal.access import admin
from portal.accounts.models import User
from portal.admin.meeting_forms import SeriesForm, SkippingForm, StoppingForm
from portal.admin.planned import Planned
from portal.attendance import queries
from portal.database import db
from portal.database.rows import typed
from portal.meetings import actions, series
from portal.meetings.board import here_and_now
from portal.meetings.models import Meeting, MeetingSeries
from portal.meetings.repeats import sentence
from portal.meetings.rows import PlannedRow
from portal.problems import Refused
from portal.rooms import actions as rooms
from portal.rooms.forms import link_hint
from portal.times import day_long
from portal.viewer import me
from portal.web import page, wants_fragment

ONE = (
    select(MeetingSeries, User.email)
    .outerjoin(User, User.id == MeetingSeries.host_id)
    .where(MeetingSeries.id == bindparam("series_id"))
)


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    one = "/series/<uuid:series_id>"
    bp.add_url_rule("/series/new", "new_series", new)
    bp.add_url_rule("/series/new", "plan_series", plan, methods=["POST"])
    bp.add_url_rule(one, "series", show)
    bp.add_url_rule(f"{one}/edit", "edit_series", edit)
    bp.add_url_rule(f"{one}/edit", "change_series", change, methods=["POST"])
    bp.add_url_rule(f"{one}/skipped", "skip_series", skip, methods=["POST"])
    bp.add_url_rule(f"{one}/skipped/<day>/back", "unskip_series", unskip, methods=["POST"])
    bp.add_url_rule(f"{one}/end", "stop_series", stop, methods=["POST"])


@admin
def new() -> ResponseReturnValue:
    """An empty form with the club's usual hour; with `daily`, as the club's daily meeting."""
    settings = current_app.config["SETTINGS"]
    zone, daily = settings.club_timezone, "daily" in request.args
    form = SeriesForm(
        None,
        data={
            "timezone": zone,
            "start_time": settings.default_meeting_time,
            "starts_on": series.today(zone),
            "repeats": "daily" if daily else "weekly",
            "only_if_free": daily,
        },
    )
    return _form_page(form, None)


@admin
def plan() -> ResponseReturnValue:
    """Put it on the programme; or only show its next days."""
    form = SeriesForm()
    if "show" in request.form:
        return _with_days(form)
    if form.validate():
        try:
            series_id = series.start(db.session(), _planned(form), form.host_email.data, me())
            _keep_link(form, series_id)
        except Refused as refusal:
            db.session.rollback()
            _at_field(form, refusal)
        else:
            flash(f"{form.title.data} is on the programme.", "note")
            return redirect(f"/admin/series/{series_id}", 303)
    return _form_page(form, None, 422)


@admin
def show(series_id: UUID) -> ResponseReturnValue:
    """What is planned, what is skipped, and the way to change it."""
    return _page(series_id, SkippingForm(None, prefix="skip"), StoppingForm(None, prefix="end"))


@admin
def edit(series_id: UUID) -> ResponseReturnValue:
    """The form as the series stands, to be changed from a day on: today, or the one that was asked for."""
    one, host = _series(series_id)
    today = series.today(one.timezone)
    try:
        from_day = max(date.fromisoformat(request.args.get("from", "")), today)
    except ValueError:
        from_day = max(one.starts_on, today)
    return _form_page(SeriesForm.of(one, host, from_day), one)


@admin
def change(series_id: UUID) -> ResponseReturnValue:
    """Save it; what came before stays as it was."""
    one, _host = _series(series_id)
    form = SeriesForm()
    if "show" in request.form:
        return _with_days(form, one)
    if form.validate():
        try:
            following = series.change(db.session(), one, _planned(form), form.host_email.data, seen=form.seen)
            _keep_link(form, following)
        except Refused as refusal:
            db.session.rollback()
            _at_field(form, refusal)
        else:
            flash(
                f"{form.title.data} was changed. Everybody who holds a place is told if their meeting moved or is called off.",
                "note",
            )
            return redirect(f"/admin/series/{following}", 303)
    one, _host = _series(series_id)
    form.revision.data = one.revision
    return _form_page(form, one, 422)


@admin
def skip(series_id: UUID) -> ResponseReturnValue:
    """Skip one day of the series."""
    one, form = _series(series_id)[0], SkippingForm(prefix="skip")
    if form.validate():
        try:
            series.skip(db.session(), one, form.day.data, form.reason.data)
        except Refused as refusal:
            db.session.rollback()
            form.day.errors = [refusal.sentence]
        else:
            flash(f"{one.title} is not held on {day_long(form.day.data)}.", "note")
            return redirect(f"/admin/series/{series_id}", 303)
    return _page(series_id, form, StoppingForm(None, prefix="end"), 422)


@admin
def unskip(series_id: UUID, day: str) -> ResponseReturnValue:
    """Take a skipped day back."""
    try:
        skipped = date.fromisoformat(day)
    except ValueError:
        abort(404)
    one, _host = _series(series_id)
    series.unskip(db.session(), one, skipped)
    flash(f"{one.title} is held on {day_long(skipped)} after all.", "note")
    return redirect(f"/admin/series/{series_id}", 303)


@admin
def stop(series_id: UUID) -> ResponseReturnValue:
    """Give the series a last day."""
    one, form = _series(series_id)[0], StoppingForm(prefix="end")
    if form.validate():
        try:
            series.stop(db.session(), one, form.last_day.data, form.reason.data)
        except Refused as refusal:
            db.session.rollback()
            form.last_day.errors = [refusal.sentence]
        else:
            flash(f"{one.title} ends with {day_long(form.last_day.data)}.", "note")
            return redirect(f"/admin/series/{series_id}", 303)
    return _page(series_id, SkippingForm(None, prefix="skip"), form, 422)


def _series(series_id: UUID) -> tuple[MeetingSeries, str]:
    """A series and the address of its host, or nothing for one; 404 if there is none."""
    one, email = db.session.execute(ONE, {"series_id": series_id}).one_or_none() or abort(404)
    return one, email or ""


def _page(series_id: UUID, skipping: SkippingForm, stopping: StoppingForm, status: int = 200) -> ResponseReturnValue:
    one, _host = _series(series_id)
    today, viewer_clock = series.today(one.timezone), here_and_now()
    planned = (
        select(*queries.SHOWN, Meeting.request_count)
        .where(Meeting.series_id == series_id, Meeting.ends_at > clock.now())
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(100)
    )
    return page(
        "admin/series.html",
        status,
        s=one,
        sentence=sentence(one),
        over=one.ends_on is not None and one.ends_on < today,
        meetings=[Planned(row, viewer_clock) for row in typed(PlannedRow, db.session.execute(planned))],
        skipped=[(day, f"{day_long(day)} {day.year}") for day in sorted(one.skipped) if day >= today],
        skipping=skipping,
        stopping=stopping,
    )


def _planned(form: SeriesForm) -> series.SeriesPlan:
    """What was typed, with the number of times turned into a last day."""
    what = form.plan()
    return replace(what, ends_on=series.last_of(db.session(), what, form.times.data)) if form.times.data else what


def _with_days(form: SeriesForm, one: MeetingSeries | None = None) -> ResponseReturnValue:
    """The form as typed, with the sentence it means and its next five days; nothing is saved."""
    summary, days = "", []
    if form.validate():
        try:
            what = _planned(form)
            summary, days = sentence(what), series.next_days(db.session(), what, skipped=one.skipped if one else ())
        except Refused as refusal:
            _at_field(form, refusal)
    shown = {"summary": summary, "days": [(f"{day_long(d.day)} {d.day.year}, {d.starts:%H:%M}", d.note) for d in days]}
    if wants_fragment():
        return render_template("admin/_series_days.html", form=form, **shown)
    return _form_page(form, one, 200 if summary else 422, **shown)


def _form_page(form: SeriesForm, one: MeetingSeries | None, status: int = 200, **shown: object) -> ResponseReturnValue:
    has_link = one is not None and rooms.has_series_link(db.session(), one.id)
    hint = link_hint(current_app.config["SETTINGS"], is_set=has_link)
    return page("admin/series_form.html", status, form=form, s=one, has_link=has_link, link_hint=hint, **shown)


def _keep_link(form: SeriesForm, series_id: UUID) -> None:
    if form.link.data or form.remove_link.data:
        rooms.set_series_link(db.session(), series_id, form.link.data or None)


def _at_field(form: SeriesForm, refusal: Refused) -> None:
    fields = {
        actions.HostUnknown: form.host_email,
        actions.ChangedMeanwhile: None,
        actions.NotInThePast: form.starts_on,
        series.DailyAlready: form.only_if_free,
    }
    form.refuse_at(fields.get(type(refusal), form.repeats), refusal)
