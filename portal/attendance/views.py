"""The meetings as a member sees them: those ahead, those behind, one of them; answering, coming in, leaving.

An answer is a fragment for htmx and a plain post for everybody else.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from typing import TypeVar
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal import clock, limits, paging
from portal.arguments import field_refusal
from portal.attendance import live_board, notes, presence, queries, rsvp
from portal.attendance.device import kind
from portal.attendance.host_board import coming_to, host_view
from portal.attendance.my_meeting import (
    MonthSum,
    MyMeeting,
    by_day,
    by_month,
    my_next,
    next_meeting_fragment,
    present_meeting,
    present_meetings,
    the_meeting,
)
from portal.database import db
from portal.forms import Form, Line
from portal.headers import may_lead_to_a_room
from portal.meetings.board import Clock, here_and_now
from portal.meetings.description import rendered
from portal.meetings.rows import AnyMeeting
from portal.problems import Refused
from portal.rooms.standing import room_standing
from portal.rsvp_states import TOLD
from portal.sentences import ngettext
from portal.times import MONTHS, hours, month_in_words, span, zone_line
from portal.viewer import me, viewer
from portal.web import find, page, wants_fragment

WEEK = timedelta(days=7)
LONGEST = timedelta(minutes=480)
"""No meeting is longer, so none that began earlier can still run."""

ONE = "/meetings/<uuid:meeting_id>"
LAST_PLACE_WENT = "The last place went a moment ago, so you are in the line."
"""For who pressed a yes that meant a place, and has none."""


class NoteForm(Form):
    """What somebody tells the host beside their answer."""

    note = Line("A note to the host", most=200, description="Only the host and the club’s admins read it.")


SHAPES = {"row": "answer_row", "band": "answer_band", "page": "answer_page"}

Row = TypeVar("Row", bound=AnyMeeting)

bp = Blueprint("attendance", __name__)


@bp.get("/meetings")
def index() -> ResponseReturnValue:
    """The next meeting large, the rest of a week by day in the viewer's zone."""
    may_lead_to_a_room()
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (clock.now() - LONGEST, paging.FIRST)
    rows = queries.UPCOMING.all(db.session(), at=clock.now(), from_at=from_at, from_id=from_id)
    viewer_clock = here_and_now()
    within, following = a_week(rows, viewer_clock)
    shown = present_meetings(within, viewer_clock)
    first = next((m for m in shown if m.phase != "cancelled"), None) if cursor is None else None
    rest = [m for m in shown if m is not first]
    return page(
        "attendance/index.html",
        first=next_meeting_fragment(first) if first else None,
        days=by_day(rest, 3 if first else 2),
        offers=[m for m in rest if m.offered_soon],
        turns_at=min(filter(None, (m.turns_at for m in shown)), default=None) if first else None,
        zone_line=zone_line(
            viewer().zone, viewer_clock.club_zone, viewer().now, shown[-1].starts_at if shown else None
        ),
        span=span(shown[0].date, shown[-1].date) if shown else "",
        older_url="/meetings/past" if cursor is None else "/meetings",
        newer_url=f"/meetings?from={paging.write(following.starts_at, following.id)}" if following else None,
    )


@bp.get("/meetings/past")
def past() -> ResponseReturnValue:
    """Past meetings, latest first, with whether the viewer came."""
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (clock.now(), paging.LAST)
    month = from_at.astimezone(viewer().tz).date().replace(day=1)
    rows = queries.PAST.all(db.session(), at=clock.now(), from_at=from_at, from_id=from_id, **_bounds(month))
    shown = present_meetings(rows[: queries.PAGE], here_and_now())
    return page(
        "attendance/past.html",
        mine=_record(rows[0] if rows else None, month),
        months=by_month(shown, _sums(shown)),
        marks=[m.mark for m in reversed(shown)],
        span=span(shown[-1].date, shown[0].date) if shown else "",
        older_url=_older(rows),
        newer_url="/meetings" if cursor is None else "/meetings/past",
    )


@bp.get(ONE)
def show(meeting_id: UUID) -> ResponseReturnValue:
    """One meeting: when, what, my answer, the places, and who is here."""
    return meeting_page(meeting_id)


@bp.post(f"{ONE}/answer")
def answer(meeting_id: UUID) -> ResponseReturnValue:
    """Accept or decline; whatever happened meanwhile, the answer shows how it stands. `place` is a yes that was shown a place."""
    pressed = request.form.get("answer")
    if pressed not in ("accepted", "place", "declined"):
        abort(422)
    try:
        became = rsvp.respond(db.session(), meeting_id, "declined" if pressed == "declined" else "accepted")
    except Refused as refusal:
        return _how_it_stands(meeting_id, 409, refusal.sentence)
    news = LAST_PLACE_WENT if became == "waitlisted" and pressed == "place" else ""
    if wants_fragment():
        return _how_it_stands(meeting_id, news=news)
    if news:
        flash(news, "note")
    return redirect(_where_from(meeting_id), 303)


@bp.post(f"{ONE}/together")
def answer_together(meeting_id: UUID) -> ResponseReturnValue:
    """Answer yes for the whole family."""
    try:
        rsvp.respond_together(db.session(), meeting_id)
    except Refused as refusal:
        return _how_it_stands(meeting_id, 409, refusal.sentence)
    return _how_it_stands(meeting_id) if wants_fragment() else redirect(f"/meetings/{meeting_id}", 303)


@bp.post(f"{ONE}/note")
def write_note(meeting_id: UUID) -> ResponseReturnValue:
    """Tell the host something beside one's answer, or take it back."""
    find(queries.VISIBLE, meeting_id=meeting_id)
    limits.limit("note", 30, 3600, str(me()))
    form = NoteForm()
    if form.validate():
        with field_refusal(form.note):
            rsvp.note_to_host(db.session(), meeting_id, form.note.data or None)
            flash("The host reads your note." if form.note.data else "Your note is taken back.", "note")
            return redirect(f"/meetings/{meeting_id}", 303)
    return meeting_page(meeting_id, 422, note_form=form)


@bp.get(f"{ONE}/mine")
def mine(meeting_id: UUID) -> ResponseReturnValue:
    """What depends on the viewer, asked for again when the board changed."""
    return render_template("attendance/mine.html", m=present_meeting(the_meeting(meeting_id)))


@bp.get(f"{ONE}/live")
def live(meeting_id: UUID) -> ResponseReturnValue:
    """The board for a page whose stream is not there."""
    row = the_meeting(meeting_id)
    return live_board.rendered(db.session(), row, here_and_now(), current_user)


@bp.post(f"{ONE}/join")
def join(meeting_id: UUID) -> ResponseReturnValue:
    """Join the meeting and go on to its room."""
    doors_minutes = current_app.config["SETTINGS"].doors_minutes
    try:
        address = presence.join(db.session(), meeting_id, kind(request), doors_minutes)
    except Refused as refusal:
        db.session.rollback()
        return meeting_page(meeting_id, 409, refusal.sentence)
    response = redirect(address, 303)
    response.set_data("")  # werkzeug's own page would show the address
    response.headers |= {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return response


@bp.get("/next")
def next_meeting() -> ResponseReturnValue:
    """On to the meeting whose door is open or which comes next, for bookmarks and home screens; to the list without one."""
    clock_here = here_and_now()
    rows = queries.UPCOMING.all(db.session(), at=clock_here.now, from_at=clock_here.now - LONGEST, from_id=paging.FIRST)
    meeting = my_next(present_meetings(rows, clock_here))
    return redirect(f"/meetings/{meeting.id}" if meeting else "/meetings", 303)


@bp.post(f"{ONE}/leave")
def leave(meeting_id: UUID) -> ResponseReturnValue:
    """The member says that they have left; a platform that still sees them inside is believed."""
    find(queries.VISIBLE, meeting_id=meeting_id)
    presence.leave(db.session(), meeting_id)
    flash("You left the room. The door stays open until the end.", "note")
    return redirect(f"/meetings/{meeting_id}", 303)


@bp.post(f"{ONE}/here")
def touch_presence(meeting_id: UUID) -> ResponseReturnValue:
    """The heartbeat of a meeting's page that is in view; says nothing of who did not come through the door."""
    presence.touch_presence(db.session(), meeting_id)
    return "", 204


def meeting_page(
    meeting_id: UUID, status: int = 200, refusal: str = "", note_form: NoteForm | None = None
) -> ResponseReturnValue:
    """The page of one meeting, with a sentence on it when something was refused."""
    row = the_meeting(meeting_id)
    viewer_clock = here_and_now()
    m = present_meeting(row, viewer_clock)
    if m.phase != "over":
        may_lead_to_a_room()
    m.description_html = rendered(row.description)
    b, live_url = live_board.for_viewer(db.session(), row, viewer_clock, current_user)
    behind = m.phase in ("over", "cancelled")
    next_one = _next(meeting_id, viewer_clock) if behind else None
    leads = m.hosted or current_user.acts_as_admin
    runs_it = m.phase in ("doors", "live") and leads
    return page(
        "attendance/show.html",
        status,
        m=m,
        b=b,
        h=host_view(db.session(), m) if runs_it else None,
        live_url=live_url,
        refusal=refusal,
        from_host=notes.from_host(db.session(), meeting_id) if m.phase == "over" else None,
        may_add=(m.hosted and m.entitled) or current_user.acts_as_admin,
        next=next_one,
        note_form=(note_form or NoteForm(None, note=row.note)) if m.may_note else None,
        to_host=rsvp.NOTES_TO_HOST.all(db.session(), meeting=meeting_id) if leads and not runs_it else [],
        told=TOLD,
        room=room_standing(db.session(), meeting_id) if m.hosted and not behind else None,
        coming=coming_to(db.session(), meeting_id) if m.hosted and m.phase in ("ahead", "doors") else [],
    )


def _next(meeting_id: UUID, viewer_clock: Clock) -> MyMeeting | None:
    """The next meeting the viewer may come to, for a page that has nothing left to decide; None if there is none."""
    rows = queries.UPCOMING.all(db.session(), at=viewer_clock.now, from_at=viewer_clock.now, from_id=paging.FIRST)
    following = [row for row in rows if row.id != meeting_id and row.status != "cancelled"]
    return next(iter(present_meetings(following[:1], viewer_clock)), None)


def a_week(rows: Sequence[Row], viewer_clock: Clock) -> tuple[Sequence[Row], Row | None]:
    """The meetings of the viewer's first seven days, at most a page, and the one the next page begins with."""
    if not rows:
        return rows, None
    end = viewer_clock.here(rows[0].starts_at).date() + WEEK
    within = list(takewhile(lambda row: viewer_clock.here(row.starts_at).date() < end, rows[: queries.PAGE]))
    return within, rows[len(within)] if len(rows) > len(within) else None


def _sums(shown: Sequence[MyMeeting]) -> dict[date, MonthSum]:
    """What the viewer's own record is in each of the whole months of which some meetings are shown."""
    if not shown:
        return {}
    since, until = _bounds(shown[-1].date.replace(day=1))["since"], _bounds(shown[0].date.replace(day=1))["until"]
    evenings = queries.EVENINGS.all(db.session(), at=clock.now(), since=since, until=until)
    by_first = defaultdict(list)
    for evening in evenings:
        by_first[evening.starts_at.astimezone(viewer().tz).date().replace(day=1)].append(evening)
    return {
        first: MonthSum(
            yes=len(some),
            came=sum(evening.came for evening in some),
            minutes=sum(evening.minutes or 0 for evening in some),
            unmeasured=sum(evening.came and evening.minutes is None for evening in some),
        )
        for first, some in by_first.items()
    }


def _bounds(month: date) -> dict[str, datetime]:
    """The viewer's month that begins on this day, as two moments."""
    following = (month + timedelta(days=31)).replace(day=1)
    return {name: datetime.combine(day, time(), viewer().tz) for name, day in (("since", month), ("until", following))}


def _record(row: queries.Past | None, month: date) -> dict[str, str]:
    """How often the viewer came in a month, and for how long, there and in all."""
    if row is None or not row.yes:
        return {"heading": "Earlier meetings", "together": "What was on, and whether you came."}
    heading = ngettext(
        "You came to %(came)s of your %(num)s evening in %(month)s.",
        "You came to %(came)s of your %(num)s evenings in %(month)s.",
        row.yes,
        came=row.came,
        month=MONTHS[month.month - 1],
    )
    together, longer = "", row.all_minutes > row.minutes and row.first_came is not None
    if row.minutes and longer:
        together = "You were there for {now} and for {all} since {month}."
    elif longer:
        together = "You were there for {all} since {month}."
    elif row.minutes:
        together = "You were there for {now}."
    since = month_in_words(row.first_came.astimezone(viewer().tz)) if row.first_came else ""
    return {
        "heading": heading,
        "together": together.format(now=hours(row.minutes), all=hours(row.all_minutes), month=since),
    }


def _older(rows: Sequence[queries.Past]) -> str | None:
    if len(rows) <= queries.PAGE:
        return None
    return f"/meetings/past?from={paging.write(rows[queries.PAGE].starts_at, rows[queries.PAGE].id)}"


def _how_it_stands(meeting_id: UUID, status: int = 200, news: str = "") -> ResponseReturnValue:
    """The meeting after an answer, or after a no to it; what may not be seen is a 404 here."""
    if status != 200:
        db.session.rollback()
    shape = SHAPES.get(request.form.get("view", ""))
    if shape is None or not wants_fragment():
        return meeting_page(meeting_id, status, news)
    m = present_meeting(the_meeting(meeting_id))
    return render_template(f"attendance/{shape}.html", m=m, refusal=news), status


def _where_from(meeting_id: UUID) -> str:
    return (
        f"/meetings#answer-{meeting_id}" if request.form.get("view") in ("row", "band") else f"/meetings/{meeting_id}"
    )
