"""What follows from knowing who came: people recognised in other meetings, and those who are missing told."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import clock, live, mail
from portal.attendance import letters
from portal.database.rows import typed
from portal.jobs import job
from portal.meetings.board import Board, Clock, phase_of
from portal.meetings.models import Meeting
from portal.rooms.models import Room


class Missing(NamedTuple):
    """Somebody who said yes and has not come."""

    user_id: UUID
    email: str
    first_name: str | None
    zone: str


MATCH = text("select match_participants(:meeting, '{}', :at)")
MISSING = text("""
select u.id as user_id, u.email, u.first_name, u.timezone as zone
  from missing_people(:meeting) x join users u on u.id = x.user_id order by u.id
""")


@job("attendance.match_again")
def match_again(db: Session, meeting_id: UUID) -> None:
    """It became known whose an account is: those of it in this meeting are somebody now."""
    db.execute(MATCH, {"meeting": meeting_id, "at": clock.now()})
    live.announce(db, meeting_id)


@job("attendance.tell_missing")
def tell_missing(db: Session, meeting_id: UUID) -> None:
    """The meeting is running: one mail to each who said yes and has still not come."""
    meeting = db.get(Meeting, meeting_id)
    reminded_at: datetime | None = db.scalar(select(Room.reminded_at).where(Room.meeting_id == meeting_id))
    if meeting is None or reminded_at is None:
        return
    settings = current_app.config["SETTINGS"]
    for person in typed(Missing, db.execute(MISSING, {"meeting": meeting_id})):
        seen = Clock(clock.now(), person.zone, settings.club_timezone, settings.doors_minutes)
        if phase_of(meeting, seen) == "live":
            letter = letters.missing(person.first_name, Board(meeting, seen))
            occasion = f"missing:{meeting_id}:{person.user_id}:{reminded_at.timestamp():.0f}"
            mail.write(db, "missing", person.email, letter, user_id=person.user_id, occasion=occasion)
