"""A member's calendar: the month and the week beside the list of meetings, and a meeting as a file."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import aliased

from portal.arguments import id_in, query_arg
from portal.attendance.my_meeting import MyMeeting, present_meetings
from portal.calendar import entry, file_name, queries
from portal.calendar.periods import DAY, Period, month_in, month_of, week_in, week_of
from portal.database import db
from portal.database.query import Query
from portal.meetings.board import here_and_now
from portal.meetings.models import Meeting
from portal.meetings.repeats import in_words
from portal.sentences import ngettext
from portal.times import DAYS, day_long, zone_line
from portal.viewer import viewer
from portal.web import find, page

bp = Blueprint("calendar", __name__)

_other = aliased(Meeting)
HAS_NAMESAKE = exists(
    select(_other.id).where(
        _other.title == Meeting.title, _other.scheduled_date == Meeting.scheduled_date, _other.id != Meeting.id
    )
)


class Entry(NamedTuple):
    """What a calendar is told; `has_namesake`: another of the same title is on that day."""

    id: UUID
    title: str
    host_name: str | None
    starts_at: datetime
    ends_at: datetime
    timezone: str
    status: str
    revision: int
    scheduled_date: date
    start_time: time
    has_namesake: bool


ENTRY = Query(
    Entry,
    select(
        Meeting.id,
        Meeting.title,
        Meeting.host_name,
        Meeting.starts_at,
        Meeting.ends_at,
        Meeting.timezone,
        Meeting.status,
        Meeting.revision,
        Meeting.scheduled_date,
        Meeting.start_time,
        HAS_NAMESAKE.label("has_namesake"),
    ).where(Meeting.id == bindparam("meeting_id")),
)


class Cell(NamedTuple):
    """A day of the calendar; `meetings` with how the series of each repeats, or nothing for one that stands alone."""

    day: date
    name: str
    is_today: bool
    meetings: list[tuple[MyMeeting, str]]


@bp.get("/meetings/month")
def month() -> ResponseReturnValue:
    """The meetings of a month; the address names it, like ?m=2026-12."""
    return _calendar(month_in(query_arg("m"), viewer().now.date()))


@bp.get("/meetings/week")
def week() -> ResponseReturnValue:
    """The meetings of a week; the address names a day of it, like ?w=2026-12-07."""
    return _calendar(week_in(query_arg("w"), viewer().now.date()))


@bp.get("/meetings/<uuid:meeting_id>.ics")
def download(meeting_id: UUID) -> ResponseReturnValue:
    """The meeting for a calendar; it carries the portal's address, never the room's."""
    row = find(ENTRY, meeting_id=meeting_id)
    settings = current_app.config["SETTINGS"]
    body = entry(row, settings.public_url, settings.club_name)
    headers = {"Content-Disposition": f'attachment; filename="{file_name(row)}"'}
    return Response(body, mimetype="text/calendar", headers=headers)


def _calendar(period: Period) -> ResponseReturnValue:
    """A month or a week, of one series or host only if the address names one the viewer may know of."""
    here = here_and_now()
    since, until = period.bounds(here.zone)
    chosen = id_in(query_arg("only"))
    choices = queries.CHOICES.all(db.session(), since=since, until=until, only=chosen)
    only = next((choice for choice in choices if choice.id == chosen), None)
    rows = queries.SPAN.all(db.session(), since=since, until=until, only=only and only.id)
    meetings = present_meetings(rows, here)
    repeats = [in_words(row) if row.repeats else "" for row in rows]
    day = max(period.first, min(here.today.date(), period.after - DAY))
    others = {"week": week_of(day), "month": month_of(day), "previous": period.previous, "following": period.following}
    return page(
        "calendar/calendar.html",
        period=period,
        weeks=_weeks(period, zip(meetings, repeats, strict=True)),
        weekdays=DAYS,
        lede=_lede(meetings),
        only=only,
        choices={kind: list(some) for kind, some in groupby(choices, attrgetter("kind"))},
        zone_line=zone_line(here.zone, here.club_zone, here.today, max((m.starts_at for m in meetings), default=None)),
        clocks_note=period.clocks_note(here.zone),
        cut=len(rows) == queries.MOST,
        urls={
            "list": "/meetings",
            "everything": _url(period),
            **{name: _url(other, only) for name, other in others.items()},
        },
    )


def _weeks(period: Period, meetings: Iterable[tuple[MyMeeting, str]]) -> list[list[Cell | None]]:
    by_day = defaultdict(list)
    for meeting, repeats in meetings:
        by_day[meeting.date].append((meeting, repeats))
    today = viewer().now.date()
    return [
        [Cell(day, day_long(day), day == today, by_day[day]) if day else None for day in days]
        for days in period.weeks()
    ]


def _lede(meetings: list[MyMeeting]) -> str:
    """How many there are, and to how many the viewer said yes."""
    held = [m for m in meetings if m.phase != "cancelled"]
    if not held:
        return "Nothing is on."
    return ngettext(
        "%(num)s meeting, and you said yes to %(yes)s.",
        "%(num)s meetings, and you said yes to %(yes)s.",
        len(held),
        yes=sum(m.answer == "accepted" for m in held),
    )


def _url(period: Period, only: queries.Choice | None = None) -> str:
    query = {period.kind[0]: period.key} | ({"only": str(only.id)} if only else {})
    return f"/meetings/{period.kind}?{urlencode(query)}"
