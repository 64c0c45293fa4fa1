"""What people are told of their places and of meetings that change, each mail with the message for their calendar; and
each minute whatever no such mail carried.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.attendance import messages as attendance_messages
from portal.attendance.events import answered_for, guest_invited, invitation_taken_back, request_decided
from portal.attendance.queries import affected
from portal.calendar import entries, messages, replies
from portal.calendar.entries import Entry
from portal.config import Settings
from portal.database.query import Query
from portal.database.transactions import each
from portal.jobs import job
from portal.mail import Message, bounces
from portal.mail.events import not_delivered, reply_received
from portal.mail.models import Mail
from portal.meetings import messages as meeting_messages
from portal.meetings.board import Board, Clock
from portal.meetings.events import cancelled, moved, reinstated
from portal.meetings.models import Meeting, MeetingSeries
from portal.meetings.repeats import in_words
from portal.times import moment_of

A_DAY = 3
"""So many mails a rule that answers many evenings at once causes a day, at most."""

NEAR = timedelta(days=2)
"""What such a rule answered is mailed when its evening is so near, if not at once."""


class Change(NamedTuple):
    """A note that a person's calendar may have to be told of a meeting."""

    meeting_id: UUID
    noted_at: datetime
    by_rule: bool
    starts_at: datetime


PEOPLE = text(
    "select distinct user_id from calendar_changes where user_id is not null and due_at <= :at order by user_id"
)
MEETINGS = text("select meeting_id from calendar_changes where user_id is null and due_at <= :at order by meeting_id")
CHANGES = Query(
    Change,
    text("""
select c.meeting_id, c.noted_at, c.by_rule, m.starts_at from calendar_changes c join meetings m on m.id = c.meeting_id
 where c.user_id = :person and c.due_at <= :at order by m.starts_at, m.id
"""),
)
HAVE_IT = text(
    "select user_id from calendar_entries where meeting_id = :meeting and method is not null order by user_id"
)
DONE = text("""
delete from calendar_changes
 where meeting_id = :meeting and user_id is not distinct from :person and due_at <= :at
""")
ALL_LATER = text("update calendar_changes set due_at = :due where user_id = :person and due_at <= :at")
ADDRESS = text("select email from users where id = :person")
HAS_ACCESS = text("select entitled(:person, :at)")
LATER = text("""
update calendar_changes set due_at = :due, by_rule = true where meeting_id = :meeting and user_id = :person and due_at <= :at
""")
MAILED_TODAY = text("""
select count(*) from mails
 where user_id = :person and created_at >= :since and method is not null and kind in ('confirmed', 'withdrawn', 'invited')
""")


@request_decided.subscribe
@job("calendar.tell_decision")
def tell_decision(db: Session, meeting_id: UUID, user_id: UUID) -> None:
    """What became of a request for a place."""
    entry = entries.lock(db, meeting_id, user_id)
    if entry and entry.answer in ("accepted", "waitlisted", "rejected", "withdrawn"):
        board = _board(db, entry)
        message = attendance_messages.decision(entry.first_name, board, entry.answer, entry.reason)
        entries.write(db, "decision", entry, message)


@answered_for.subscribe
@job("calendar.tell_together")
def tell_together(db: Session, meeting_id: UUID, user_id: UUID, by: UUID) -> None:
    """One of the family answered for another: that other is told at once."""
    entry, actor = entries.lock(db, meeting_id, user_id), db.get(User, by)
    if entry and entry.answer and entry.party_id and actor:
        name = actor.first_name or actor.email.partition("@")[0]
        message = attendance_messages.together(entry.first_name, _board(db, entry), name, entry.answer)
        entries.write(db, "together", entry, message, occasion=f"together:{entry.party_id}:{user_id}")


@guest_invited.subscribe
@job("calendar.tell_invited")
def tell_invited(db: Session, meeting_id: UUID, user_id: UUID, by: UUID, later: bool) -> None:
    """Somebody is invited to a private meeting, if they still are."""
    entry, host = entries.lock(db, meeting_id, user_id), db.get(User, by)
    if entry and entry.invited_at and host and entry.status in ("scheduled", "active"):
        meeting = db.get_one(Meeting, meeting_id)
        series = db.get(MeetingSeries, meeting.series_id) if later and meeting.series_id else None
        name = display_name(host.first_name, host.last_name, host.email)
        repeats = in_words(series) if series else ""
        message = attendance_messages.invited(entry.first_name, _board(db, entry), name, repeats)
        occasion = f"invited:{meeting_id}:{user_id}:{entry.invited_at.timestamp():.6f}"
        entries.write(db, "invited", entry, message, occasion=occasion)


@invitation_taken_back.subscribe
@job("calendar.tell_taken_back")
def tell_taken_back(db: Session, meeting_id: UUID, user_id: UUID) -> None:
    """An invitation was taken back, and there is no new one."""
    entry = entries.lock(db, meeting_id, user_id)
    if entry and entry.answer is None:
        entries.write(db, "taken-back", entry, attendance_messages.taken_back(entry.first_name, entry.title))


@cancelled.subscribe
@job("calendar.tell_cancelled")
def tell_cancelled(db: Session, meeting_id: UUID) -> None:
    """The meeting is off, and why."""
    _tell(db, "cancelled", meeting_id, "cancelled", lambda e, board: meeting_messages.cancelled(e.first_name, board))


@moved.subscribe
@job("calendar.tell_moved")
def tell_moved(db: Session, meeting_id: UUID) -> None:
    """The meeting is at another time."""
    _tell(db, "moved", meeting_id, "scheduled", _moved)


@reinstated.subscribe
@job("calendar.tell_reinstated")
def tell_reinstated(db: Session, meeting_id: UUID) -> None:
    """The meeting takes place after all."""
    _tell(db, "reinstated", meeting_id, "scheduled", lambda e, board: meeting_messages.reinstated(e.first_name, board))


@job("calendar.sync", cron="* * * * *", lock="calendar.sync", dry_run=True)
def sync(db: Session) -> None:
    """Each minute: what changed and no mail has told yet is mailed to the calendars it concerns."""
    at = clock.now()
    for meeting_id in each(db, db.scalars(MEETINGS, {"at": at}).all()):
        for user_id in each(db, db.scalars(HAVE_IT, {"meeting": meeting_id}).all()):
            entry = entries.lock(db, meeting_id, user_id, even_suspended=True)
            if entry:
                _mail(db, entry)
        db.execute(DONE, {"meeting": meeting_id, "person": None, "at": at})
    for user_id in each(db, db.scalars(PEOPLE, {"at": at}).all()):
        sync_person(db, user_id, at)


def sync_person(db: Session, user_id: UUID, at: datetime) -> None:
    """Mail what is due to one person's calendar. Of many evenings that were answered at once only the soonest, as many as
    `A_DAY` allows; the others when they are near. Whoever has no access any more has them all taken out at once. Where no mail
    gets through it is tried again a day later.
    """
    if bounces.hard_reason(db, db.scalar(ADDRESS, {"person": user_id}) or "") is not None:
        db.execute(ALL_LATER, {"person": user_id, "at": at, "due": at + entries.AGAIN_AFTER})
        return
    has_access = db.scalar(HAS_ACCESS, {"person": user_id, "at": at})
    changes = CHANGES.all(db, person=user_id, at=at)
    together = Counter(change.noted_at for change in changes)
    for change in changes:
        key = {"meeting": change.meeting_id, "person": user_id, "at": at}
        by_rule = has_access and (change.by_rule or together[change.noted_at] > 1)
        if by_rule and _mailed_today(db, user_id, at) >= A_DAY:
            db.execute(LATER, {**key, "due": max(at + timedelta(days=1), change.starts_at - NEAR)})
            continue
        # First the note, then what is true: an answer that changes meanwhile is noted anew.
        db.execute(DONE, key)
        entry = entries.lock(db, change.meeting_id, user_id, even_suspended=True)
        if entry:
            _mail(db, entry)


def _mailed_today(db: Session, user_id: UUID, at: datetime) -> int:
    zone = _settings().club_timezone
    since = moment_of(at.astimezone(ZoneInfo(zone)).date(), time(0), zone)
    return int(db.scalar(MAILED_TODAY, {"person": user_id, "since": since}) or 0)


def _mail(db: Session, entry: Entry) -> None:
    """The mail that is due to a calendar, if one is."""
    if entry.due is None:
        return
    board = _board(db, entry)
    if entry.due == "CANCEL" and entry.status == "cancelled":
        kind, message = "cancelled", meeting_messages.cancelled(entry.first_name, board)
    elif entry.due == "CANCEL":
        kind, message = "withdrawn", _withdrawn(entry, board)
    elif entry.has_moved:
        kind, message = "moved", _moved(entry, board)
    elif entry.is_mailed and entry.partstat == entry.wanted:
        kind, message = "changed", meeting_messages.changed(entry.first_name, board)
    elif entry.wanted == "ACCEPTED":
        # Who does without calendar mails gets this one only to put right what another mail had put in.
        kind = "confirmed" if entry.wants_mails else "changed"
        message = messages.confirmed(entry.first_name, board, puts_right=not entry.wants_mails)
    else:
        kind, message = "invited", messages.invited(entry.first_name, board)
    # As `_tell` has it, who may come later to somebody out of thousands; other mails nobody writes but this minute.
    told = kind in ("moved", "cancelled")
    occasion = _occasion(kind, entry) if told else f"calendar:{entry.id}:{entry.user_id}:{entry.next_sequence}"
    entries.write(db, kind, entry, message, occasion=occasion)


def _tell(db: Session, kind: str, meeting_id: UUID, status: str, message: Callable[[Entry, Board], Message]) -> None:
    """Mail everybody whom it concerns, if the meeting is still as the mail says."""
    people = [row.id for row in db.execute(affected(meeting_id)).all()]
    for user_id in each(db, people):
        entry = entries.lock(db, meeting_id, user_id)
        if entry and entry.status == status:
            entries.write(db, kind, entry, message(entry, _board(db, entry)), occasion=_occasion(kind, entry))


def _occasion(kind: str, entry: Entry) -> str:
    return f"{kind}:{entry.id}:{entry.revision}:{entry.user_id}"


def _moved(entry: Entry, board: Board) -> Message:
    return meeting_messages.moved(entry.first_name, board, asks_again=entry.is_asked_again)


def _withdrawn(entry: Entry, board: Board) -> Message:
    return messages.withdrawn(entry.first_name, board, said_no=entry.answer == "declined", reason=entry.reason)


def _board(db: Session, entry: Entry) -> Board:
    """The meeting as the person reads it."""
    meeting = db.get_one(Meeting, entry.id, populate_existing=True)
    settings = _settings()
    return Board(meeting, Clock(clock.now(), entry.zone, settings.club_timezone, settings.doors_minutes))


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


@not_delivered.subscribe
@job("calendar.note_not_delivered")
def note_not_delivered(db: Session, mail_id: UUID) -> None:
    """Note that a calendar does not know what a mail said, because that was not delivered."""
    entries.not_delivered(db, db.get_one(Mail, mail_id))


@reply_received.subscribe
@job("calendar.take_reply", lock="reply:{message_id}")
def take_reply(db: Session, message_id: UUID) -> None:
    """A calendar's answer came back by mail."""
    replies.apply(db, message_id)
