"""Reminders: so many minutes before a meeting begins, to whoever said yes or holds an offer, if they want one.

A reminder belongs to the start it was written for: a meeting that is moved is reminded of anew. Times are instants; the hour
before a start is an hour on every clock.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import clock
from portal.attendance.models import Attendance
from portal.attendance.rsvp import needs_new_answer
from portal.database.query import Query
from portal.database.transactions import keep
from portal.mail import Message, bulk
from portal.mail.models import Mail
from portal.meetings.board import Board, Clock
from portal.meetings.models import Meeting
from portal.notifications import messages

FIRST = UUID(int=0)


class DueReminder(NamedTuple):
    """Somebody to be reminded of a meeting; `minutes` before its start the reminder was due.
    `agreed_to` is the start they said yes to, `timezone` the meeting's.
    """

    meeting_id: UUID
    starts_at: datetime
    user_id: UUID
    email: str
    first_name: str | None
    zone: str
    answer: str
    agreed_to: datetime | None
    timezone: str
    minutes: int


class Latecomer(NamedTuple):
    """Somebody who got access while a meeting runs that everybody was invited to before."""

    meeting_id: UUID
    user_id: UUID
    email: str
    first_name: str | None
    zone: str


Due = TypeVar("Due", DueReminder, Latecomer)

# Of the marks that have passed only the nearest to the start counts, and only for who had answered before it: a worker that
# was down reminds once, late, and whoever says yes after a mark needs no reminder of it. When an offer was made is not
# kept, but an offer holds twelve hours at most (promote.sql).
DUE = Query(
    DueReminder,
    text(f"""
select m.id as meeting_id, m.starts_at, u.id as user_id, u.email, u.first_name, u.timezone as zone, a.answer, a.agreed_to,
       m.timezone, mark.minutes
  from meetings m
  join meeting_attendances a on a.meeting_id = m.id and a.answer in ('accepted', 'offered')
  join users u on u.id = a.user_id
  left join mail_preferences p on p.user_id = u.id
 cross join lateral (
   select min(chosen) as minutes from unnest(coalesce(p.reminders, '{{60}}')) chosen
    where m.starts_at - make_interval(mins => chosen) <= :at) mark
 where m.status = 'scheduled' and m.starts_at > :at and m.starts_at <= :at + interval '1 day'
   and u.is_active and u.email_verified and u.access_until > :at
   and (a.answer = 'accepted' or a.offer_expires_at > :at)
   and greatest(coalesce(a.responded_at, a.invited_at), a.offer_expires_at - interval '12 hours')
       <= m.starts_at - make_interval(mins => mark.minutes)
   and not exists (select from mails o where o.occasion = concat(
         'reminder:', m.id, ':', extract(epoch from m.starts_at)::bigint, ':', mark.minutes, ':', u.id))
   and (u.id, m.id) > (:after_user, :after_meeting)
 order by u.id, m.id limit {bulk.BATCH}
"""),  # noqa: S608
)
LATECOMERS = Query(
    Latecomer,
    text(f"""
select m.id as meeting_id, u.id as user_id, u.email, u.first_name, u.timezone as zone
  from meetings m
  join meeting_attendances a on a.meeting_id = m.id
  join users u on u.id = a.user_id
 where m.status in ('scheduled', 'active') and not m.is_private and m.starts_at <= :at and m.ends_at > :at
   and m.starts_at > :at - interval '1 day' and m.everybody_invited_at <= m.starts_at
   and a.is_general and a.answer = 'invited' and a.joined_at is null and a.invited_at > m.starts_at
   and u.is_active and u.email_verified and u.access_until > :at
   and not exists (select from mails o where o.occasion = concat('starting:', m.id, ':', u.id))
   and (u.id, m.id) > (:after_user, :after_meeting)
 order by u.id, m.id limit {bulk.BATCH}
"""),  # noqa: S608
)


def remind(db: Session) -> int:
    """Write the reminders that are due; how many. Repeated or run twice at once, each is written once."""

    def address(row: DueReminder) -> tuple[Callable[[Board], Message], str]:
        occasion = f"reminder:{row.meeting_id}:{row.starts_at.timestamp():.0f}:{row.minutes}:{row.user_id}"
        if row.answer == "offered":
            return messages.reminder_of_offer, occasion
        asks_again = needs_new_answer(row.agreed_to, row.starts_at, row.timezone)
        return (messages.reminder_to_answer_again if asks_again else messages.reminder), occasion

    return _write_all(db, "reminder", DUE, address)


def welcome_latecomers(db: Session) -> int:
    """Tell whoever got access while a meeting runs that it is on and they can come in; how many."""
    return _write_all(
        db, "starting", LATECOMERS, lambda row: (messages.starting, f"starting:{row.meeting_id}:{row.user_id}")
    )


def _write_all(
    db: Session, kind: str, due: Query[Due], address: Callable[[Due], tuple[Callable[[Board], Message], str]]
) -> int:
    """Write a mail to everybody whom a query finds, a batch at a time, each kept before the next; how many are new."""
    settings, at = current_app.config["SETTINGS"], clock.now()
    written, user, meeting = 0, FIRST, FIRST
    while rows := due.all(db, at=at, after_user=user, after_meeting=meeting):
        texts: dict[tuple[UUID, str, Callable[[Board], Message]], int] = {}
        people = []
        for row in rows:
            message, occasion = address(row)
            number = texts.setdefault((row.meeting_id, row.zone, message), len(texts))
            people.append(bulk.Addressed(row.user_id, row.email, row.first_name, number, occasion, row.meeting_id))
        bodies = []
        for meeting_id, zone, message in texts:
            here = Clock(at, zone, settings.club_timezone, settings.doors_minutes)
            bodies.append(bulk.body(kind, message(Board(db.get_one(Meeting, meeting_id), here))))
        written += bulk.write(db, kind, bodies, people)
        keep(db)
        user, meeting = rows[-1].user_id, rows[-1].meeting_id
    return written


def why_not(db: Session, mail: Mail) -> str | None:
    """Why a reminder that waited in the outbox is not true any more, for admins; None if it is."""
    meeting = db.get(Meeting, mail.meeting_id) if mail.meeting_id else None
    if meeting is None or meeting.status == "cancelled":
        return "The meeting does not take place."
    if meeting.starts_at <= clock.now():
        return "The meeting had begun before it could be sent."
    if mail.occasion and mail.occasion.split(":")[2] != f"{meeting.starts_at.timestamp():.0f}":
        return "The meeting was moved; there is another reminder for its new time."
    answer = _answer(db, mail)
    return None if answer in ("accepted", "offered") else "They have no place any more."


def why_not_starting(db: Session, mail: Mail) -> str | None:
    """The same for the mail to whoever got access while the meeting runs."""
    meeting = db.get(Meeting, mail.meeting_id) if mail.meeting_id else None
    if meeting is None or meeting.status not in ("scheduled", "active") or meeting.ends_at <= clock.now():
        return "The meeting was over before it could be sent."
    return "They said that they do not come." if _answer(db, mail) == "declined" else None


def _answer(db: Session, mail: Mail) -> str | None:
    mine = (Attendance.meeting_id == mail.meeting_id) & (Attendance.user_id == mail.user_id)
    return db.scalar(select(Attendance.answer).where(mine))
