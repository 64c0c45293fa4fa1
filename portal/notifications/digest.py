"""The digest: one mail a day or a week that says what is on, what the recipient has not answered and what they come to.

It comes at the hour a person prefers, on their own clock. The database knows no member's clock (docs/decisions/time.md): it
is given, for each zone, which hours of which day have come since the last run.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import clock
from portal.attendance.rsvp import needs_new_answer
from portal.database.query import Query
from portal.database.transactions import keep
from portal.jobs import queue_time
from portal.jobs.runs import Run, noted
from portal.mail import bulk, unsubscribe_url
from portal.mail.composing import Body
from portal.mail.jobs import deliver_waiting
from portal.mail.kinds import KINDS
from portal.mail.models import Mail
from portal.meetings.board import Board, Clock
from portal.meetings.models import Meeting
from portal.notifications import messages
from portal.sentences import ngettext
from portal.times import moment_of, spans, zone_line

RUN = "digest"
"""What its runs are called in the table of runs."""

CATCH_UP = timedelta(hours=6)
"""A digest that is later than this is not sent any more: the worker was down, and the next one comes tomorrow."""

UNCHOSEN, MORNING = time(21), time(9)
"""Whoever left the preferred hour at what every account begins with, the hour of the evenings themselves, reads at nine in
the morning what is on."""


def hour(preferred: time | None) -> time:
    """The hour at which somebody reads what is on, on their own clock; `preferred` is the account's."""
    return MORNING if preferred is None or preferred == UNCHOSEN else preferred


FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)


class Due(NamedTuple):
    """The hours of one day that came in a zone: from one second of the day (included) until another (not included).

    `tomorrow` and `next_week` are the instants until which a digest of a day and of a week looks.
    """

    zone: str
    day: date
    since: int
    until: int
    tomorrow: datetime
    next_week: datetime


class Recipient(NamedTuple):
    """Whom a digest is for; `weekly`: they chose one a week."""

    first_name: str | None
    zone: str
    weekly: bool


class OnFor(NamedTuple):
    """A meeting that is on for somebody, with their answer. `agreed_to` is the start a yes was said to where that was another,
    else None.
    """

    id: UUID
    answer: str
    agreed_to: datetime | None


ZONES = text("select distinct timezone from users where is_active and access_until > :at")
# Ten thousand people after the other, whoever of them is due: a batch reads no more than itself, however many there are.
UPTO = text("select id from users where id > :after order by id offset 9999 limit 1")
# What is on for somebody: meetings they may see and have not said no to.
ON = """
  from meetings m left join meeting_attendances a on a.meeting_id = m.id and a.user_id = {person}
 where m.status = 'scheduled' and m.starts_at > :at and m.starts_at < {until}
   and (not m.is_private or a.id is not null)
   and coalesce(a.answer, 'invited') in ('invited', 'offered', 'accepted', 'waitlisted', 'requested')
   and (a.answer is distinct from 'offered' or a.offer_expires_at > :at)
"""
# Its words are written when it leaves (`compose`). In the order of the people, as everybody writes who writes to many.
WRITE = text(f"""
insert into mails (kind, occasion, user_id, recipient, subject, created_at, due_at)
select 'digest', 'digest:' || u.id || ':' || d.day, u.id, u.email, 'What is on', :at, :due
  from users u
  join unnest(cast(:zones as text[]), cast(:days as date[]), cast(:since as integer[]), cast(:until as integer[]),
              cast(:tomorrow as timestamptz[]), cast(:next_week as timestamptz[]))
       as d (zone, day, since, until, tomorrow, next_week) on d.zone = u.timezone
  left join mail_preferences p on p.user_id = u.id
 cross join lateral (
   select coalesce(p.digest = 'weekly', false) as weekly,
          extract(epoch from case u.preferred_meeting_time when :unchosen then :morning else u.preferred_meeting_time end) as hour) c
 where u.is_active and u.email_verified and u.access_until > :at
   and c.hour >= d.since and c.hour < d.until
   and coalesce(p.digest, 'daily') <> 'never' and (not c.weekly or extract(isodow from d.day) = 1)
   and exists (select {ON.format(person="u.id", until="case when c.weekly then d.next_week else d.tomorrow end")})
   and u.id > :after and u.id <= :upto
 order by u.id
    on conflict (occasion) do nothing
""")  # noqa: S608
RECIPIENT = Query(
    Recipient,
    text("""
select u.first_name, u.timezone as zone, coalesce(p.digest = 'weekly', false) as weekly
  from users u left join mail_preferences p on p.user_id = u.id where u.id = :person
"""),
)
ON_FOR = Query(
    OnFor,
    text(f"""
select m.id, coalesce(a.answer, 'invited') as answer,
       case when a.answer = 'accepted' and a.agreed_to <> m.starts_at then a.agreed_to end as agreed_to
{ON.format(person=":person", until=":until")}
 order by m.starts_at, m.id
"""),
)


def send(db: Session, since: datetime | None = None) -> None:
    """Write the digests whose hour has come since the last run (or since a moment), ten thousand at a time; the run is noted
    with its numbers.

    May be repeated, run twice at once, or be stopped in the middle: each person gets one for each of their days.
    """
    at = clock.now()
    since = since or max(_last(db) or at - CATCH_UP, at - CATCH_UP)
    with noted(db, RUN) as run:
        written = _write_due(db, list(due(db.scalars(ZONES, {"at": at}), since, at)), at)
        run.outcome = ngettext("Wrote %(num)s digest.", "Wrote %(num)s digests.", written)
        run.details = {"written": written, "until": at.isoformat()}


def _last(db: Session) -> datetime | None:
    """Until which moment of the club's clock the last run that came to its end had looked."""
    ended = select(Run.details).where(Run.name == RUN, Run.well.is_(True), Run.details.is_not(None))
    details = db.scalar(ended.order_by(Run.began_at.desc()).limit(1))
    return datetime.fromisoformat(str(details["until"])) if details else None


def due(zones: Iterable[str], since: datetime, at: datetime) -> Iterator[Due]:
    """The hours that clocks have shown after `since` and until `at`, for each zone and day.

    An hour that clocks skip comes when they have; one they show twice comes once for whoever keeps the day's digest once.
    """
    for zone in zones:
        hours: dict[date, list[int]] = {}
        shown: datetime | None = None
        for span in spans(zone, since, at):
            begins, until = (_wall(moment, span.offset) for moment in (span.begins, span.until))
            for day, first, last in _by_day(min(begins, shown or begins), until):
                known = hours.setdefault(day, [first, last])
                hours[day] = [min(known[0], first), max(known[1], last)]
            shown = until
        for day, (first, last) in hours.items():
            local = shown or _wall(at, timedelta(0))
            tomorrow, next_week = (
                moment_of(local.date() + timedelta(days=days), local.time(), zone) for days in (1, 7)
            )
            yield Due(zone, day, first, last, tomorrow, next_week)


def _wall(moment: datetime, offset: timedelta) -> datetime:
    """What clocks so far from UTC show, a second later: hours are due when they have come, the last moment included."""
    return (moment.astimezone(UTC) + offset).replace(tzinfo=None, microsecond=0) + timedelta(seconds=1)


def _by_day(begins: datetime, until: datetime) -> Iterator[tuple[date, int, int]]:
    """A stretch of a wall clock, cut at midnight: each day with its first second and the one after its last."""
    while begins < until:
        midnight = datetime.combine(begins.date() + timedelta(days=1), time())
        ends = min(until, midnight)
        first = int((begins - datetime.combine(begins.date(), time())).total_seconds())
        yield begins.date(), first, first + int((ends - begins).total_seconds())
        begins = ends


def _write_due(db: Session, hours: Sequence[Due], at: datetime) -> int:
    params = {
        "zones": [each.zone for each in hours],
        "days": [each.day for each in hours],
        "since": [each.since for each in hours],
        "until": [each.until for each in hours],
        "tomorrow": [each.tomorrow for each in hours],
        "next_week": [each.next_week for each in hours],
        "unchosen": UNCHOSEN,
        "morning": MORNING,
        "at": at,
    }
    written, after = 0, FIRST
    while after != LAST:
        upto = db.scalar(UPTO, {"after": after}) or LAST
        # Without the option an INSERT counts no rows and answers -1.
        result = db.execute(
            WRITE,
            {"after": after, "upto": upto, "due": queue_time(), **params},
            execution_options={"preserve_rowcount": True},
        )
        written += result.rowcount  # type: ignore[attr-defined]
        keep(db)
        after = upto
    if written:
        deliver_waiting.enqueue(db)
    return written


def compose(db: Session, mail: Mail) -> Body | None:
    """What a digest says, as it is when it leaves: what is on until the same hour tomorrow, or in a week. None if nothing is."""
    recipient = RECIPIENT.one_or_none(db, person=mail.user_id)
    if recipient is None or mail.user_id is None:
        return None
    settings, at = current_app.config["SETTINGS"], clock.now()
    local = at.astimezone(ZoneInfo(recipient.zone))
    until = moment_of(local.date() + timedelta(days=7 if recipient.weekly else 1), local.time(), recipient.zone)
    here = Clock(at, recipient.zone, settings.club_timezone, settings.doors_minutes)
    on = []
    for row in ON_FOR.all(db, person=mail.user_id, at=at, until=until):
        meeting = db.get_one(Meeting, row.id)
        asks_again = row.agreed_to and needs_new_answer(row.agreed_to, meeting.starts_at, meeting.timezone)
        on.append((Board(meeting, here), "asked-again" if asks_again else row.answer))
    if not on:
        return None
    name = recipient.first_name or "there"
    message, parts = messages.digest(settings.club_name, name, on, weekly=recipient.weekly)
    return bulk.body(
        "digest",
        message,
        "digest",
        parts=parts,
        zone_line=zone_line(recipient.zone, settings.club_timezone, at, on[-1][0].starts_at),
        stop=unsubscribe_url(mail.user_id, KINDS["digest"]),
    )


def why_not(_db: Session, mail: Mail) -> str | None:
    """Why a digest that waited in the outbox is not true any more, for admins; None if it is."""
    return "It was late by half a day." if mail.created_at < clock.now() - timedelta(hours=12) else None
