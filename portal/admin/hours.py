"""Which hours suit the club: what members prefer on their own clocks, and how many came, by weekday and hour of the club."""

from collections import Counter, defaultdict
from datetime import datetime, time, timedelta
from statistics import mean
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal import clock
from portal.access import admin
from portal.database import db
from portal.database.query import Query
from portal.times import moment_of
from portal.web import page

LATELY = timedelta(days=90)
SHADES = 4
"""So many tints a figure of the table may have; the darkest is the highest of its kind."""


class Preference(NamedTuple):
    """How many people with access prefer this hour, on the clocks of this zone."""

    timezone: str
    hour: time
    people: int


class Held(NamedTuple):
    """A meeting that was held, and how many came."""

    starts_at: datetime
    attendee_count: int


class Cell(NamedTuple):
    """A figure of the table and how dark it is, from 0 for nothing."""

    figure: int | None
    shade: int


PREFERENCES = Query(
    Preference,
    text("""
select timezone, preferred_meeting_time as hour, count(*) as people from users
 where access_until > :at and is_active group by timezone, preferred_meeting_time
"""),
)
HELD = Query(
    Held,
    text("""
select starts_at, attendee_count from meetings
 where starts_at > :since and starts_at <= :at and attendance_record in ('provisional', 'final')
"""),
)


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/meetings/hours", "hours", hours)


@admin
def hours() -> ResponseReturnValue:
    """Which hours of the club's clock suit its members."""
    at, zone = clock.now(), ZoneInfo(current_app.config["SETTINGS"].club_timezone)
    preferred = _preferred(at, zone)
    came = _came(at, zone)
    seen = sorted({*preferred, *(hour for hour, _day in came)})
    most_preferred, most_came = max(preferred.values(), default=0), max(came.values(), default=0)
    return page(
        "admin/hours.html",
        rows=[
            (
                f"{hour:02}:00",
                _cell(preferred.get(hour), most_preferred),
                [_cell(came.get((hour, day)), most_came) for day in range(7)],
            )
            for hour in (range(seen[0], seen[-1] + 1) if seen else ())
        ],
        best=f"{max(preferred, key=lambda hour: preferred[hour]):02}:00" if preferred else "",
        most=most_preferred,
        people=sum(preferred.values()),
    )


def _preferred(at: datetime, zone: ZoneInfo) -> Counter[int]:
    """How many prefer each hour of the club's clock, as everybody's clocks stand today."""
    found: Counter[int] = Counter()
    for row in PREFERENCES.all(db.session(), at=at):
        today = at.astimezone(ZoneInfo(row.timezone)).date()
        found[moment_of(today, row.hour, row.timezone).astimezone(zone).hour] += row.people
    return found


def _came(at: datetime, zone: ZoneInfo) -> dict[tuple[int, int], int]:
    """How many came on average, by hour and weekday (0 for Monday) of the club's clock."""
    counts = defaultdict(list)
    for row in HELD.all(db.session(), at=at, since=at - LATELY):
        started = row.starts_at.astimezone(zone)
        counts[started.hour, started.weekday()].append(row.attendee_count)
    return {when: round(mean(each)) for when, each in counts.items()}


def _cell(figure: int | None, most: int) -> Cell:
    return Cell(figure, -(-figure * SHADES // most) if figure and most else 0)
