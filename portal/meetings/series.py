"""Series: a rule that holds meetings five weeks ahead, and an admin's verbs for it. None of them commits.

The database says on which days a series is held and makes its meetings (`extend_series`); at which instant each begins is
derived here, as of every meeting.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb
from sqlalchemy import Executable, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import audit, clock, live
from portal.database import broken_rule
from portal.meetings import actions, waitlist
from portal.meetings.actions import ChangedMeanwhile, NotInThePast, host_of
from portal.meetings.events import cancelled, moved
from portal.meetings.models import Meeting, MeetingSeries
from portal.meetings.repeats import clocks_note
from portal.problems import Refused
from portal.times import moment_of

AHEAD_DAYS = 35
"""How far ahead meetings are made."""
FARTHEST_DAYS = 3700
"""A rule whose next day is farther off than this has none."""

# Whoever makes or moves meetings of series waits here, before looking what there is.
LOCK_SERIES = text("select pg_advisory_xact_lock(hashtext('meeting_series'))")
MISSING = text("""
select s.id, s.start_time, s.timezone, day
  from meeting_series s cross join lateral series_dates(s, :first, :last) day
 where (cast(:series as uuid) is null or s.id = :series)
   and not exists (select from meetings m where m.series_id = s.id and m.series_date = day)
""")
EXTEND = text("select extend_series(:starts)")
PLANNED_DAYS = text("""
select distinct series_date from meetings
 where series_id = :series and series_date >= :from_day and status = 'scheduled' and starts_at > :at
""")
FOLLOW = text("select meeting, became from follow_series(:series, :following, :from_day, :why, :starts)")
IS_HELD = text("""
select exists (select from meeting_series s cross join lateral series_dates(s, :day, :day) where s.id = :series)
""")
NEXT_DAYS = text("""
with rule as (select jsonb_populate_record(null::meeting_series, :rule) as s)
select day
  from rule cross join lateral series_dates(rule.s, cast(:first as date), cast(:first as date) + cast(:days as integer)) day
 order by day limit :most
""")


class NoDays(Refused):
    """With this rule it would never be held. Look at the days and the dates again."""


class NotOneOfItsDays(Refused):
    """It is not held on that day."""


class DailyAlready(Refused):
    """The club has a daily meeting in that time already. Stop that one first."""


@dataclass(frozen=True)
class SeriesPlan:
    """What an admin decides about a series. `start_time` is wall time in `timezone`; `duration` minutes; `weekdays`
    count from Monday, 1. In a change, `starts_on` is the day from which it holds.
    """

    title: str
    repeats: str
    start_time: time
    timezone: str
    starts_on: date
    ends_on: date | None = None
    weekdays: tuple[int, ...] = ()
    month_day: int | None = None
    month_week: int | None = None
    duration: int = 60
    description: str | None = None
    platform: str = "google-meet"
    max_attendees: int | None = 50
    requires_approval: bool = False
    is_private: bool = False
    only_if_free: bool = False

    def row(self) -> dict[str, object]:
        """The columns of a row of `meeting_series`."""
        return {**asdict(self), "weekdays": list(self.weekdays)}


class Day(NamedTuple):
    """One day of a series: when it starts there, and a note when the clocks are in the way."""

    day: date
    starts: datetime
    note: str


def start(db: Session, what: SeriesPlan, host_email: str | None = None, created_by: UUID | None = None) -> UUID:
    """Put a series on the programme, with its meetings of the next five weeks. Raises Refused."""
    if not next_days(db, what, most=1):
        raise NoDays
    series_id = _insert(db, what, host_of(db, host_email), created_by)
    extend(db, series_id)
    _note(db, "series.planned", f"Planned {what.title}, again and again", series_id)
    return series_id


def change(db: Session, series: MeetingSeries, what: SeriesPlan, host_email: str | None = None, *, seen: int) -> UUID:
    """Change a series from `what.starts_on` on; what came before stays as it was, as the series it was.

    Meetings ahead that were not changed on their own follow with their answers; those who hold a place are told of a
    new hour, or that theirs is called off. `seen` is the revision the admin had before them. Answers with the series
    that holds from that day on. Raises Refused.
    """
    host_id, skipped = host_of(db, host_email), [day for day in series.skipped if day >= what.starts_on]
    if what.starts_on < today(what.timezone):
        raise NotInThePast("The past stays as it was. Choose today or a later day.")
    if not next_days(db, what, most=1, skipped=skipped):
        raise NoDays
    earlier = select(Meeting.id).where(Meeting.series_id == series.id, Meeting.series_date < what.starts_on)
    if db.scalar(earlier.limit(1)) is None:
        following: UUID = series.id
        _update(db, series.id, seen, **what.row(), host_id=host_id, skipped=skipped)
    else:
        last = what.starts_on - timedelta(days=1)
        _update(db, series.id, seen, ends_on=min(last, series.ends_on or last))
        following = _insert(db, what, host_id, series.created_by, skipped=skipped)
    _follow(db, series.id, following, what.starts_on, "It is held on other days from now on.")
    extend(db, following)
    _note(db, "series.changed", f"Changed {what.title} from {what.starts_on} on", following, before=str(series.id))
    return following


def stop(db: Session, series: MeetingSeries, last_day: date, reason: str) -> None:
    """Let `last_day` be the last it may be held on. What is planned after it and was not changed on its own is called
    off; the past is left alone. Raises Refused.
    """
    if last_day < today(series.timezone) - timedelta(days=1):
        raise NotInThePast("The past stays as it was. Choose yesterday, to end it now, or a later day.")
    _update(db, series.id, series.revision, ends_on=max(last_day, series.starts_on - timedelta(days=1)))
    _follow(db, series.id, series.id, last_day + timedelta(days=1), reason)
    extend(db, series.id)
    _note(db, "series.stopped", f"{series.title} ends after {last_day}", series.id, reason=reason)


def skip(db: Session, series: MeetingSeries, day: date, reason: str) -> None:
    """Do not hold it on one of its days. A meeting that is planned for it is called off. Raises Refused."""
    if day < today(series.timezone):
        raise NotInThePast("That day is over.")
    if not db.execute(IS_HELD, {"series": series.id, "day": day}).scalar_one():
        raise NotOneOfItsDays
    _update(db, series.id, series.revision, skipped=func.array_append(MeetingSeries.skipped, day))
    planned = _meeting_of(db, series.id, day)
    if planned is not None and planned.status == "scheduled":
        actions.cancel(db, planned, reason)
    _note(db, "series.skipped", f"{series.title} is not held on {day}", series.id, reason=reason)


def unskip(db: Session, series: MeetingSeries, day: date) -> None:
    """Take a skipped day back; if a meeting was called off for it, that one takes place. Raises Refused."""
    if day < today(series.timezone):
        raise NotInThePast("That day is over.")
    _update(db, series.id, series.revision, skipped=func.array_remove(MeetingSeries.skipped, day))
    planned = _meeting_of(db, series.id, day)
    if planned is not None and planned.status == "cancelled":
        actions.reinstate(db, planned)
    extend(db, series.id)
    _note(db, "series.held", f"{series.title} is held on {day} after all", series.id)


def extend(db: Session, series_id: UUID | None = None) -> int:
    """Make what is missing of the next five weeks, of one series or of all; how many meetings that were."""
    db.execute(LOCK_SERIES)
    day, now = timedelta(days=1), clock.now()  # a day more on each side: it is yesterday or tomorrow already somewhere
    params = {"series": series_id, "first": now.date() - day, "last": now.date() + day * (AHEAD_DAYS + 1)}
    starts = [
        _start_of(row.day, row.start_time, row.timezone) | {"series": str(row.id)}
        for row in db.execute(MISSING, params)
        if row.day - today(row.timezone) <= day * AHEAD_DAYS and moment_of(row.day, row.start_time, row.timezone) > now
    ]
    return db.execute(EXTEND, {"starts": Jsonb(starts)}).scalar_one() if starts else 0


def next_days(db: Session, what: SeriesPlan | MeetingSeries, most: int = 5, skipped: Sequence[date] = ()) -> list[Day]:
    """The next days of a series that is planned, or only thought of."""
    row = what.row() | {"skipped": skipped} if isinstance(what, SeriesPlan) else _row(what)
    wall, zone = what.start_time, what.timezone
    params = {
        "rule": Jsonb({name: _plain(value) for name, value in row.items()}),
        "first": today(zone),
        "days": FARTHEST_DAYS,
        "most": most + 1,  # today's may have begun
    }
    ahead = [day for day in db.scalars(NEXT_DAYS, params) if moment_of(day, wall, zone) > clock.now()]
    return [
        Day(day, moment_of(day, wall, zone).astimezone(ZoneInfo(zone)), clocks_note(day, wall, zone))
        for day in ahead[:most]
    ]


def last_of(db: Session, what: SeriesPlan, times: int) -> date:
    """The day it is held for the last time if it is held so often. Raises NoDays."""
    days = next_days(db, what, most=times)
    if not days:
        raise NoDays
    return days[-1].day


def today(zone: str) -> date:
    """The day it is in a zone."""
    return clock.now().astimezone(ZoneInfo(zone)).date()


def _insert(
    db: Session, what: SeriesPlan, host_id: UUID | None, created_by: UUID | None, skipped: list[date] | None = None
) -> UUID:
    series_id = uuid4()
    values = {**what.row(), "id": series_id, "host_id": host_id, "created_by": created_by, "skipped": skipped or []}
    _written(db, insert(MeetingSeries).values(values))
    return series_id


def _update(db: Session, series_id: UUID, seen: int, **values: object) -> None:
    changed = update(MeetingSeries).where(MeetingSeries.id == series_id, MeetingSeries.revision == seen)
    if not _written(db, changed.values(revision=seen + 1, **values)):
        raise ChangedMeanwhile


def _written(db: Session, statement: Executable) -> int:
    """How many rows it wrote. Raises DailyAlready."""
    try:
        answer = db.execute(statement, execution_options={"synchronize_session": False})
        return int(answer.rowcount)  # type: ignore[attr-defined]
    except IntegrityError as refusal:
        if broken_rule(refusal) == "one_daily_meeting":
            raise DailyAlready from refusal
        raise


def _follow(db: Session, series_id: UUID, following: UUID, from_day: date, why: str) -> None:
    db.execute(LOCK_SERIES)
    what = db.execute(
        select(MeetingSeries.start_time, MeetingSeries.timezone).where(MeetingSeries.id == following)
    ).one()
    days = db.scalars(PLANNED_DAYS, {"series": series_id, "from_day": from_day, "at": clock.now()})
    starts = Jsonb([_start_of(day, what.start_time, what.timezone) for day in days])
    params = {"series": series_id, "following": following, "from_day": from_day, "why": why, "starts": starts}
    for meeting_id, became in db.execute(FOLLOW, params).all():
        if became == "moved":
            moved.publish(db, meeting_id=meeting_id)
        elif became == "cancelled":
            cancelled.publish(db, meeting_id=meeting_id)
        if became in ("kept", "moved"):
            waitlist.advance(db, meeting_id)
        else:
            live.announce(db, meeting_id)


def _start_of(day: date, wall: time, zone: str) -> dict[str, str]:
    """When a series is held on one of its days: the instant, what the clocks show then, and the bounds of that day."""
    begins = moment_of(day, wall, zone)
    return {
        "day": str(day),
        "starts_at": str(begins),
        "wall": str(begins.astimezone(ZoneInfo(zone)).replace(tzinfo=None)),
        "day_begins": str(moment_of(day, time(0), zone)),
        "day_ends": str(moment_of(day + timedelta(days=1), time(0), zone)),
    }


def _meeting_of(db: Session, series_id: UUID, day: date) -> Meeting | None:
    return db.scalars(select(Meeting).where(Meeting.series_id == series_id, Meeting.series_date == day)).one_or_none()


def _row(series: MeetingSeries) -> dict[str, object]:
    return {column.key: getattr(series, column.key) for column in MeetingSeries.__table__.columns}


def _plain(value: object) -> object:
    """The value in a type that JSON has."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, int) else str(value)


def _note(db: Session, operation: str, message: str, series_id: UUID, **details: Any) -> None:  # handed on as they are
    audit.record(db, operation, message, category="meeting", series=str(series_id), **details)
