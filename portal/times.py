"""Words for time. Every time shown names its place; abbreviations come from the day meant, not from today.

Day and month are held together by a no-break space, so that no page breaks a line between them.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from portal import clock
from portal.sentences import listed, ngettext

_AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
_OCEANS = ("Arctic", "Atlantic", "Indian", "Pacific")
_KEPT = "\N{NO-BREAK SPACE}"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@cache
def city(zone: str) -> str:
    """The place a zone is named after: Europe/Berlin is Berlin."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


@cache
def zones() -> tuple[str, ...]:
    """Every zone that is accepted, older names of a place too; no abbreviations, no offsets. `listed_zones` are offered."""
    return ("UTC", *sorted(z for z in available_timezones() if z.split("/")[0] in _AREAS and "/" in z))


@cache
def _table(name: str) -> tuple[tuple[str, ...], ...]:
    """A table of the time zone database's own (package tzdata), its remarks left out."""
    lines = files("tzdata").joinpath("zoneinfo", name).read_text("utf-8").splitlines()
    return tuple(
        tuple(re.split(r"[\t ]" if name.endswith(".zi") else r"\t", line)) for line in lines if line[:1] != "#"
    )


@cache
def listed_zones() -> dict[str, str]:
    """The zones to choose from, each with the country it is in: one name for a place (zone.tab), none of its older ones."""
    countries = {row[0]: row[1] for row in _table("iso3166.tab")}
    return {row[2]: countries[row[0]] for row in _table("zone.tab") if row[2] in zones()}


@cache
def listed_name(zone: str) -> str:
    """The name under which a zone is offered: Asia/Calcutta is Asia/Kolkata. One that has no other stays what it is."""
    links = {row[2]: row[1] for row in _table("tzdata.zi") if row[0] == "L"}
    known = zone in listed_zones() or links.get(zone) not in listed_zones()
    return zone if known else links[zone]


@cache
def older_names() -> dict[str, tuple[str, ...]]:
    """The other names a place has had, by the one that is offered; browsers tell some of them."""
    older: dict[str, tuple[str, ...]] = {}
    for zone in zones():
        if (name := listed_name(zone)) != zone:
            older[name] = (*older.get(name, ()), zone)
    return older


def number(n: int) -> str:
    """Small counts as words, larger ones as figures."""
    return NUMBERS[n] if 0 <= n < len(NUMBERS) else f"{n:,}"


def ordinal(n: int) -> str:
    """Third, or 23rd."""
    if n < len(ORDINALS):
        return ORDINALS[n]
    suffix = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def day_and_month(d: date) -> str:
    """23 November, never apart."""
    return f"{d.day}{_KEPT}{MONTHS[d.month - 1]}"


def day_long(d: date) -> str:
    """Monday 23 November."""
    return f"{DAYS[d.weekday()]} {day_and_month(d)}"


def day_short(d: date) -> str:
    """Tue 24."""
    return f"{DAYS[d.weekday()][:3]}{_KEPT}{d.day}"


def day_medium(d: date) -> str:
    """Mon 23 Nov."""
    return f"{day_short(d)}{_KEPT}{MONTHS[d.month - 1][:3]}"


def date_with_year(d: date) -> str:
    """14 Mar 2026."""
    return f"{d.day}{_KEPT}{MONTHS[d.month - 1][:3]}{_KEPT}{d.year}"


def date_in_words(d: date) -> str:
    """14 March 2026."""
    return f"{day_and_month(d)} {d.year}"


def month_in_words(d: date) -> str:
    """November 2026."""
    return f"{MONTHS[d.month - 1]} {d.year}"


def hours(minutes: int) -> str:
    """So many minutes in words: 15 hours 40 minutes, 1 hour, 20 minutes."""
    whole, rest = divmod(minutes, 60)
    long = ngettext("%(num)s hour", "%(num)s hours", whole)
    short = ngettext("%(num)s minute", "%(num)s minutes", rest)
    return f"{long} {short}" if whole and rest else long if whole else short


def span(first: date, last: date) -> str:
    """23 to 29 November, naming what differs once."""
    if first == last:
        return day_and_month(first)
    begins = f"{first.day}" if first.month == last.month else day_and_month(first)
    return f"{begins} to {day_and_month(last)}"


def since(moment: datetime, now: datetime) -> str:
    """When something happened, seen from `now` in the same zone: today at 20:12, on Sunday at 20:12, on 3 May."""
    moment = moment.astimezone(now.tzinfo)
    days = (now.date() - moment.date()).days
    if days == 0:
        return f"today at {moment:%H:%M}"
    if days == 1:
        return f"yesterday at {moment:%H:%M}"
    if days < 7:
        return f"on {DAYS[moment.weekday()]} at {moment:%H:%M}"
    return f"on {day_and_month(moment)}" if moment.year == now.year else f"on {date_in_words(moment)}"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, roughly: a minute, 14 minutes, 3 hours, 5 days."""
    minutes = max(0, int((now - moment).total_seconds() // 60))
    if minutes < 2:
        return "a minute ago"
    if minutes < 90:
        return ngettext("%(num)s minute ago", "%(num)s minutes ago", minutes)
    if minutes < 60 * 36:
        return ngettext("%(num)s hour ago", "%(num)s hours ago", round(minutes / 60))
    return ngettext("%(num)s day ago", "%(num)s days ago", round(minutes / 1440))


def minutes(seconds: int) -> str:
    """A wait in whole minutes, rounded up: one minute, 15 minutes."""
    return ngettext("one minute", "%(num)s minutes", -(-seconds // 60))


def starts_in(starts_at: datetime, now: datetime) -> str:
    """How soon, for a countdown that is honest to the minute: weekday, tomorrow, 1 h 46 min, any moment now."""
    here = starts_at.astimezone(now.tzinfo)
    days = (here.date() - now.date()).days
    seconds = (starts_at - now).total_seconds()
    minutes = -int(-seconds // 60)
    if days > 6:
        return day_and_month(here)
    if days == 1 and minutes > 12 * 60:
        return "tomorrow"
    if minutes > 24 * 60:
        return DAYS[here.weekday()]
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes} min" if seconds >= 60 else "any moment now"


def zone_line(viewer_zone: str, club_zone: str, now: datetime, until: datetime | None = None) -> str:
    """Times are yours, in Berlin. Istanbul is two hours ahead. A change of clocks before `until` is told too."""
    mine, club = city(viewer_zone), city(club_zone)
    if viewer_zone == club_zone:
        return f"Times are in {mine}, the club’s own zone."
    apart = _apart(viewer_zone, club_zone, now)
    line = f"Times are yours, in {mine}. {_how_far(NOW, apart, club=club)}"
    if until is None or _apart(viewer_zone, club_zone, until) == apart:
        return line
    today = datetime.combine(now.astimezone(ZoneInfo(viewer_zone)).date(), time(12), ZoneInfo(viewer_zone))
    noons = (today + timedelta(days=n) for n in range((until - now).days + 2))
    changed = next((noon for noon in noons if _apart(viewer_zone, club_zone, noon) != apart), until)
    then = _how_far(LATER, _apart(viewer_zone, club_zone, until), day=day_long(changed.date()))
    return f"{line} {then}"


NOW = ("{club} keeps the same time.", "{club} is {apart} ahead.", "{club} is {apart} behind.")
LATER = (
    "From {day} on it keeps the same time.",
    "From {day} on it is {apart} ahead.",
    "From {day} on it is {apart} behind.",
)


def _how_far(texts: tuple[str, str, str], minutes: int, **fields: str) -> str:
    """The one of the texts that tells how a zone is to another that is so many minutes behind it."""
    hours, rest = divmod(abs(minutes), 60)
    parts = [ngettext("one hour", "%(count)s hours", hours, count=number(hours))] if hours else []
    parts += [ngettext("%(num)s minute", "%(num)s minutes", rest)] if rest else []
    return texts[0 if minutes == 0 else 1 if minutes > 0 else 2].format(apart=listed(parts), **fields)


def _apart(viewer_zone: str, club_zone: str, at: datetime) -> int:
    return _offset(ZoneInfo(club_zone), at) - _offset(ZoneInfo(viewer_zone), at)


def _offset(zone: ZoneInfo, at: datetime) -> int:
    return int(_utc_offset(zone, at).total_seconds() // 60)


def instant(day: date, wall: time, zone: str) -> datetime | None:
    """The first moment, in UTC, at which the clocks in `zone` show `wall` on that day; None if they skip it."""
    moment = moment_of(day, wall, zone)
    return moment if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == datetime.combine(day, wall) else None


def moment_of(day: date, wall: time, zone: str) -> datetime:
    """The moment, in UTC, meant by `wall` on that day in `zone`: the first where clocks show it twice, and later by
    the gap where they skip it (what PEP 495 says of fold=0).
    """
    return datetime.combine(day, wall, ZoneInfo(zone)).astimezone(UTC)


class Span(NamedTuple):
    """A time in which the clocks of a zone keep the same offset from UTC; `until` is the first moment after it."""

    zone: str
    offset: timedelta
    begins: datetime
    until: datetime


def spans(zone: str, begins: datetime, until: datetime) -> Iterator[Span]:
    """The offsets of a zone from one moment to another, in order: what a statement needs that counts local days.

    The clocks are looked at once a day; a country that changed them twice within 24 hours is not known.
    """
    place, day = ZoneInfo(zone), timedelta(days=1)
    since, seen = begins, begins
    while seen < until:
        after = min(seen + day, until)
        if _utc_offset(place, after) != _utc_offset(place, seen):
            changed = _first_with_another_offset(place, seen, after)
            yield Span(zone, _utc_offset(place, seen), since, changed)
            since = changed
        seen = after
    if since < until:
        yield Span(zone, _utc_offset(place, since), since, until)


def _first_with_another_offset(place: ZoneInfo, before: datetime, after: datetime) -> datetime:
    was = _utc_offset(place, before)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if _utc_offset(place, middle) == was else (before, middle)
    return after.replace(microsecond=0)


def _utc_offset(place: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(place).utcoffset() or timedelta(0)


def last_moment(day: date, zone: str) -> datetime:
    """The last second of a day in `zone`, so that whoever shows it there names that day."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(zone))


def next_wall_time(day: date, wall: time, zone: str) -> time:
    """The first wall time after a skipped one that exists: what to suggest instead of 02:30."""
    return moment_of(day, wall, zone).astimezone(ZoneInfo(zone)).time().replace(second=0)


class Viewer:
    """Where somebody is in time: every moment they are shown is theirs, with the place named."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.tz = ZoneInfo(zone)
        self.city = city(zone)
        self.now = clock.now().astimezone(self.tz)

    @property
    def clock(self) -> str:
        """Their wall clock, like 17:14."""
        return f"{self.now:%H:%M}"

    def day(self, moment: datetime | None) -> str:
        """The day of a moment there, like 14 March 2026; empty for none."""
        return date_in_words(moment.astimezone(self.tz)) if moment else ""

    def short_day(self, moment: datetime | None) -> str:
        """The same for tables, like 14 Mar 2026."""
        return date_with_year(moment.astimezone(self.tz)) if moment else ""


def zone_choices(now: datetime) -> dict[str, list[tuple[str, str]]]:
    """The zones to choose from by region, as (zone, label): Berlin, Germany (now 17:14). UTC stands before all regions."""
    regions: dict[str, list[tuple[str, str]]] = {"": [("UTC", _zone_label("UTC", "", now))]}
    for zone, country in listed_zones().items():
        area = zone.split("/", 1)[0]
        region = f"{area} Ocean" if area in _OCEANS else area
        regions.setdefault(region, []).append((zone, _zone_label(zone, country, now)))
    return {region: sorted(regions[region], key=lambda choice: choice[1]) for region in sorted(regions)}


def _zone_label(zone: str, country: str, now: datetime) -> str:
    within = "".join(zone.split("/")[1:-1]).replace("_", " ")
    places = [city(zone), within if within != country else "", country if country != city(zone) else ""]
    return f"{', '.join(filter(None, places))} (now {now.astimezone(ZoneInfo(zone)):%H:%M})"
