"""Planning, changing, calling off and holding after all: an admin's verbs. None of them commits."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, insert, literal, or_, select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock, live
from portal.accounts.models import User
from portal.meetings import waitlist
from portal.meetings.events import cancelled, moved, reinstated
from portal.meetings.models import Meeting
from portal.meetings.rows import Titled
from portal.problems import Refused
from portal.times import instant, next_wall_time


class NotInThePast(Refused):
    """A meeting starts in the future."""


CANCEL_AS_HOST = text("select cancel_as_host(:meeting, :why)")


class AlreadyBegun(Refused):
    """This meeting has begun, is over or is cancelled; it can no longer be changed."""


class ChangedMeanwhile(Refused):
    """Somebody changed this meeting while you had it open. What you typed is still here; saving again keeps yours."""


class TooLate(Refused):
    """A cancellation can be taken back only while the meeting would still be ahead."""


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

    def row(self) -> dict[str, object]:
        """The columns of a row of `meetings`. Raises Refused when the clocks skip that hour."""
        return {**asdict(self), "starts_at": self.starts_at()}


def plan(db: Session, what: Plan, host_email: str | None = None, created_by: UUID | None = None) -> UUID:
    """Put a meeting on the programme; its host is somebody of the club, or nobody yet. Raises Refused."""
    if what.starts_at() <= clock.now():
        raise NotInThePast
    meeting_id, host_id = uuid4(), host_of(db, host_email)
    values = {**what.row(), "id": meeting_id, "created_by": created_by, "host_id": host_id}
    db.execute(insert(Meeting).values(values))
    audit.record(db, "meeting.planned", f"Planned {what.title}", category="meeting", meeting_id=meeting_id)
    return meeting_id


def change(db: Session, meeting: Meeting, what: Plan, host_email: str | None = None, *, seen: int) -> None:
    """Change a meeting that has not begun. Those who hold a place or wait are told when time or day moved.

    One whose hour has come and to which nobody came can be moved to a later hour, and is ahead again. One of a series
    is changed alone, and left alone by what the series does later. `seen` is the revision the admin had before them.
    Raises Refused.
    """
    moves = what.starts_at() != meeting.starts_at or what.duration != meeting.duration
    if moves and what.starts_at() <= clock.now():
        raise NotInThePast
    was = meeting.starts_at.isoformat()
    changed = update(Meeting).where(Meeting.id == meeting.id, Meeting.revision == seen, _changeable(moves))
    values = {
        **what.row(),
        "host_id": host_of(db, host_email),
        "status": "scheduled",
        "revision": seen + 1,
        "changed_alone": Meeting.series_id.is_not(None),
    }
    if not db.execute(changed.values(values)).rowcount:  # type: ignore[attr-defined]
        fresh = db.scalar(select(Meeting.revision).where(Meeting.id == meeting.id))
        raise AlreadyBegun if fresh == seen else ChangedMeanwhile
    waitlist.advance(db, meeting.id)
    audit.record(
        db,
        "meeting.moved" if moves else "meeting.changed",
        f"Changed {what.title}",
        category="meeting",
        meeting_id=meeting.id,
        was=was,
        now=what.starts_at().isoformat(),
    )
    if moves:
        moved.publish(db, meeting_id=meeting.id)


def cancel(db: Session, meeting: Titled, reason: str) -> None:
    """Call a meeting off, with the reason everybody is told. Answers are kept; nobody becomes a no-show."""
    called_off = update(Meeting).where(
        Meeting.id == meeting.id, Meeting.status.in_(("scheduled", "active")), Meeting.ends_at > clock.now()
    )
    values = {"status": "cancelled", "cancellation_reason": reason, "revision": Meeting.revision + 1}
    if not db.execute(called_off.values(values)).rowcount:  # type: ignore[attr-defined]
        raise AlreadyBegun
    _called_off(db, meeting, reason)


def cancel_as_host(db: Session, meeting: Titled, reason: str) -> None:
    """The same by the one who leads it and cannot come. Raises AlreadyBegun."""
    if not db.scalar(CANCEL_AS_HOST, {"meeting": meeting.id, "why": reason}):
        raise AlreadyBegun
    _called_off(db, meeting, reason)


def _called_off(db: Session, meeting: Titled, reason: str) -> None:
    audit.record(
        db, "meeting.cancelled", f"Cancelled {meeting.title}", category="meeting", meeting_id=meeting.id, reason=reason
    )
    cancelled.publish(db, meeting_id=meeting.id)
    live.announce(db, meeting.id)


def reinstate(db: Session, meeting: Titled) -> None:
    """Take a cancellation back while the meeting is ahead: it takes place after all, with the answers it had."""
    taken_back = update(Meeting).where(
        Meeting.id == meeting.id, Meeting.status == "cancelled", Meeting.starts_at > clock.now()
    )
    values = {"status": "scheduled", "cancellation_reason": None, "revision": Meeting.revision + 1}
    if not db.execute(taken_back.values(values)).rowcount:  # type: ignore[attr-defined]
        raise TooLate
    audit.record(
        db, "meeting.reinstated", f"{meeting.title} is held after all", category="meeting", meeting_id=meeting.id
    )
    reinstated.publish(db, meeting_id=meeting.id)
    waitlist.advance(db, meeting.id)


def host_of(db: Session, email: str | None) -> UUID | None:
    """The person of the club at this address; None for no address. Raises HostUnknown."""
    if not email:
        return None
    known = select(User.id).where(User.email_key == email.lower(), User.is_active, User.email_verified)
    host_id = db.scalar(known)
    if host_id is None:
        raise HostUnknown
    return host_id


def _changeable(moves: bool) -> ColumnElement[bool]:
    """Ahead by the clock; or begun with nobody there, if it is to be moved."""
    empty = and_(literal(moves), Meeting.attendee_count == 0, Meeting.ends_at > clock.now())
    return and_(Meeting.status.in_(("scheduled", "active")), or_(Meeting.starts_at > clock.now(), empty))


_SOON = text("""
select id from meetings where status in ('scheduled', 'active') and starts_at between club_now() and club_now() + interval '2 hours'
""")


def doors_moved(db: Session) -> None:
    """Have the open pages of what begins soon drawn anew: the club's doors open at another minute."""
    for meeting_id in db.scalars(_SOON):
        live.announce(db, meeting_id)
