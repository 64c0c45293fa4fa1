"""A meeting as a file for one's own calendar."""

from uuid import UUID

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from portal.calendar import entry
from portal.meetings.models import Meeting
from portal.web import find

bp = Blueprint("calendar", __name__)


@bp.get("/meetings/<uuid:meeting_id>.ics")
def download(meeting_id: UUID) -> ResponseReturnValue:
    """The meeting for a calendar; it carries the portal's address, never the room's."""
    row = find(
        select(Meeting.id, Meeting.title, Meeting.starts_at, Meeting.ends_at, Meeting.status, Meeting.revision).where(
            Meeting.id == meeting_id
        )
    )
    settings = current_app.config["SETTINGS"]
    body = entry(row, settings.public_url, settings.club_name)
    headers = {"Content-Disposition": 'attachment; filename="meeting.ics"'}
    return Response(body, mimetype="text/calendar", headers=headers)
