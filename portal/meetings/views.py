"""The list of evenings ahead, the list behind, and one meeting."""

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

bp = Blueprint("meetings", __name__)


@bp.get("/meetings")
def index() -> ResponseReturnValue:
    """The next evening large, the rest by day in the reader's zone."""
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (paging.BEGINNING, paging.FIRST)
    rows = db.session.execute(queries.UPCOMING, {"at": clock.now(), "from_at": from_at, "from_id": from_id}).all()
    evenings = [evening(row) for row in rows[: queries.PAGE]]
    ahead = next((e for e in evenings if e.phase != "cancelled"), None) if cursor is None else None
    rest = [e for e in evenings if e is not ahead]
    return page(
        "meetings/index.html",
        first=ahead, days=by_day(rest), offers=[e for e in rest if e.offered_soon],
        zone_line=zone_line(reader().zone, settings_zone(), reader().now),
        span=span(evenings[0].date, evenings[-1].date) if evenings else "",
        older_url="/meetings/past" if cursor is None else "/meetings",
        newer_url=_next("/meetings", rows),
    )  # fmt: skip


@bp.get("/meetings/past")
def past() -> ResponseReturnValue:
    """What was, latest first, with whether the reader came."""
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (paging.END, paging.LAST)
    rows = db.session.execute(queries.PAST, {"at": clock.now(), "from_at": from_at, "from_id": from_id}).all()
    evenings = [evening(row) for row in rows[: queries.PAGE]]
    return page(
        "meetings/past.html",
        days=by_day(evenings), span=span(evenings[-1].date, evenings[0].date) if evenings else "",
        older_url=_next("/meetings/past", rows), newer_url="/meetings" if cursor is None else "/meetings/past",
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


def settings_zone() -> str:
    """The club's own zone."""
    return str(current_app.config["SETTINGS"].club_timezone)


def here_and_now() -> Clock:
    """The reader's zone and this moment."""
    return Clock(clock.now(), reader().zone, settings_zone(), current_app.config["SETTINGS"].doors_minutes)


def evening(row: Any) -> Evening:
    """A row of `queries` as the asker sees it now."""
    return Evening(row, here_and_now(), current_user.entitled)


def _next(path: str, rows: Any) -> str | None:
    if len(rows) <= queries.PAGE:
        return None
    return f"{path}?from={paging.write(rows[queries.PAGE].starts_at, rows[queries.PAGE].id)}"
