"""The list of evenings ahead, the list behind, and one meeting."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal import clock, paging
from portal.attendance import board
from portal.calendar import entry
from portal.database import db
from portal.meetings import queries
from portal.meetings.description import rendered
from portal.meetings.evening import Clock, Evening, by_day
from portal.times import span, zone_line
from portal.web import find, page, reader

WEEK = timedelta(days=7)
LONGEST = timedelta(minutes=480)
"""No meeting is longer, so none that began earlier can still run."""

bp = Blueprint("meetings", __name__)


@bp.get("/meetings")
def index() -> ResponseReturnValue:
    """The next evening large, the rest of a week by day in the reader's zone."""
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (clock.now() - LONGEST, paging.FIRST)
    rows = db.session.execute(queries.UPCOMING, {"at": clock.now(), "from_at": from_at, "from_id": from_id}).all()
    shown, following = a_week([evening(row) for row in rows])
    first = next((e for e in shown if e.phase != "cancelled"), None) if cursor is None else None
    rest = [e for e in shown if e is not first]
    return page(
        "meetings/index.html",
        first=first, days=by_day(rest), offers=[e for e in rest if e.offered_soon],
        zone_line=zone_line(reader().zone, club_zone(), reader().now),
        span=span(shown[0].date, shown[-1].date) if shown else "",
        older_url="/meetings/past" if cursor is None else "/meetings",
        newer_url=f"/meetings?from={paging.write(following.starts_at, following.id)}" if following else None,
    )  # fmt: skip


@bp.get("/meetings/past")
def past() -> ResponseReturnValue:
    """What was, latest first, with whether the reader came."""
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (clock.now(), paging.LAST)
    rows = db.session.execute(queries.PAST, {"at": clock.now(), "from_at": from_at, "from_id": from_id}).all()
    evenings = [evening(row) for row in rows[: queries.PAGE]]
    return page(
        "meetings/past.html",
        days=by_day(evenings), span=span(evenings[-1].date, evenings[0].date) if evenings else "",
        older_url=_older(rows), newer_url="/meetings" if cursor is None else "/meetings/past",
    )  # fmt: skip


@bp.get("/meetings/<uuid:meeting_id>")
def show(meeting_id: UUID) -> ResponseReturnValue:
    """One meeting: when, what, my answer, the places, and who is here."""
    return meeting_page(meeting_id)


@bp.get("/meetings/<uuid:meeting_id>.ics")
def download(meeting_id: UUID) -> ResponseReturnValue:
    """The meeting for a calendar; it carries the portal's address, never the room's."""
    row = find(queries.ONE.params(meeting_id=meeting_id))
    body = entry(row, current_app.config["SETTINGS"].public_url)
    headers = {"Content-Disposition": 'attachment; filename="meeting.ics"'}
    return Response(body, mimetype="text/calendar", headers=headers)


def meeting_page(meeting_id: UUID, status: int = 200, refusal: str = "") -> ResponseReturnValue:
    """The page of one meeting, with a sentence on it when something was refused."""
    row = find(queries.ONE.params(meeting_id=meeting_id))
    m = evening(row)
    m.description_html = rendered(row.description)
    b, live_url = board.for_reader(db.session(), row, here_and_now(), current_user)
    return page("meetings/show.html", status, m=m, b=b, live_url=live_url, refusal=refusal)


def club_zone() -> str:
    """The club's own zone."""
    return str(current_app.config["SETTINGS"].club_timezone)


def here_and_now() -> Clock:
    """The reader's zone and this moment."""
    return Clock(clock.now(), reader().zone, club_zone(), current_app.config["SETTINGS"].doors_minutes)


def evening(row: Any) -> Evening:
    """A row of `queries` as the asker sees it now."""
    return Evening(row, here_and_now(), current_user.entitled)


def a_week(evenings: list[Evening]) -> tuple[list[Evening], Evening | None]:
    """The evenings of the first seven days, at most a page of them, and the one the next page begins with."""
    within = [e for e in evenings if e.date - evenings[0].date < WEEK][: queries.PAGE]
    return within, evenings[len(within)] if len(evenings) > len(within) else None


def _older(rows: Sequence[Any]) -> str | None:
    if len(rows) <= queries.PAGE:
        return None
    return f"/meetings/past?from={paging.write(rows[queries.PAGE].starts_at, rows[queries.PAGE].id)}"
