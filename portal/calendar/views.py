"""A meeting as a file for one's own calendar."""

from datetime import date, datetime, time
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import aliased

from portal.calendar import entry, file_name
from portal.database.query import Query
from portal.meetings.models import Meeting
from portal.web import find

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


@bp.get("/meetings/<uuid:meeting_id>.ics")
def download(meeting_id: UUID) -> ResponseReturnValue:
    """The meeting for a calendar; it carries the portal's address, never the room's."""
    row = find(ENTRY, meeting_id=meeting_id)
    settings = current_app.config["SETTINGS"]
    body = entry(row, settings.public_url, settings.club_name)
    headers = {"Content-Disposition": f'attachment; filename="{file_name(row)}"'}
    return Response(body, mimetype="text/calendar", headers=headers)
