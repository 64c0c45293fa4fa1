"""Afterwards: what the host leaves on the page of a past meeting, notes and those of its recordings they chose to publish."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit
from portal.attendance.jobs import tell_of_notes
from portal.database.query import Query
from portal.meetings.description import rendered
from portal.problems import Refused
from portal.rooms.actions import opened

TELL_AFTER = timedelta(minutes=10)
"""So long the host may still mend what they published, before those who came are told."""


class NotesRow(NamedTuple):
    """What the viewer may read of a meeting: Markdown, sealed addresses, and how many recordings are not published (to
    its host and to admins; 0 to others).
    """

    body: str | None
    recordings: list[str]
    unpublished: int


class RecordingRow(NamedTuple):
    """A recording as its host sees it; `address` is sealed, `kind` in the platform's words."""

    id: UUID
    kind: str
    address: str
    published_at: datetime | None


class FromHost(NamedTuple):
    """What stands on the page of a past meeting: the notes as clean HTML, the published recordings' addresses."""

    notes: Markup
    recordings: list[str]
    unpublished: int


class Recording(NamedTuple):
    """A recording for its host to look at; `address` is None where ROOM_KEY does not open it."""

    id: UUID
    kind: str
    address: str | None
    is_published: bool


# The policies decide what the viewer may read; its host reads here what everybody reads.
NOTES = Query(
    NotesRow,
    text("""
select (select n.body from meeting_notes n where n.meeting_id = :meeting) as body,
       array(select r.address from recordings r where r.meeting_id = :meeting and r.published_at is not null
              order by r.offered_at, r.id) as recordings,
       (select count(*) from recordings r where r.meeting_id = :meeting and r.published_at is null) as unpublished
"""),
)
RECORDINGS = Query(
    RecordingRow,
    text("""
select id, kind, address, published_at from recordings where meeting_id = :meeting order by offered_at, id
"""),
)
WRITE = text("select write_notes(:meeting, :body)")
PUBLISH = text("select publish_recording(:meeting, :recording, :is_shown)")


class NotOver(Refused):
    """Notes can be added when the meeting is over. This one is not, or was cancelled."""


def from_host(db: Session, meeting_id: UUID) -> FromHost:
    """What the viewer may read of what the host left."""
    row = NOTES.one(db, meeting=meeting_id)
    addresses = [opened(sealed, meeting_id) for sealed in row.recordings]
    return FromHost(rendered(row.body), [address for address in addresses if address], row.unpublished)


def markdown(db: Session, meeting_id: UUID) -> str:
    """The notes as they were typed."""
    return NOTES.one(db, meeting=meeting_id).body or ""


def recordings(db: Session, meeting_id: UUID) -> list[Recording]:
    """Everything that was recorded, for who runs the meeting."""
    return [
        Recording(row.id, row.kind.replace("_", " "), opened(row.address, meeting_id), row.published_at is not None)
        for row in RECORDINGS.all(db, meeting=meeting_id)
    ]


def write(db: Session, meeting_id: UUID, body: str | None) -> None:
    """Leave notes, by the host or an admin; None takes them away. Whoever came is told once, a while later. Raises NotOver."""
    if not db.scalar(WRITE, {"meeting": meeting_id, "body": body}):
        raise NotOver
    operation, message = ("notes.written", "Notes were written") if body else ("notes.removed", "Notes were removed")
    audit.record(db, operation, message, category="meeting", meeting_id=meeting_id)
    if body:
        tell_of_notes.set(after=TELL_AFTER).enqueue(db, meeting_id=meeting_id)


def publish(db: Session, meeting_id: UUID, recording_id: UUID, *, is_shown: bool) -> bool:
    """Show a recording to whoever may read the notes, or take it back; False if there is none such to say it of."""
    done = bool(db.scalar(PUBLISH, {"meeting": meeting_id, "recording": recording_id, "is_shown": is_shown}))
    if done:
        operation = "recording.published" if is_shown else "recording.taken-back"
        message = "A recording was published" if is_shown else "A recording was taken back"
        audit.record(db, operation, message, category="meeting", meeting_id=meeting_id)
    if done and is_shown:
        tell_of_notes.set(after=TELL_AFTER).enqueue(db, meeting_id=meeting_id)
    return done
