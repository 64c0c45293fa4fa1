"""What the clock and other people's answers cause: offers told, lines tended, meetings begun and settled. What becomes of
somebody's place is told by the calendar package, with the message for their calendar.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy import Executable, TextClause, and_, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import audit, clock, live, mail
from portal.accounts.events import place_passed_on
from portal.accounts.models import User
from portal.attendance import invitations, messages, sightings, sources, standing
from portal.attendance.events import (
    account_learnt,
    missing_reminded,
    places_requested,
    recording_made,
    recording_offered,
    rules_changed,
)
from portal.attendance.models import Attendance, ClubDomain, Presence
from portal.attendance.queries import invited_at
from portal.database.rows import typed
from portal.database.transactions import each
from portal.jobs import job
from portal.mail.models import Mail
from portal.meetings import waitlist
from portal.meetings.board import Board, Clock
from portal.meetings.events import place_offered
from portal.meetings.models import Meeting
from portal.meetings.waitlist import tell_offers
from portal.rooms.events import told
from portal.rooms.models import Room


class Rsvp(NamedTuple):
    """Somebody's answer to a meeting, and where to write to them."""

    Meeting: Meeting
    answer: str
    offer_expires_at: datetime | None
    reason: str | None
    party_id: UUID | None
    invited_at: datetime
    user_id: UUID
    email: str
    first_name: str | None
    zone: str


class Host(NamedTuple):
    """Who leads a meeting, and since when somebody asks for a place in it."""

    Meeting: Meeting
    user_id: UUID
    email: str
    first_name: str | None
    zone: str
    since: datetime


class Recipient(NamedTuple):
    """Somebody of a meeting to write to."""

    user_id: UUID
    email: str
    first_name: str | None
    zone: str


MATCH = text("select match_participants(:meeting, '{}', :at)")
MISSING = text("""
select u.id as user_id, u.email, u.first_name, u.timezone as zone
  from missing_people(:meeting) x join users u on u.id = x.user_id order by u.id
""")
# Says to one worker alone, once, that there is something to tell of.
TELL_OF_NOTES = text("""
insert into meeting_notes as n (meeting_id, told_at)
select m.id, :at from meetings m
 where m.id = :meeting
   and (exists (select from meeting_notes x where x.meeting_id = m.id and x.body is not null)
        or exists (select from recordings r where r.meeting_id = m.id and r.published_at is not null))
    on conflict on constraint pk_meeting_notes do update set told_at = excluded.told_at where n.told_at is null
returning n.body is not null
""")
# Without who wrote the notes, or the host where there are none.
WHO_CAME = text("""
select u.id as user_id, u.email, u.first_name, u.timezone as zone
  from meeting_attendances a join users u on u.id = a.user_id join meetings m on m.id = a.meeting_id
  left join meeting_notes n on n.meeting_id = m.id
 where m.id = :meeting and u.is_active and (a.joined_at is not null or a.outcome = 'attended')
   and u.id is distinct from coalesce(n.written_by, m.host_id)
 order by u.id
""")
HOST = text("""
select u.id as user_id, u.email, u.first_name, u.timezone as zone
  from meetings m join users u on u.id = m.host_id where m.id = :meeting and u.is_active
""")
LAPSED = text("""
select distinct a.user_id from meetings m join meeting_attendances a on a.meeting_id = m.id join users u on u.id = a.user_id
 where m.status = 'scheduled' and m.starts_at > :at and a.answer in ('accepted', 'offered', 'waitlisted', 'requested')
   and not (u.is_active and u.email_verified and u.access_until is not null and u.access_until > :at)
 limit 500
""")
RELEASE = text("select meeting_id, offered from release_places(:person, :at)")
CLOSE = text("select close_presences(:meeting, null, :at)")
# Half an hour after the end with nobody inside as far as the platform knows (who only clicked went with the end), four hours
# after it whoever is; and again when no report is owed any more. One meeting's stays at a time: `exists` would be a join with
# those of all meetings.
DUE = text("""
select m.id from meetings m left join rooms r on r.meeting_id = m.id
 where (m.status in ('scheduled', 'active') and m.ends_at <= :at - :linger
        and (m.ends_at <= :at - :hard_stop or not coalesce((
          select bool_or(s.is_open and s.is_best and s.source <> 'click') from stays s where s.meeting_id = m.id), false)))
    or (m.status = 'completed' and m.attendance_record = 'provisional'
        and (r.reported_at is not null or r.report_attempts >= 4 or r.made_by = 'link' or m.meeting_id is null))
 order by m.ends_at, m.id
""")
LINGER = timedelta(minutes=30)
HARD_STOP = timedelta(hours=4)
RECORDS = {
    "provisional": "Attendance was settled, until the platform has reported",
    "final": "Attendance was settled",
    "not_recorded": "Nobody could be seen in the room, so nobody’s attendance was recorded",
}
"""What is noted of a meeting that is settled."""


@place_offered.subscribe
@place_passed_on.subscribe
@job("attendance.tell_offer")
def tell_offer(db: Session, meeting_id: UUID, user_id: UUID) -> None:
    """A place came free for somebody in the line: one mail per offer, if it still stands."""
    row = _rsvp(db, meeting_id, user_id)
    if row and row.answer == "offered" and row.offer_expires_at and row.offer_expires_at > clock.now():
        viewer_clock, board = _board_for(row)
        occasion = f"offer:{meeting_id}:{user_id}:{row.offer_expires_at.timestamp():.0f}"
        message = messages.offer(
            row.first_name, board, viewer_clock.here(row.offer_expires_at), together=row.party_id is not None
        )
        mail.write(db, "offer", row.email, message, user_id=row.user_id, meeting_id=meeting_id, occasion=occasion)


@mail.recheck("offer")
def why_no_offer(db: Session, written: Mail) -> str | None:
    """Why a mail about an offer that waited in the outbox is not true any more, for admins; None if it is."""
    if written.meeting_id is None or written.user_id is None:
        return None
    row = _rsvp(db, written.meeting_id, written.user_id)
    if row and row.answer == "offered" and row.offer_expires_at and row.offer_expires_at > clock.now():
        return None
    return "The place is not held for them any more."


@places_requested.subscribe
@job("attendance.tell_host")
def tell_host(db: Session, meeting_id: UUID) -> None:
    """Somebody asks for a place: one mail to the host until those who asked are answered."""
    found = typed(
        Host,
        db.execute(
            select(
                Meeting,
                User.id.label("user_id"),
                User.email,
                User.first_name,
                User.timezone.label("zone"),
                func.min(Attendance.responded_at).label("since"),
            )
            .join(User, User.id == Meeting.host_id)
            .join(Attendance, and_(Attendance.meeting_id == Meeting.id, Attendance.answer == "requested"))
            .where(Meeting.id == meeting_id, Meeting.status == "scheduled", User.is_active)
            .group_by(Meeting.id, User.id)
        ),
    )
    for row in found:
        message = messages.requested(row.first_name, _board_for(row)[1], row.Meeting.request_count)
        occasion = f"asked:{meeting_id}:{row.user_id}:{row.since.timestamp():.6f}"
        mail.write(db, "asked", row.email, message, user_id=row.user_id, meeting_id=meeting_id, occasion=occasion)


@job("attendance.invite_everybody", cron="*/10 * * * *", lock="attendance.invite_everybody", dry_run=True)
def invite_everybody(db: Session) -> None:
    """Every ten minutes: whoever has access is invited to the open meetings of the days ahead."""
    invitations.invite_everybody(db)


@job("attendance.sweep", cron="* * * * *", lock="attendance.sweep", dry_run=True)
def sweep(db: Session) -> None:
    """Each minute: begin what has begun, pass on offers that ran out, end the stays in cancelled meetings, settle the rest."""
    at = clock.now()
    begin(db)
    lapsed = select(Attendance.meeting_id).where(Attendance.answer == "offered", Attendance.offer_expires_at <= at)
    for meeting_id in _one_by_one(db, lapsed.distinct().order_by(Attendance.meeting_id)):
        waitlist.advance(db, meeting_id)
    called_off = select(Presence.meeting_id).join(Meeting, Meeting.id == Presence.meeting_id).distinct()
    open_clicks = called_off.where(
        Presence.left_at.is_(None), Presence.source == "click", Meeting.status == "cancelled"
    )
    for meeting_id in _one_by_one(db, open_clicks):
        db.execute(CLOSE, {"meeting": meeting_id, "at": at})
        live.announce(db, meeting_id)
    settle(db)


@told.subscribe
@job("attendance.take_in_event", lock="room-event:{event_id}")
def take_in_event(db: Session, event_id: str) -> None:
    """What a platform told of a room: who came or went, or that it was opened or closed."""
    sources.take_in_event(db, event_id)


@job("attendance.poll", cron="* * * * *", lock="attendance.poll")
def poll(db: Session) -> None:
    """Each minute, where a platform tells only when asked: who is inside."""
    sources.poll(db)


@job("attendance.fetch_reports", cron="* * * * *", lock="attendance.fetch_reports")
def fetch_reports(db: Session) -> None:
    """Each minute: the platforms' reports that are due."""
    sources.fetch_reports(db)


@job("attendance.fetch_recordings", cron="* * * * *", lock="attendance.fetch_recordings")
def fetch_recordings(db: Session) -> None:
    """Each minute: what platforms recorded, where it is due to be asked."""
    sources.fetch_recordings(db)


@recording_made.subscribe
@job("attendance.fetch_recordings_of", lock="attendance.fetch_recordings")
def fetch_recordings_of(db: Session, meeting_id: UUID) -> None:
    """A platform says that it has recorded a meeting: what it has is offered to the host."""
    sources.fetch_recordings_of(db, meeting_id)


@recording_offered.subscribe
@job("attendance.tell_recorded")
def tell_recorded(db: Session, meeting_id: UUID) -> None:
    """There is a recording: one mail to the host, however many there are."""
    for person, board in _board_of_each(db, HOST, meeting_id):
        mail.write(
            db,
            "recorded",
            person.email,
            messages.recorded(person.first_name, board),
            user_id=person.user_id,
            meeting_id=meeting_id,
            occasion=f"recorded:{meeting_id}:{person.user_id}",
        )


@job("attendance.tell_of_notes")
def tell_of_notes(db: Session, meeting_id: UUID) -> None:
    """The host left notes or published a recording a while ago, and has not taken them back: one mail to each who came."""
    has_notes: bool | None = db.scalar(TELL_OF_NOTES, {"meeting": meeting_id, "at": clock.now()})
    if has_notes is None:
        return
    for person, board in _board_of_each(db, WHO_CAME, meeting_id):
        mail.write(
            db,
            "afterwards",
            person.email,
            messages.afterwards(person.first_name, board, has_notes=has_notes),
            user_id=person.user_id,
            meeting_id=meeting_id,
            occasion=f"afterwards:{meeting_id}:{person.user_id}",
        )


@account_learnt.subscribe
@job("attendance.match_again")
def match_again(db: Session, meeting_id: UUID) -> None:
    """Match a meeting's participants again, because it became known whose account one of them used."""
    db.execute(MATCH, {"meeting": meeting_id, "at": clock.now()})
    live.announce(db, meeting_id)


@missing_reminded.subscribe
@job("attendance.tell_missing")
def tell_missing(db: Session, meeting_id: UUID) -> None:
    """The meeting is running: one mail to each who said yes and has still not come."""
    reminded_at: datetime | None = db.scalar(select(Room.reminded_at).where(Room.meeting_id == meeting_id))
    if reminded_at is None:
        return
    for person, board in _board_of_each(db, MISSING, meeting_id):
        if board.phase == "live":
            message = messages.missing(person.first_name, board)
            occasion = f"missing:{meeting_id}:{person.user_id}:{reminded_at.timestamp():.0f}"
            mail.write(
                db, "missing", person.email, message, user_id=person.user_id, meeting_id=meeting_id, occasion=occasion
            )


@mail.recheck("missing")
def why_not_missing(db: Session, written: Mail) -> str | None:
    """The same for the mail to whoever has not come."""
    still = (
        select(Attendance.id)
        .join(Meeting, Meeting.id == Attendance.meeting_id)
        .where(Attendance.meeting_id == written.meeting_id, Attendance.user_id == written.user_id)
        .where(Attendance.answer == "accepted", Attendance.joined_at.is_(None))
        .where(Meeting.status.in_(("scheduled", "active")), Meeting.ends_at > clock.now())
    )
    is_missing = written.meeting_id is None or db.scalar(still) is not None
    return None if is_missing else "They came, or the meeting was over before it could be sent."


@job("attendance.release", cron="*/5 * * * *", lock="attendance.release", dry_run=True)
def release(db: Session) -> None:
    """People whose access has ended lose their places in meetings ahead, which are offered to those who wait."""
    at = clock.now()
    for person in _one_by_one(db, LAPSED, at=at):
        for meeting_id, offered in db.execute(RELEASE, {"person": person, "at": at}).all():
            tell_offers(db, meeting_id, offered)
            live.announce(db, meeting_id)
        audit.record(
            db, "attendance.released", "Places were released with the access", category="cron", subject_id=person
        )


@job("attendance.follow_rules", cron="* * * * *", lock="attendance.follow_rules", dry_run=True)
def follow_rules(db: Session) -> None:
    """Each minute: meetings that are new follow everybody's rules; every hour all that are ahead."""
    standing.follow_all(db)


@rules_changed.subscribe
@job("attendance.follow_rules_of", lock="attendance.follow_rules_of:{user_id}")
def follow_rules_of(db: Session, user_id: UUID) -> None:
    """Somebody wrote or ended a rule: the meetings ahead follow."""
    standing.follow_person(db, user_id)


def begin(db: Session) -> None:
    """Scheduled meetings whose hour has come are active, and how many they are open to is noted."""
    due = and_(Meeting.status == "scheduled", Meeting.starts_at <= clock.now())
    for meeting_id in _one_by_one(db, select(Meeting.id).where(due)):
        begun = update(Meeting).where(Meeting.id == meeting_id, due)
        db.execute(begun.values(status="active", invited_count=invited_at(clock.now())))
        live.announce(db, meeting_id)


def settle(db: Session) -> None:
    """Meetings that are over, and those whose platform has said all it will: who came, who did not, as far as is known."""
    due = {"at": clock.now(), "linger": LINGER, "hard_stop": HARD_STOP}
    for meeting_id in _one_by_one(db, DUE, **due):
        record = sightings.settle(db, meeting_id)
        audit.record(
            db, "meeting.settled", RECORDS[record or ""], category="cron", meeting_id=meeting_id, record=record
        )


def _one_by_one(db: Session, found: Executable, **params: object) -> Iterator[UUID]:
    """Handle each row in a transaction of its own: a transaction that locks one meeting only cannot deadlock with another."""
    return each(db, db.scalars(found, params).all())


def _rsvp(db: Session, meeting_id: UUID, user_id: UUID) -> Rsvp | None:
    found = typed(
        Rsvp,
        db.execute(
            select(
                Meeting,
                Attendance.answer,
                Attendance.offer_expires_at,
                Attendance.reason,
                Attendance.party_id,
                Attendance.invited_at,
                User.id.label("user_id"),
                User.email,
                User.first_name,
                User.timezone.label("zone"),
            )
            .join(Attendance, Attendance.meeting_id == Meeting.id)
            .join(User, User.id == Attendance.user_id)
            .where(Meeting.id == meeting_id, User.id == user_id, User.is_active)
        ),
    )
    return found[0] if found else None


def _board_of_each(db: Session, people: TextClause, meeting_id: UUID) -> Iterator[tuple[Recipient, Board]]:
    """Those whom a statement finds for a meeting, each with the meeting as they read it."""
    meeting, settings = db.get(Meeting, meeting_id), current_app.config["SETTINGS"]
    if meeting:
        for person in typed(Recipient, db.execute(people, {"meeting": meeting_id})):
            seen = Clock(clock.now(), person.zone, settings.club_timezone, settings.doors_minutes)
            yield person, Board(meeting, seen)


def _board_for(row: "Rsvp | Host") -> tuple[Clock, Board]:
    settings = current_app.config["SETTINGS"]
    viewer_clock = Clock(clock.now(), row.zone, settings.club_timezone, settings.doors_minutes)
    return viewer_clock, Board(row.Meeting, viewer_clock)


@job("attendance.know_domains", cron="*/15 * * * *", lock="attendance.know_domains", dry_run=True)
def know_domains(db: Session) -> None:
    """The club's own domains are those of the setting; rows made from then on know whether their person is external."""
    domains = list(current_app.config["SETTINGS"].club_domains)
    db.execute(delete(ClubDomain).where(ClubDomain.domain.not_in(domains)))
    if domains:
        known = insert(ClubDomain).values([{"domain": domain} for domain in domains])
        db.execute(known.on_conflict_do_nothing())
