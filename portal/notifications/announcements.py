"""Messages to groups: a host writes to the people of a meeting, an admin to those or to members. Nothing here commits.

A message leaves a minute after it was written, and can be taken back until then; `sending.py` has what the worker does.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.attendance.queries import SHOWN
from portal.database.query import Query
from portal.database.rows import row_type
from portal.meetings.board import Board, Clock
from portal.meetings.models import Meeting
from portal.meetings.rows import AnyMeeting, KindOfMeeting
from portal.notifications.group_messages import AUDIENCES
from portal.notifications.jobs import send_announcement
from portal.notifications.models import Announcement
from portal.notifications.sending import Recipient, message
from portal.problems import Refused

UNDO = timedelta(minutes=1)
"""As `write_announcement` has it."""


@row_type
class HostedMeeting(KindOfMeeting):
    """A meeting, with who leads it."""

    host_id: UUID | None


class Draft(NamedTuple):
    """A message that is not written yet. `subject` is an admin's own words, None for a host's; `days` for those whose access ends."""

    meeting_id: UUID | None
    audience: str
    days: int | None
    subject: str | None
    body: str


class AnnouncementRow(NamedTuple):
    """A message to a group, with the title of its meeting."""

    id: UUID
    meeting_id: UUID | None
    audience: str
    days: int | None
    subject: str | None
    body: str
    by_admin: bool
    state: str
    reason: str | None
    written_at: datetime
    leaves_at: datetime
    title: str | None


class Progress(NamedTuple):
    """How many mails of a message are in which state."""

    queued: int
    sent: int
    failed: int
    dropped: int


class MeetingOver(Refused):
    """This meeting is over or was cancelled, so there is nobody to write to."""


class TooMany(Refused):
    """You have written three messages about this meeting within a day. You can write the next one tomorrow."""


class NobodyThere(Refused):
    """Nobody is in this group just now."""


class NothingToStop(Refused):
    """There is nothing left to stop: every mail has left, or somebody stopped it already."""


_SHOWN = (
    select(
        Announcement.id,
        Announcement.meeting_id,
        Announcement.audience,
        Announcement.days,
        Announcement.subject,
        Announcement.body,
        Announcement.by_admin,
        Announcement.state,
        Announcement.reason,
        Announcement.written_at,
        Announcement.leaves_at,
        Meeting.title,
    )
    .outerjoin(Meeting, Meeting.id == Announcement.meeting_id)
    .order_by(Announcement.written_at.desc(), Announcement.id.desc())
    .limit(20)
)
ONE = Query(AnnouncementRow, _SHOWN.where(Announcement.id == bindparam("announcement_id")))
OF_MEETING = Query(AnnouncementRow, _SHOWN.where(Announcement.meeting_id == bindparam("meeting_id")))
OF_CLUB = Query(AnnouncementRow, _SHOWN.where(Announcement.meeting_id.is_(None)))
HOSTED = Query(HostedMeeting, select(*SHOWN, Meeting.host_id).where(Meeting.id == bindparam("meeting_id")))
PROGRESS = Query(Progress, text("select queued, sent, failed, dropped from announcement_progress(:announcement)"))
SIZE = text("select announcement_size(:meeting_id, :audience, :days)")
WRITE = text("select refusal, announcement from write_announcement(:meeting_id, :audience, :days, :subject, :body)")
STOP = text("select stop_announcement(:announcement)")


def size(db: Session, draft: Draft) -> int | None:
    """How many people a message would reach now. None where the current user may not know: a host would learn who has an account."""
    count: int | None = db.scalar(SIZE, draft._asdict())
    return count


def write(db: Session, draft: Draft) -> UUID:
    """Keep a message, which leaves in a minute. Raises MeetingOver, TooMany, NobodyThere."""
    people = size(db, draft)
    if people == 0:
        raise NobodyThere
    row = db.execute(WRITE, draft._asdict()).one()
    if row.refusal:
        raise {"over": MeetingOver, "often": TooMany}[row.refusal]
    announcement_id: UUID = row.announcement
    audit.record(
        db,
        "announcement.written",
        AUDIENCES[draft.audience].label,
        category="email",
        meeting_id=draft.meeting_id,
        announcement=str(announcement_id),
        people=people,
    )
    send_announcement.set(after=UNDO).enqueue(db, announcement_id=announcement_id)
    return announcement_id


def stop(db: Session, row: AnnouncementRow) -> str:
    """Take a message back, or stop what of it has not been sent: `taken-back` or `stopped`. Raises NothingToStop."""
    state: str | None = db.scalar(STOP, {"announcement": row.id})
    if state is None:
        raise NothingToStop
    audit.record(
        db,
        f"announcement.{state}",
        AUDIENCES[row.audience].label,
        category="email",
        meeting_id=row.meeting_id,
        announcement=str(row.id),
    )
    return state


def send_test(db: Session, draft: Draft, meeting: AnyMeeting | None, writer: Recipient, name: str) -> None:
    """Send a message to whoever writes it, and to nobody else."""
    test = preview(draft, meeting, writer, name)
    mail.write(db, "announcement-test", writer.email, test, user_id=writer.user_id, meeting_id=draft.meeting_id)


def preview(draft: Draft, meeting: AnyMeeting | None, writer: Recipient, name: str) -> mail.Message:
    """The mail as its writer, who is called so, would get it."""
    settings = current_app.config["SETTINGS"]
    seen = Clock(clock.now(), writer.timezone, settings.club_timezone, settings.doors_minutes)
    board = Board(meeting, seen) if meeting else None
    return message(writer.first_name, board, draft.audience, name, draft.subject, draft.body)
