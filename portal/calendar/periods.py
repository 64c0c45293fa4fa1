"""A month or a week on a viewer's wall clock: its days, what is before and after it, and the moments it begins and ends."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

from portal.times import city, day_long, moment_of, month_in_words, span, spans

DAY, WEEK = timedelta(days=1), timedelta(days=7)
YEARS = range(2000, 2100)
"""The years a calendar is turned to; an address that asks for another gets the present."""

CLOCKS_GO = {True: "The clocks in {city} go forward on {day}.", False: "The clocks in {city} go back on {day}."}


class Period(NamedTuple):
    """Days in a row, from `first` to the day before `after`. A week begins on Monday."""

    kind: Literal["month", "week"]
    first: date
    after: date

    @property
    def key(self) -> str:
        """What names it in an address: 2026-12 for a month, the Monday for a week."""
        return f"{self.first:%Y-%m}" if self.kind == "month" else self.first.isoformat()

    @property
    def name(self) -> str:
        """December 2026; 7 to 13 December 2026."""
        last = self.after - DAY
        return month_in_words(self.first) if self.kind == "month" else f"{span(self.first, last)} {last.year}"

    @property
    def previous(self) -> "Period":
        """The month or week before it."""
        return month_of(self.first - DAY) if self.kind == "month" else week_of(self.first - WEEK)

    @property
    def following(self) -> "Period":
        """The month or week after it."""
        return month_of(self.after) if self.kind == "month" else week_of(self.after)

    def weeks(self) -> Iterator[list[date | None]]:
        """Its days from Monday to Sunday, week by week; None for a day of another month."""
        monday = week_of(self.first).first
        while monday < self.after:
            days = (monday + DAY * n for n in range(7))
            yield [day if self.first <= day < self.after else None for day in days]
            monday += WEEK

    def bounds(self, zone: str) -> tuple[datetime, datetime]:
        """The moments, in UTC, at which it begins and ends in `zone`; where midnight is skipped, the first after it."""
        return moment_of(self.first, time(), zone), moment_of(self.after, time(), zone)

    def clocks_note(self, zone: str) -> str:
        """A sentence for when the clocks of `zone` change in it; empty if they do not."""
        before, *changed = spans(zone, *self.bounds(zone))
        if not changed:
            return ""
        after = changed[0]
        # The local day of the last moment before: clocks that change at midnight change that night.
        day = (after.begins + before.offset - timedelta(seconds=1)).date()
        return CLOCKS_GO[after.offset > before.offset].format(city=city(zone), day=day_long(day))


def month_of(day: date) -> Period:
    """The month a day is in."""
    first = day.replace(day=1)
    return Period("month", first, (first + timedelta(days=31)).replace(day=1))


def week_of(day: date) -> Period:
    """The week a day is in."""
    monday = day - DAY * day.weekday()
    return Period("week", monday, monday + WEEK)


def month_in(words: str, today: date) -> Period:
    """The month an address names, like 2026-12; the present one for anything else."""
    return month_of(_day(f"{words}-01") or today)


def week_in(words: str, today: date) -> Period:
    """The week of the day an address names, like 2026-12-07; the present one for anything else."""
    return week_of(_day(words) or today)


def _day(words: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", words, re.ASCII) or int(words[:4]) not in YEARS:
        return None
    try:
        return date.fromisoformat(words)
    except ValueError:
        return None
