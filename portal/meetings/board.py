"""A meeting as everybody in one zone sees it at one moment: times, the phase by the clock, words instead of codes."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import current_app

from portal import clock
from portal.meetings.rows import AnyMeeting
from portal.times import ago, city, day_long, day_medium, day_short, starts_in
from portal.viewer import viewer

LAST_HOUR = timedelta(hours=1)
"""So long before the start nobody is offered a place any more: the first to click has it."""

HOST_EARLIER = 30
"""So many minutes before everybody's doors the host's opens; `join_meeting` knows it too."""

EVENING = 17
"""The hour from which a day is called tonight."""

ROOMS = {"google-meet": "Google Meet", "zoom": "Zoom", "link": "another platform"}


class Here(NamedTuple):
    """Somebody who is inside: first name, the minute they came on the viewer's clock, and a mark of theirs for this meeting."""

    name: str
    since: str
    is_host: bool
    mark: str


class Reading(NamedTuple):
    """What the clocks of a zone show at one instant."""

    moment: datetime
    date: date
    time: str
    iso: str


@lru_cache(maxsize=16384)
def reading(moment: datetime, zone: str) -> Reading:
    """`moment` on the wall clocks of `zone`. A list asks for the same few starts again and again."""
    local = moment.astimezone(ZoneInfo(zone))
    return Reading(local, local.date(), f"{local:%H:%M}", local.isoformat(timespec="seconds"))


@dataclass(frozen=True)
class Clock:
    """Where and when a viewer looks: their zone, the club's, the moment, and how early doors open (minutes)."""

    now: datetime
    zone: str
    club_zone: str
    doors_minutes: int

    @cached_property
    def today(self) -> datetime:
        """This moment on the viewer's wall clock."""
        return self.now.astimezone(ZoneInfo(self.zone))

    @property
    def of_host(self) -> "Clock":
        """The same for somebody who leads the meeting, whose door opens earlier."""
        return replace(self, doors_minutes=self.doors_minutes + HOST_EARLIER)

    @cached_property
    def doors(self) -> timedelta:
        """How early doors open."""
        return timedelta(minutes=self.doors_minutes)

    def here(self, moment: datetime) -> datetime:
        """`moment` on the viewer's wall clock."""
        return reading(moment, self.zone).moment

    def club(self, moment: datetime) -> datetime:
        """`moment` on the club's wall clock."""
        return reading(moment, self.club_zone).moment


def phase_of(row: AnyMeeting, clock: Clock) -> str:
    """ahead, doors, live, over or cancelled: by the clock, not by how far a job has come."""
    if row.status == "cancelled":
        return "cancelled"
    if row.ends_at <= clock.now or row.status in ("completed", "archived"):
        return "over"
    if row.starts_at <= clock.now:
        return "live"
    return "doors" if row.starts_at - clock.doors <= clock.now else "ahead"


def next_change(row: AnyMeeting, clock: Clock) -> datetime:
    """When this meeting will next look different by itself: doors, the host's first, start, each minute of the hour, end."""
    doors, host_doors = row.starts_at - clock.doors, row.starts_at - clock.of_host.doors
    coming = [moment for moment in (host_doors, doors, row.starts_at, row.ends_at) if moment > clock.now]
    if clock.now < row.ends_at and clock.now > row.starts_at - timedelta(days=1):
        coming.append(clock.now.replace(second=0, microsecond=0) + timedelta(minutes=1))
    return min(coming, default=clock.now + timedelta(days=1))


class Board:
    """What is the same for everybody in one zone: phase, times, places, and who is here.

    A list shows few of its words of each meeting, so most are worked out only when a template asks.
    """

    def __init__(self, row: AnyMeeting, clock: Clock, here: int = 0, people: list[Here] | None = None) -> None:
        self._row: AnyMeeting = row
        self._clock = clock
        self._here, self._club = reading(row.starts_at, clock.zone), reading(row.starts_at, clock.club_zone)
        self.phase = phase_of(row, clock)
        self.here = here
        self.people = people or []
        self.names_shown = people is not None
        self.me = ""

    @property
    def id(self) -> str:
        """For addresses and names in pages."""
        return str(self._row.id)

    @property
    def title(self) -> str:
        """What it is called."""
        return self._row.title

    @property
    def host(self) -> str:
        """Who leads it, or nobody."""
        return self._row.host_name or ""

    @property
    def minutes(self) -> int:
        """How long it is planned."""
        return self._row.duration

    @property
    def room(self) -> str:
        """Where it meets."""
        return ROOMS[self._row.platform]

    @property
    def capacity(self) -> int | None:
        """How many places there are; None is no limit."""
        return self._row.max_attendees

    @property
    def taken(self) -> int:
        """Places taken or held for somebody."""
        return self._row.seats_taken

    @property
    def waiting(self) -> int:
        """How many are in the line."""
        return self._row.waiting_count

    @property
    def free(self) -> bool:
        """Whether a place is nobody's."""
        return self.capacity is None or self.taken < self.capacity

    @property
    def last_hour(self) -> bool:
        """Whether it is too late to offer places to the line."""
        return self.starts_at - self._clock.now < LAST_HOUR

    @property
    def full(self) -> bool:
        """Whether a yes now means the line. In the last hour a free place is for whoever clicks."""
        return not self.free or (self.waiting > 0 and not self.last_hour)

    @property
    def came(self) -> int:
        """How many came."""
        return self._row.attendee_count

    @property
    def not_recorded(self) -> bool:
        """Whether nobody could be seen in the room, so that nobody knows who came."""
        return self._row.attendance_record == "not_recorded"

    @property
    def date(self) -> date:
        """The viewer's day of it."""
        return self._here.date

    @property
    def time(self) -> str:
        """The start on the viewer's clock."""
        return self._here.time

    @property
    def cancel_reason(self) -> str:
        """Why it was called off."""
        return str(self._row.cancellation_reason or "")

    @property
    def _days_away(self) -> int:
        return (self.date - self._clock.today.date()).days

    @property
    def day(self) -> str:
        """Tonight, Monday 23 November."""
        tonight = "Tonight, " if self._here.moment.hour >= EVENING else "Today, "
        return {0: tonight, 1: "Tomorrow, "}.get(self._days_away, "") + day_long(self.date)

    @property
    def day_long(self) -> str:
        """Monday 23 November."""
        return day_long(self.date)

    @property
    def day_short(self) -> str:
        """Tue 24."""
        return day_short(self.date)

    @property
    def day_note(self) -> str:
        """Today, Tomorrow, In two days, or nothing."""
        return {0: "Today", 1: "Tomorrow", 2: "In two days"}.get(self._days_away, "")

    @property
    def date_long(self) -> str:
        """Mon 23 Nov."""
        return day_medium(self.date)

    @property
    def city(self) -> str:
        """The place of the viewer's zone."""
        return city(self._clock.zone)

    @property
    def end(self) -> str:
        """When it ends, on the viewer's clock."""
        return reading(self._row.ends_at, self._clock.zone).time

    @property
    def club_city(self) -> str:
        """The place of the club's zone."""
        return city(self._clock.club_zone)

    @property
    def club_time(self) -> str:
        """The start on the club's clock."""
        return self._club.time

    @property
    def club_end(self) -> str:
        """The end on the club's clock."""
        return reading(self._row.ends_at, self._clock.club_zone).time

    @property
    def club_date_long(self) -> str:
        """The club's day of it, like Mon 23 Nov."""
        return day_medium(self._club.date)

    @property
    def club_day_differs(self) -> bool:
        """Whether it is another day where the club keeps time."""
        return self._club.date != self._here.date

    @property
    def club_elsewhen(self) -> str:
        """Day and hour on the club's clock if the day there is another: Mon 23 Nov, 21:00 in Istanbul."""
        return f"{self.club_date_long}, {self.club_time} in {self.club_city}" if self.club_day_differs else ""

    @property
    def same_zone(self) -> bool:
        """Whether both clocks show the same then."""
        return self._here.moment.utcoffset() == self._club.moment.utcoffset()

    @property
    def starts_at(self) -> datetime:
        """The instant."""
        return self._row.starts_at

    @property
    def starts_at_iso(self) -> str:
        """The start for machines, on the viewer's clock."""
        return self._here.iso

    @property
    def ends_at_iso(self) -> str:
        """The end for machines."""
        return reading(self._row.ends_at, self._clock.zone).iso

    @property
    def starts_in(self) -> str:
        """How soon, in words."""
        return starts_in(self._row.starts_at, self._clock.today)

    @property
    def started_ago(self) -> str:
        """How long it has been running, in words."""
        return ago(self._row.starts_at, self._clock.now)

    @property
    def turns_at(self) -> datetime | None:
        """When the clock alone will next change the phase: doors, start or end; None if it will not any more."""
        if self.phase in ("over", "cancelled"):
            return None
        moments = (self.starts_at - self._clock.doors, self.starts_at, self._row.ends_at)
        return next(moment for moment in moments if moment > self._clock.now)

    @property
    def minute(self) -> int:
        """Minutes gone."""
        return max(0, min(self.minutes, int((self._clock.now - self._row.starts_at).total_seconds() // 60)))

    @property
    def door_minutes(self) -> int:
        """How many minutes before the start the doors open; for the host of the page, the host's door."""
        return int(self._clock.doors.total_seconds() // 60)

    @property
    def doors_at(self) -> str:
        """When the doors open, on the viewer's clock."""
        return reading(self._row.starts_at - self._clock.doors, self._clock.zone).time


def here_and_now() -> Clock:
    """The zone of whoever asks, the club's, and this moment."""
    settings = current_app.config["SETTINGS"]
    return Clock(clock.now(), viewer().zone, settings.club_timezone, settings.doors_minutes)
