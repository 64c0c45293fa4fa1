"""Planning, changing and calling off meetings: an admin's verbs. None of them commits."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock, jobs, live
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.meetings.models import Meeting
from portal.problems import Refused
from portal.times import instant, next_wall_time

TEND = text("select tend_line(:meeting, :at)")


class NotInThePast(Refused):
    """A meeting starts in the future."""


class AlreadyBegun(Refused):
    """This meeting has begun, is over or is cancelled; it can no longer be changed."""


class HostUnknown(Refused):
    """Nobody in the club has this address."""


@dataclass(frozen=True)
class Plan:
    """What an admin decides about a meeting. `start_time` is wall time in `timezone`; `duration` minutes."""

    title: str
    scheduled_date: date
    start_time: time
    timezone: str
    duration: int = 60
    description: str | None = None
    platform: str = "google-meet"
    max_attendees: int | None = 50
    requires_approval: bool = False
    is_private: bool = False

    def starts_at(self) -> datetime:
        """The instant meant. Raises Refused when the clocks skip that hour, with the next one that exists."""
        moment = instant(self.scheduled_date, self.start_time, self.timezone)
        if moment is None:
            later = next_wall_time(self.scheduled_date, self.start_time, self.timezone)
            raise Refused(f"The clocks skip {self.start_time:%H:%M} on that day there. {later:%H:%M} exists.")
        return moment


def plan(db: Session, what: Plan, host_email: str | None = None, created_by: UUID | None = None) -> UUID:
    """Put a meeting on the programme; its host is somebody of the club, or nobody yet. Raises Refused."""
    if what.starts_at() <= clock.now():
        raise NotInThePast
    meeting_id = uuid4()
    db.execute(insert(Meeting).values(id=meeting_id, created_by=created_by, **_host(db, host_email), **asdict(what)))
    audit.record(db, "meeting.planned", f"Planned {what.title}", category="meeting", meeting_id=meeting_id)
    return meeting_id


def change(db: Session, meeting: Any, what: Plan, host_email: str | None = None) -> None:
    """Change a meeting that has not begun. Those who hold a place or wait are told when time or day moved."""
    if meeting.status != "scheduled" or meeting.starts_at <= clock.now():
        raise AlreadyBegun
    moved = what.starts_at() != meeting.starts_at or what.duration != meeting.duration
    if moved and what.starts_at() <= clock.now():
        raise NotInThePast
    db.execute(
        update(Meeting).where(Meeting.id == meeting.id)
        .values(**asdict(what), **_host(db, host_email), revision=Meeting.revision + int(moved))
    )  # fmt: skip
    _pass_on_places(db, meeting.id)
    audit.record(
        db, "meeting.moved" if moved else "meeting.changed", f"Changed {what.title}", category="meeting",
        meeting_id=meeting.id, was=meeting.starts_at.isoformat(), now=what.starts_at().isoformat(),
    )  # fmt: skip
    if moved:
        jobs.enqueue(db, "attendance.tell_moved", meeting_id=str(meeting.id))
    live.announce(db, meeting.id)


def cancel(db: Session, meeting: Any, reason: str) -> None:
    """Call a meeting off, with the reason everybody is told. Answers are kept; nobody becomes a no-show."""
    called_off = update(Meeting).where(
        Meeting.id == meeting.id, Meeting.status.in_(("scheduled", "active")), Meeting.ends_at > clock.now()
    )
    if not db.execute(called_off.values(status="cancelled", cancellation_reason=reason)).rowcount:  # type: ignore[attr-defined]
        raise AlreadyBegun
    audit.record(
        db, "meeting.cancelled", f"Cancelled {meeting.title}", category="meeting", meeting_id=meeting.id, reason=reason
    )
    jobs.enqueue(db, "attendance.tell_cancelled", meeting_id=str(meeting.id))
    live.announce(db, meeting.id)


def _pass_on_places(db: Session, meeting_id: UUID) -> None:
    """Places that were added go to the line at once."""
    for person in db.scalar(TEND, {"meeting": meeting_id, "at": clock.now()}) or []:
        jobs.enqueue(db, "attendance.tell_offer", meeting_id=str(meeting_id), user_id=str(person))


def _host(db: Session, email: str | None) -> dict[str, Any]:
    if not email:
        return {"host_id": None, "host_name": None}
    user = db.execute(
        select(User.id, User.first_name, User.last_name, User.email).where(User.email_key == email.lower())
    ).one_or_none()
    if user is None:
        raise HostUnknown
    return {"host_id": user.id, "host_name": display_name(user.first_name, user.last_name, user.email)}
