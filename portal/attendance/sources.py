"""Where presence comes from: what a platform's signed events tell, what it answers while a meeting runs, and its report
afterwards. Nothing is held in the database while a platform is asked.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.attendance import sightings
from portal.attendance.events import recording_made, recording_offered
from portal.database.rows import typed
from portal.database.transactions import each, let_go
from portal.meetings.models import Meeting
from portal.rooms import platforms, provision
from portal.rooms.jobs import follow
from portal.rooms.models import Room, RoomEventRecord
from portal.rooms.platform import Platform, ProviderError, Report, RoomEvent
from portal.rooms.sealing import seal
from portal.rooms.zoom import Zoom
from portal.rooms.zoom_client import Body

REPORTS_AFTER = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""How long after the end a platform is asked for its report, until it is whole. `settle` counts these tries too."""

RECORDINGS_AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""How long after the end it is asked what it recorded; Zoom tells besides when it has a recording."""

READERS: dict[str, Callable[[Body], RoomEvent]] = {"zoom": Zoom.event}
"""Who reads the signed messages of a platform."""


class Asked(NamedTuple):
    """A room whose platform is asked who is or was inside."""

    meeting_id: UUID
    platform: str
    provider_id: str


ROOMS = """
select m.id as meeting_id, r.made_by as platform, m.meeting_id as provider_id
  from rooms r join meetings m on m.id = r.meeting_id
 where r.made_by <> 'link' and m.meeting_id is not null
"""
OPEN = text(f"""{ROOMS}
   and m.status in ('scheduled', 'active')
   and m.starts_at <= :at + interval '40 minutes' and m.ends_at > :at - interval '4 hours'
 order by r.polled_at nulls first, m.starts_at, m.id
""")
UNREPORTED = text(f"""{ROOMS}
   and m.status in ('scheduled', 'active', 'completed')
   and r.reported_at is null and m.ends_at <= :at - (cast(:after as interval[]))[r.report_attempts + 1]
 order by m.ends_at, m.id
""")
UNASKED = text(f"""{ROOMS}
   and m.status in ('scheduled', 'active', 'completed')
   and m.ends_at <= :at - (cast(:after as interval[]))[r.recording_attempts + 1]
 order by m.ends_at, m.id
""")
ROOM_OF = text(f"{ROOMS} and m.id = :meeting and m.status <> 'archived'")
# Whether it was not known before. The platform may have another address for what is known.
OFFER = text("""
insert into recordings as r (meeting_id, recording_id, kind, address, offered_at)
values (:meeting, :recording, :kind, :sealed, :at)
    on conflict on constraint uq_recordings_recording_id do update set kind = excluded.kind, address = excluded.address
returning r.xmax = 0
""")

Answer = TypeVar("Answer")


def take_in_event(db: Session, event_id: str) -> None:
    """What a platform told by a signed message: somebody came or went, the room was opened, closed or deleted. Once."""
    record = db.get(RoomEventRecord, event_id)
    if record is None or record.handled_at is not None:
        return
    event = READERS[record.platform](record.body)
    record.handled_at, record.outcome = clock.now(), _taken(db, record.platform, event)


def _taken(db: Session, platform: str, event: RoomEvent) -> str:
    """Apply an event. Returns what became of it, in a few words."""
    known = select(Room.meeting_id).join(Meeting, Meeting.id == Room.meeting_id)
    meeting_id: UUID | None = db.scalar(
        known.where(Room.made_by == platform, Meeting.provider_event_id == event.provider_id)
    )
    if meeting_id is None:
        return "not of this club"
    if event.kind in ("joined", "left") and event.sighting:
        sightings.take_in(db, meeting_id, [event.sighting], "event")
        return "taken in"
    if event.kind in ("started", "ended"):
        started, ended = (event.occurred_at if event.kind == kind else None for kind in ("started", "ended"))
        sightings.note_room_times(db, meeting_id, started, ended)
        return "taken in"
    if event.kind == "deleted":
        provision.is_gone(db, meeting_id, event.provider_id)
        follow.enqueue(db, meeting_id=meeting_id)
        return "taken in"
    if event.kind == "recorded":
        recording_made.publish(db, meeting_id=meeting_id)
        return "taken in"
    return "ignored"


def poll(db: Session) -> None:
    """Ask the platforms that tell nothing by themselves who is and was inside each open room."""
    for row in each(db, typed(Asked, db.execute(OPEN, {"at": clock.now()}))):
        # Noted before it is asked, and the longest unasked first: what fails in an unforeseen way keeps no other room waiting.
        _note(db, row, polled_at=clock.now())
        report = _ask(db, row, lambda platform, room: platform.inside(room))
        if report is not None:
            _take_report(db, row, report, "poll")


def fetch_reports(db: Session) -> None:
    """Fetch the platform's report half an hour, an hour, six and twenty-four hours after the end, until it is complete."""
    due = {"at": clock.now(), "after": list(REPORTS_AFTER)}
    for row in each(db, typed(Asked, db.execute(UNREPORTED, due))):
        # Counted before it is asked: what fails in an unforeseen way fails four times and no more.
        _note(db, row, report_attempts=Room.report_attempts + 1)
        report = _ask(db, row, lambda platform, room: platform.report(room))
        if report is not None:
            _take_report(db, row, report, "report")


def fetch_recordings(db: Session) -> None:
    """Fetch the list of recordings an hour, six and twenty-four hours after the end."""
    due = {"at": clock.now(), "after": list(RECORDINGS_AFTER)}
    for row in each(db, typed(Asked, db.execute(UNASKED, due))):
        _note(db, row, recording_attempts=Room.recording_attempts + 1)
        _offer_recordings(db, row)


def fetch_recordings_of(db: Session, meeting_id: UUID) -> None:
    """Fetch the list of recordings of one meeting."""
    for row in typed(Asked, db.execute(ROOM_OF, {"meeting": meeting_id})):
        _offer_recordings(db, row)


def _offer_recordings(db: Session, row: Asked) -> None:
    """Store the sealed addresses of recordings, and offer them to the host, who publishes them or not."""
    key, is_new = current_app.config["SETTINGS"].room_key, False
    found = _ask(db, row, lambda platform, room: platform.recordings(room), "recording.not-told")
    for recording in found or ():
        if not recording.address.startswith(("https://", "http://")):  # it becomes a link
            continue
        params = {"meeting": row.meeting_id, "recording": recording.recording_id, "kind": recording.kind}
        is_new |= bool(db.scalar(OFFER, params | {"sealed": seal(recording.address, key), "at": clock.now()}))
    if is_new:
        recording_offered.publish(db, meeting_id=row.meeting_id)


def _ask(
    db: Session, row: Asked, question: Callable[[Platform, str], Answer | None], failed: str = "room.unreported"
) -> Answer | None:
    """What the platform of a room answers; None if it has no answer, which the log notes as `failed` where it failed."""
    platform = platforms.platforms().get(row.platform)
    if platform is None:
        return None
    let_go(db)
    try:
        return question(platform, row.provider_id)
    except ProviderError as error:
        audit.record(db, failed, error.sentence, category="cron", level="warn", meeting_id=row.meeting_id)
        return None


def _take_report(db: Session, row: Asked, report: Report, source: sightings.Source) -> None:
    sightings.note_room_times(db, row.meeting_id, report.started_at, report.ended_at)  # first: it holds the meeting
    if source == "report" and report.is_whole:
        _note(db, row, reported_at=clock.now())
    sightings.take_in(db, row.meeting_id, report.sightings, source)


def _note(db: Session, row: Asked, **values: Any) -> None:
    db.execute(update(Room).where(Room.meeting_id == row.meeting_id).values(**values))
