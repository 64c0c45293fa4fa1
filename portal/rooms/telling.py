"""Who is told by mail that a room failed: the meeting's host and the admins, once until it has been ready again."""

from datetime import datetime
from uuid import UUID

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal import clock, mail
from portal.accounts.models import User
from portal.meetings.board import Board, Clock
from portal.meetings.models import Meeting
from portal.rooms import messages


def tell_of_failure(db: Session, meeting_id: UUID, sentence: str, ready_at: datetime | None) -> None:
    """Write to host and admins; `ready_at` is when the room was last ready, and tells one failure from the next."""
    meeting, settings = db.get(Meeting, meeting_id), current_app.config["SETTINGS"]
    if meeting is None:
        return
    concerned = select(User).where(User.is_active, or_(User.id == meeting.host_id, User.is_admin)).order_by(User.id)
    since = ready_at.timestamp() if ready_at else 0
    for person in db.scalars(concerned):
        board = Board(meeting, Clock(clock.now(), person.timezone, settings.club_timezone, settings.doors_minutes))
        mail.write(
            db,
            "room-failed",
            person.email,
            messages.failed(person.first_name, board, sentence, hosts=person.id == meeting.host_id),
            user_id=person.id,
            occasion=f"room-failed:{meeting_id}:{since}:{person.id}",
        )
