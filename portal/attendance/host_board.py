"""The room of a running meeting as its host and admins see it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.attendance.rsvp import NOTES_TO_HOST, NoteToHost
from portal.attendance.sightings import HOST_BOARD, REMIND_AGAIN, HostBoard
from portal.meetings.board import Board
from portal.sentences import ngettext
from portal.viewer import viewer


class HostView:
    """Who is missing, who should leave, whom nobody knows, and what people told the host; and whether more are inside than
    came through our door.
    """

    def __init__(self, board: Board, row: HostBoard, notes: list[NoteToHost], now: datetime) -> None:
        self.id = board.id
        self.running = board.phase == "live"
        self.missing, self.should_leave, self.unknown = row.missing, row.should_leave, row.unknown
        self.alarm = _alarm(row)
        self.notes = notes
        reminded_at = row.reminded_at
        self.reminded = f"{reminded_at.astimezone(viewer().tz):%H:%M}" if reminded_at else ""
        self.may_remind = reminded_at is None or reminded_at <= now - REMIND_AGAIN


def _alarm(row: HostBoard) -> str:
    if row.heads <= row.came_in:
        return ""
    return ngettext(
        "One person is in the room, and did not come through the door here. Look who it is.",
        "%(num)s people are in the room, more than came through the door here: %(came_in)s. Look who is there.",
        row.heads,
        came_in=row.came_in,
    )


def host_view(db: Session, board: Board) -> HostView | None:
    """The host's part of a meeting's page; None for a viewer who is neither an admin nor its host with access."""
    row = HOST_BOARD.one_or_none(db, meeting=UUID(board.id))
    return HostView(board, row, NOTES_TO_HOST.all(db, meeting=UUID(board.id)), viewer().now) if row else None


def coming_to(db: Session, meeting_id: UUID) -> list[str]:
    """Before the start, the names of those who said yes and are not inside yet, 200 at most, for the host; else none."""
    row = HOST_BOARD.one_or_none(db, meeting=meeting_id)
    return row.missing if row else []
