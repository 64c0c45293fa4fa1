"""Standing answers: a person's rules, each of which answers many meetings, and how meetings follow them.

People write and end their rules themselves; the worker lets the meetings follow, one at a time, each in a transaction of its
own. What a rule answers is an answer like any other (`follow_rules` in sql/). docs/decisions/standing-answers.md says why it
is so.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb
from sqlalchemy import case, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import audit, clock, live
from portal.attendance.events import places_requested, rules_changed
from portal.attendance.models import StandingAnswer
from portal.database.query import Command, Query
from portal.database.transactions import each, in_batches
from portal.meetings.waitlist import tell_offers
from portal.problems import Refused
from portal.times import moment_of

HORIZON = timedelta(days=60)
"""Meetings farther ahead follow no rule yet."""
AGAIN_AFTER = timedelta(hours=1)
"""So often every meeting ahead is looked at, for whoever has access again, moved to another zone, or is back."""
BATCH = 2000
"""Answers of one meeting between two commits: no longer does anybody wait who answers it by hand."""
MOST = 50
"""Rules of one person."""


class Rule(NamedTuple):
    """A rule as its person reads it: `title` is the series' (None if it is not theirs to see), `weekday` counts from Monday, 1;
    `answers` are the meetings ahead that it answered.
    """

    id: UUID
    kind: str
    weekday: int | None
    title: str | None
    response: str
    starts_at: datetime
    ends_at: datetime | None
    is_pending: bool
    answers: int


class OwnAnswer(NamedTuple):
    """A meeting in days of being away that the person answered with a yes, or waits for."""

    id: UUID
    title: str
    starts_at: datetime
    answer: str


class SeriesChoice(NamedTuple):
    """A series with meetings ahead that the current user may see, and how it repeats."""

    id: UUID
    title: str
    repeats: str
    weekdays: list[int]
    month_day: int | None
    month_week: int | None


class MeetingAhead(NamedTuple):
    """A meeting that is to follow rules."""

    id: UUID
    starts_at: datetime


class Followed(NamedTuple):
    """Who was answered for, who was offered a place because of it, and whether anybody asks the host for a place now."""

    answered: list[UUID]
    offered: list[UUID] | None
    requested: bool


class Person(NamedTuple):
    """Somebody whose rules changed."""

    id: UUID


class Zone(NamedTuple):
    """A zone people with rules live in."""

    name: str


RULES = Query(
    Rule,
    text("""
select s.id, s.kind, s.weekday, m.title, s.response, s.starts_at, s.ends_at, s.followed_at is null as is_pending,
       (select count(*) from meeting_attendances a join meetings x on x.id = a.meeting_id
         where a.standing_answer_id = s.id and x.starts_at > :at) as answers
  from standing_answers s left join meeting_series m on m.id = s.series_id
 where s.user_id = (select auth.uid()) and s.ended_at is null
 order by s.kind, s.weekday, m.title, s.starts_at, s.id
"""),
)
OWN_ANSWERS = Query(
    OwnAnswer,
    text("""
select m.id, m.title, m.starts_at, a.answer
  from meeting_attendances a join meetings m on m.id = a.meeting_id
 where a.user_id = (select auth.uid()) and a.standing_answer_id is null and m.status = 'scheduled' and m.starts_at > :at
   and a.answer in ('accepted', 'offered', 'waitlisted', 'requested')
   and exists (select from standing_answers s
                where s.user_id = a.user_id and s.kind = 'away' and s.ended_at is null
                  and s.starts_at <= m.starts_at and (s.ends_at is null or s.ends_at > m.starts_at))
 order by m.starts_at, m.id limit 50
"""),
)
SERIES = Query(
    SeriesChoice,
    text("""
select s.id, s.title, s.repeats, s.weekdays, s.month_day, s.month_week from meeting_series s
 where exists (select from meetings m where m.series_id = s.id and m.status = 'scheduled' and m.starts_at > :at)
 order by s.title, s.id limit 200
"""),
)
DUE = Query(
    MeetingAhead,
    text("""
select m.id, m.starts_at from meetings m left join rules_followed f on f.meeting_id = m.id
 where m.status = 'scheduled' and m.starts_at > :at and m.starts_at < :horizon
   and (f.followed_at is null or f.followed_at <= :before
        or (m.waiting_count > 0 and (m.max_attendees is null or m.seats_taken < m.max_attendees)))
 order by m.starts_at, m.id
"""),
)
AHEAD = Query(
    MeetingAhead,
    text("""
select m.id, m.starts_at from meetings m
 where m.status = 'scheduled' and m.starts_at > :at and m.starts_at < :horizon order by m.starts_at, m.id
"""),
)
CHANGED = Query(
    Person,
    text("""
select user_id as id from standing_answers where followed_at is null or ended_at is not null
 group by user_id order by min(created_at), user_id
"""),
)
ZONES = Query(
    Zone,
    text("""
select distinct u.timezone as name from standing_answers s join users u on u.id = s.user_id where s.weekday is not null
"""),
)
FOLLOW = Query(
    Followed, text("select answered, offered, requested from follow_rules(:meeting, :weekdays, :person, :at_most)")
)
NOTE_FOLLOWED = Command(
    text("""
insert into rules_followed (meeting_id, followed_at) values (:meeting, :at)
    on conflict on constraint pk_rules_followed do update set followed_at = excluded.followed_at
""")
)
# As they are when the meetings begin to follow: what is written or ended meanwhile is the next run's.
OF_PERSON = text("select id, ended_at is not null as has_ended from standing_answers where user_id = :person")
NOW_FOLLOWED = text("update standing_answers set followed_at = :at where id = any (:rules)")
DROP = text("delete from standing_answers where id = any (:rules)")


class EndsBeforeItBegins(Refused):
    """The last day is before the first."""


class IsOver(Refused):
    """That day is over. Choose today or a later one."""


class TooMany(Refused):
    """You have as many rules as one person can have. End one first."""


@dataclass(frozen=True)
class NewRule:
    """What a person writes. Both days count, in `zone`; without the first it is from now on, without the last until they end
    it. `response` of a rule for being away is `declined`.
    """

    kind: str
    response: str
    zone: str
    weekday: int | None = None
    series_id: UUID | None = None
    first_day: date | None = None
    last_day: date | None = None


def add(db: Session, person: UUID, what: NewRule) -> None:
    """Write a rule of the signed-in person; the meetings ahead follow it soon. One for the same weekday or series is replaced.

    Raises EndsBeforeItBegins, IsOver, TooMany.
    """
    now = clock.now()
    starts = moment_of(what.first_day, time(0), what.zone) if what.first_day else now
    ends = moment_of(what.last_day + timedelta(days=1), time(0), what.zone) if what.last_day else None
    if ends is not None and ends <= now:
        raise IsOver
    if ends is not None and ends <= starts:
        raise EndsBeforeItBegins
    if len(RULES.all(db, at=now)) >= MOST:
        raise TooMany
    rule = insert(StandingAnswer).values(
        user_id=person,
        kind=what.kind,
        weekday=what.weekday,
        series_id=what.series_id,
        response=what.response,
        starts_at=starts,
        ends_at=ends,
        created_at=now,
    )
    new = rule.excluded
    db.execute(
        rule.on_conflict_do_update(
            index_elements=["user_id", "series_id" if what.kind == "series" else "weekday"],
            index_where=StandingAnswer.ended_at.is_(None),
            set_={
                "response": new.response,
                "starts_at": new.starts_at,
                "ends_at": new.ends_at,
                "created_at": case(
                    (StandingAnswer.response == new.response, StandingAnswer.created_at), else_=new.created_at
                ),
                "followed_at": None,
            },
        )
    )
    audit.record(db, "rule.written", f"Wrote a rule: {what.kind}, {what.response}", category="meeting")
    rules_changed.publish(db, user_id=person)


def end(db: Session, person: UUID, rule_id: UUID, *, keeps_answers: bool) -> bool:
    """End a rule of the signed-in person. What it answered stays as their own, or is taken back soon. False if there is none."""
    ended = (
        update(StandingAnswer)
        .where(StandingAnswer.id == rule_id, StandingAnswer.user_id == person, StandingAnswer.ended_at.is_(None))
        .values(ended_at=func.club_now(), keeps_answers=keeps_answers)
    )
    if db.scalar(ended.returning(StandingAnswer.id), execution_options={"synchronize_session": False}) is None:
        return False
    operation, message = ("rule.ended", "Ended a rule") if keeps_answers else ("rule.undone", "Undid a rule")
    audit.record(db, operation, message, category="meeting")
    rules_changed.publish(db, user_id=person)
    return True


def follow_all(db: Session) -> None:
    """Let the meetings ahead follow: those that are new, and each again every hour; and what people changed meanwhile."""
    for person in each(db, CHANGED.all(db)):
        follow_person(db, person.id)
    now = clock.now()
    zones = [zone.name for zone in ZONES.all(db)]
    due = DUE.all(db, at=now, horizon=now + HORIZON, before=now - AGAIN_AFTER)
    for meeting in each(db, due):
        _follow(db, meeting, zones)
        NOTE_FOLLOWED.do(db, meeting=meeting.id, at=now)


def follow_person(db: Session, person: UUID) -> None:
    """Let the meetings ahead follow one person's rules; those that ended go."""
    rules = db.execute(OF_PERSON, {"person": person}).all()
    if not rules:
        return
    now = clock.now()
    zones = [zone.name for zone in ZONES.all(db)]
    for meeting in each(db, AHEAD.all(db, at=now, horizon=now + HORIZON)):
        _follow(db, meeting, zones, person)
    db.execute(DROP, {"rules": [rule.id for rule in rules if rule.has_ended]})
    db.execute(NOW_FOLLOWED, {"rules": [rule.id for rule in rules if not rule.has_ended], "at": now})


def _follow(db: Session, meeting: MeetingAhead, zones: list[str], person: UUID | None = None) -> None:
    weekdays = Jsonb({zone: meeting.starts_at.astimezone(ZoneInfo(zone)).isoweekday() for zone in zones})

    def batch() -> int:
        result = FOLLOW.one_or_none(db, meeting=meeting.id, weekdays=weekdays, person=person, at_most=BATCH)
        if result is None:
            return 0
        if result.requested:
            places_requested.publish(db, meeting_id=meeting.id)
        if result.answered or result.offered:
            tell_offers(db, meeting.id, result.offered)
            live.announce(db, meeting.id)
        if result.answered:
            message = f"Rules gave {len(result.answered)} answers"
            audit.record(db, "rules.followed", message, category="cron", meeting_id=meeting.id, subject_id=person)
        return len(result.answered)

    in_batches(db, batch)
