"""Who was in the room: what platforms saw is taken in, people are recognised among those they saw, attendance is settled,
and who is missing is reminded. None of this commits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, clock, live
from portal.attendance.events import account_learnt, missing_reminded
from portal.database.query import Query
from portal.problems import Refused
from portal.rooms.models import Participant as ParticipantRecord
from portal.rooms.platform import Sighting
from portal.rooms.queries import LOCK

Source = Literal["report", "event", "poll"]
"""Who saw it: the platform's report afterwards, its signed events, or our asking it while the meeting runs."""


class HostBoard(NamedTuple):
    """What a host sees of the room: names, and how many heads are inside against how many came through our door."""

    missing: list[str]
    should_leave: list[str]
    unknown: list[str]
    heads: int
    came_in: int
    reminded_at: datetime | None


HOST_BOARD = Query(
    HostBoard, text("select missing, should_leave, unknown, heads, came_in, reminded_at from host_board(:meeting)")
)
TAKE_IN = text("select take_in(:meeting, :source, :sightings, :at)")
ROOM_TIMES = text("""
update rooms set started_at = least(started_at, :started_at), ended_at = greatest(ended_at, :ended_at)
 where meeting_id = :meeting
""")
REFRESH = text("""
select refresh_attendance(:meeting, array(select distinct user_id from presences
                                           where meeting_id = :meeting and user_id is not null and source <> 'click'))
""")
SETTLE = text("select settle(:meeting, :at)")
NAME_PARTICIPANT = text("select name_participant(:participant, :person)")
REMIND = text("select remind_missing(:meeting)")

REMIND_AGAIN = timedelta(minutes=10)
"""As `remind_missing` has it."""


class RemindedAlready(Refused):
    """They were reminded a few minutes ago. Ten minutes after that you can remind them again."""


class NotRunning(Refused):
    """Reminders can be sent while the meeting is running and its room is there."""


def take_in(db: Session, meeting_id: UUID, sightings: Sequence[Sighting], source: Source) -> None:
    """Keep what a source saw in the room of a meeting, and say who that was.

    Sightings may come in any order, in parts and more than once: the end is the same. An unknown meeting is passed over.
    """
    rows = [_row(sighting) for sighting in sightings]
    params = {"meeting": meeting_id, "source": source, "sightings": Jsonb(rows), "at": clock.now()}
    for other in db.scalar(TAKE_IN, params) or []:
        account_learnt.publish(db, meeting_id=other)
    live.announce(db, meeting_id)


def _row(sighting: Sighting) -> dict[str, str | None]:
    """A sighting as the database function `take_in` reads it, without NUL and lone surrogates, which PostgreSQL keeps in no text."""
    participant = sighting.participant
    row = {
        **participant._asdict(),
        "is_host": "yes" if participant.is_host else None,
        "name": " ".join(participant.name.replace("\x00", " ").split())[:200],
        "session": sighting.session,
        "joined_at": sighting.joined_at.isoformat() if sighting.joined_at else None,
        "left_at": sighting.left_at.isoformat() if sighting.left_at else None,
        "device": sighting.device,
    }
    return {name: value and value.replace("\x00", "").encode(errors="replace").decode() for name, value in row.items()}


def note_room_times(db: Session, meeting_id: UUID, started_at: datetime | None, ended_at: datetime | None) -> None:
    """Note when the platform opened the room first and closed it last, and end the stays of those inside. Locks the meeting."""
    db.execute(LOCK, {"meeting": meeting_id})
    db.execute(ROOM_TIMES, {"meeting": meeting_id, "started_at": started_at, "ended_at": ended_at})
    db.execute(REFRESH, {"meeting": meeting_id})
    live.announce(db, meeting_id)


def settle(db: Session, meeting_id: UUID) -> str | None:
    """Write down who came; `provisional`, `final` or `not_recorded`. May be repeated when more is known; None if there is
    nothing to settle.
    """
    record: str | None = db.scalar(SETTLE, {"meeting": meeting_id, "at": clock.now()})
    live.announce(db, meeting_id)
    return record


def name_participant(db: Session, participant_id: UUID, person_id: UUID | None) -> None:
    """Note who a participant was, as an admin says; None for nobody of the club. The account is known from then on."""
    meeting_id: UUID = db.scalars(
        select(ParticipantRecord.meeting_id).where(ParticipantRecord.id == participant_id)
    ).one()
    for other in db.scalar(NAME_PARTICIPANT, {"participant": participant_id, "person": person_id}) or []:
        account_learnt.publish(db, meeting_id=other)
    audit.record(
        db,
        "participant.named" if person_id else "participant.guest",
        "Somebody in the room was recognised" if person_id else "Somebody in the room is nobody of the club",
        category="meeting",
        meeting_id=meeting_id,
        subject_id=person_id,
    )
    live.announce(db, meeting_id)


def remind_missing(db: Session, meeting_id: UUID) -> None:
    """Write to everybody who said yes to a running meeting and has not come. Raises NotRunning, RemindedAlready."""
    refusal = db.scalar(REMIND, {"meeting": meeting_id})
    if refusal:
        raise {"over": NotRunning, "again": RemindedAlready}[refusal]
    audit.record(
        db, "meeting.reminded", "Those who are missing were reminded", category="meeting", meeting_id=meeting_id
    )
    missing_reminded.publish(db, meeting_id=meeting_id)
