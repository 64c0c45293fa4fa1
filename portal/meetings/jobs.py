"""Telling people: one mail each, set-based in reading, once per meeting and revision."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import clock, mail
from portal.accounts.models import User
from portal.attendance.models import Attendance
from portal.jobs import job
from portal.meetings import letters
from portal.meetings.evening import Board, Clock
from portal.meetings.models import Meeting

HOLDING = ("accepted", "offered", "waitlisted", "requested")


def affected(meeting_id: UUID) -> Any:
    """Everybody who said yes, waits or asked: those who are told when a meeting changes or falls."""
    return (
        select(User.id, User.email, User.first_name, User.timezone)
        .join(Attendance, Attendance.user_id == User.id)
        .where(Attendance.meeting_id == meeting_id, Attendance.answer.in_(HOLDING), User.is_active)
        .order_by(User.id)
    )


@job("meetings.tell_cancelled")
def tell_cancelled(db: Session, meeting_id: str) -> None:
    """The meeting is off, and why."""
    _tell(db, "cancelled", meeting_id, "cancelled", letters.cancelled)


@job("meetings.tell_moved")
def tell_moved(db: Session, meeting_id: str) -> None:
    """The meeting is at another time."""
    _tell(db, "moved", meeting_id, "scheduled", letters.moved)


def _tell(
    db: Session, kind: str, meeting_id: str, status: str, letter: Callable[[str | None, Board], mail.Letter]
) -> None:
    meeting = db.get(Meeting, UUID(meeting_id))
    if meeting is None or meeting.status != status:
        return
    settings = current_app.config["SETTINGS"]
    for person in db.execute(affected(meeting.id)).all():
        board = Board(meeting, Clock(clock.now(), person.timezone, settings.club_timezone, settings.doors_minutes))
        mail.write(
            db, kind, person.email, letter(person.first_name, board), user_id=person.id,
            occasion=f"{kind}:{meeting.id}:{meeting.revision}:{person.id}",
        )  # fmt: skip
