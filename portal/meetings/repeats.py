"""How a series repeats, in words: Every Tuesday and Thursday."""

from datetime import date, time
from typing import TYPE_CHECKING

from portal.meetings.models import MeetingSeries
from portal.meetings.rows import Rule
from portal.times import DAYS, city, date_in_words, instant, next_wall_time, ordinal

if TYPE_CHECKING:
    from portal.meetings.series import SeriesPlan

WEEKS = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}


def in_words(rule: Rule) -> str:
    """Every day, Every Tuesday and Thursday, Every month on the fifth, Every last Friday of the month."""
    days = [DAYS[n - 1] for n in sorted(rule.weekdays or ())]
    if rule.repeats == "daily" or len(days) == 7:
        return "Every day"
    if rule.repeats == "weekly":
        return "Monday to Friday" if days == list(DAYS[:5]) else f"Every {_joined(days)}"
    if rule.repeats == "monthly-by-day":
        month_day = rule.month_day or 1
        shorter = ", or the last day of a shorter month" if month_day > 28 else ""
        return f"Every month on the {ordinal(month_day)}{shorter}"
    return f"Every {WEEKS[rule.month_week or 1]} {days[0]} of the month"


def sentence(series: "MeetingSeries | SeriesPlan") -> str:
    """Every Tuesday at 21:00 in Istanbul, from 3 May 2026 until 5 June 2026."""
    until = f" until {date_in_words(series.ends_on)}" if series.ends_on else ""
    unless = ", unless another meeting is on that day" if series.only_if_free else ""
    when = f"{series.start_time:%H:%M} in {city(series.timezone)}"
    return f"{in_words(series)} at {when}, from {date_in_words(series.starts_on)}{until}{unless}."


def clocks_note(day: date, wall: time, zone: str) -> str:
    """Why a meeting of a series starts later on the day when the clocks skip its hour; else nothing."""
    if instant(day, wall, zone) is not None:
        return ""
    return f"The clocks skip {wall:%H:%M} in {city(zone)} that day, so it starts at {next_wall_time(day, wall, zone):%H:%M}."


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
