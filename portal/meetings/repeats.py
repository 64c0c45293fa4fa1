"""How a series repeats, in words: Every Tuesday and Thursday."""

from datetime import date, time
from typing import TYPE_CHECKING

from portal.meetings.models import MeetingSeries
from portal.meetings.rows import Rule
from portal.sentences import listed
from portal.times import DAYS, city, date_in_words, instant, next_wall_time, ordinal

if TYPE_CHECKING:
    from portal.meetings.series import SeriesPlan

WEEKS = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
SENTENCES = {
    (False, False): "{days} at {time} in {city}, from {first}.",
    (True, False): "{days} at {time} in {city}, from {first} until {last}.",
    (False, True): "{days} at {time} in {city}, from {first}, unless another meeting is on that day.",
    (True, True): "{days} at {time} in {city}, from {first} until {last}, unless another meeting is on that day.",
}
"""By whether it ends, and whether it gives way to other meetings."""


def in_words(rule: Rule) -> str:
    """Every day, Every Tuesday and Thursday, Every month on the fifth, Every last Friday of the month."""
    days = [DAYS[n - 1] for n in sorted(rule.weekdays or ())]
    if rule.repeats == "daily" or len(days) == 7:
        return "Every day"
    if rule.repeats == "weekly":
        return "Monday to Friday" if days == list(DAYS[:5]) else f"Every {listed(days)}"
    if rule.repeats == "monthly-by-day":
        month_day = rule.month_day or 1
        if month_day > 28:
            return f"Every month on the {ordinal(month_day)}, or the last day of a shorter month"
        return f"Every month on the {ordinal(month_day)}"
    return f"Every {WEEKS[rule.month_week or 1]} {days[0]} of the month"


def sentence(series: "MeetingSeries | SeriesPlan") -> str:
    """Every Tuesday at 21:00 in Istanbul, from 3 May 2026 until 5 June 2026."""
    text = SENTENCES[series.ends_on is not None, bool(series.only_if_free)]
    return text.format(
        days=in_words(series),
        time=f"{series.start_time:%H:%M}",
        city=city(series.timezone),
        first=date_in_words(series.starts_on),
        last=date_in_words(series.ends_on) if series.ends_on else "",
    )


def clocks_note(day: date, wall: time, zone: str) -> str:
    """Why a meeting of a series starts later on the day when the clocks skip its hour; else nothing."""
    if instant(day, wall, zone) is not None:
        return ""
    return f"The clocks skip {wall:%H:%M} in {city(zone)} that day, so it starts at {next_wall_time(day, wall, zone):%H:%M}."
