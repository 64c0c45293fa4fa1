"""The list of evenings ahead, the list behind, and one meeting."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal import clock, paging
from portal.attendance import drawing, queries
from portal.attendance.evening import all_seen, as_seen, by_day
from portal.database import db
from portal.meetings.board import Clock, here_and_now
from portal.meetings.description import rendered
from portal.times import span, zone_line
from portal.web import find, page, reader

WEEK = timedelta(days=7)
LONGEST = timedelta(minutes=480)
"""No meeting is longer, so none that began earlier can still run."""

bp = Blueprint("evenings", __name__)


@bp.get("/meetings")
def index() -> ResponseReturnValue:
    """The next evening large, the rest of a week by day in the reader's zone."""
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (clock.now() - LONGEST, paging.FIRST)
    rows = queries.UPCOMING.rows(db.session(), at=clock.now(), from_at=from_at, from_id=from_id)
    look = here_and_now()
    within, following = a_week(rows, look)
    shown = all_seen(within, look)
    first = next((e for e in shown if e.phase != "cancelled"), None) if cursor is None else None
    rest = [e for e in shown if e is not first]
    return page(
        "attendance/index.html",
        first=first, days=by_day(rest, 4 if first else 3), offers=[e for e in rest if e.offered_soon],
        zone_line=zone_line(reader().zone, look.club_zone, reader().now),
        span=span(shown[0].date, shown[-1].date) if shown else "",
        older_url="/meetings/past" if cursor is None else "/meetings",
        newer_url=f"/meetings?from={paging.write(following.starts_at, following.id)}" if following else None,
    )  # fmt: skip


@bp.get("/meetings/past")
def past() -> ResponseReturnValue:
    """What was, latest first, with whether the reader came."""
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (clock.now(), paging.LAST)
    rows = queries.PAST.rows(db.session(), at=clock.now(), from_at=from_at, from_id=from_id)
    look = here_and_now()
    evenings = all_seen(rows[: queries.PAGE], look)
    return page(
        "attendance/past.html",
        days=by_day(evenings, 3), span=span(evenings[-1].date, evenings[0].date) if evenings else "",
        older_url=_older(rows), newer_url="/meetings" if cursor is None else "/meetings/past",
    )  # fmt: skip


@bp.get("/meetings/<uuid:meeting_id>")
def show(meeting_id: UUID) -> ResponseReturnValue:
    """One meeting: when, what, my answer, the places, and who is here."""
    return meeting_page(meeting_id)


def meeting_page(meeting_id: UUID, status: int = 200, refusal: str = "") -> ResponseReturnValue:
    """The page of one meeting, with a sentence on it when something was refused."""
    row = the_meeting(meeting_id)
    look = here_and_now()
    m = as_seen(row, look)
    m.description_html = rendered(row.description)
    b, live_url = drawing.for_reader(db.session(), row, look, current_user)
    return page("attendance/show.html", status, m=m, b=b, live_url=live_url, refusal=refusal)


def the_meeting(meeting_id: UUID) -> Any:
    """The row of a meeting the asker may see, with their own answer; 404 otherwise."""
    return find(queries.ONE, meeting_id=meeting_id, at=clock.now())


def a_week(rows: Sequence[Any], look: Clock) -> tuple[Sequence[Any], Any]:
    """The meetings of the reader's first seven days, at most a page, and the one the next page begins with."""
    if not rows:
        return rows, None
    end = look.here(rows[0].starts_at).date() + WEEK
    within = list(takewhile(lambda row: look.here(row.starts_at).date() < end, rows[: queries.PAGE]))
    return within, rows[len(within)] if len(rows) > len(within) else None


def _older(rows: Sequence[Any]) -> str | None:
    if len(rows) <= queries.PAGE:
        return None
    return f"/meetings/past?from={paging.write(rows[queries.PAGE].starts_at, rows[queries.PAGE].id)}"
