"""A meeting as everybody in one zone sees it at one moment: times, the phase by the clock, words instead of codes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app

from portal import clock
from portal.times import ago, city, day_long, day_medium, day_short, starts_in
from portal.web import reader

ROOMS = {"google-meet": "Google Meet", "zoom": "Zoom"}


@dataclass(frozen=True)
class Clock:
    """Where and when a reader looks: their zone, the club's, the moment, and how early doors open (minutes)."""

    now: datetime
    zone: str
    club_zone: str
    doors_minutes: int

    @cached_property
    def today(self) -> datetime:
        """This moment on the reader's wall clock."""
        return self.here(self.now)

    @cached_property
    def doors(self) -> timedelta:
        """How early doors open."""
        return timedelta(minutes=self.doors_minutes)

    @cached_property
    def _here(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def here(self, moment: datetime) -> datetime:
        """`moment` on the reader's wall clock."""
        return moment.astimezone(self._here)

    def club(self, moment: datetime) -> datetime:
        """`moment` on the club's wall clock."""
        return moment.astimezone(ZoneInfo(self.club_zone))


def phase_of(row: Any, clock: Clock) -> str:
    """ahead, doors, live, over or cancelled: by the clock, not by how far a job has come."""
    if row.status == "cancelled":
        return "cancelled"
    if row.ends_at <= clock.now or row.status in ("completed", "archived"):
        return "over"
    if row.starts_at <= clock.now:
        return "live"
    return "doors" if row.starts_at - clock.doors <= clock.now else "ahead"


def next_change(row: Any, clock: Clock) -> datetime:
    """When this meeting will next look different by itself: doors, start, each minute of the hour, end."""
    doors = row.starts_at - clock.doors
    coming = [moment for moment in (doors, row.starts_at, row.ends_at) if moment > clock.now]
    if clock.now < row.ends_at and clock.now > row.starts_at - timedelta(days=1):
        coming.append(clock.now.replace(second=0, microsecond=0) + timedelta(minutes=1))
    return min(coming, default=clock.now + timedelta(days=1))


class Board:
    """What is the same for everybody in one zone: phase, times, places, and who is here.

    A list shows few of its words of each meeting, so most are worked out only when a template asks.
    """

    def __init__(
        self, row: Any, clock: Clock, here: int = 0, people: list[tuple[str, str, bool]] | None = None
    ) -> None:
        self._row, self._clock = row, clock
        self.id = str(row.id)  # for addresses and names in pages
        self.title: str = row.title
        self.host: str = row.host_name or ""
        self.minutes: int = row.duration
        self.room = ROOMS[row.platform]
        self.phase = phase_of(row, clock)
        self.starts = clock.here(row.starts_at)
        self.date = self.starts.date()
        self.time = f"{self.starts:%H:%M}"
        self.capacity: int | None = row.max_attendees
        self.taken: int = row.seats_taken
        self.waiting: int = row.waiting_count
        self.full = self.capacity is not None and (self.taken >= self.capacity or self.waiting > 0)
        self.came: int = row.attendee_count
        self.here = here
        self.people = people or []
        self.names_shown = people is not None

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
        tonight = "Tonight, " if self.starts.hour >= 17 else "Today, "
        return {0: tonight, 1: "Tomorrow, "}.get(self._days_away, "") + day_long(self.starts)

    @property
    def day_short(self) -> str:
        """Tue 24."""
        return day_short(self.starts)

    @property
    def day_note(self) -> str:
        """Today, Tomorrow, In two days, or nothing."""
        return {0: "Today", 1: "Tomorrow", 2: "In two days"}.get(self._days_away, "")

    @property
    def date_long(self) -> str:
        """Mon 23 Nov."""
        return day_medium(self.starts)

    @property
    def city(self) -> str:
        """The place of the reader's zone."""
        return city(self._clock.zone)

    @property
    def end(self) -> str:
        """When it ends, on the reader's clock."""
        return f"{self._clock.here(self._row.ends_at):%H:%M}"

    @cached_property
    def _club(self) -> datetime:
        return self._clock.club(self._row.starts_at)

    @property
    def club_city(self) -> str:
        """The place of the club's zone."""
        return city(self._clock.club_zone)

    @property
    def club_time(self) -> str:
        """The start on the club's clock."""
        return f"{self._club:%H:%M}"

    @property
    def club_end(self) -> str:
        """The end on the club's clock."""
        return f"{self._clock.club(self._row.ends_at):%H:%M}"

    @property
    def club_date_long(self) -> str:
        """The club's day of it, like Mon 23 Nov."""
        return day_medium(self._club)

    @property
    def club_day_differs(self) -> bool:
        """Whether it is another day where the club keeps time."""
        return self._club.date() != self.date

    @property
    def same_zone(self) -> bool:
        """Whether both clocks show the same then."""
        return self.starts.utcoffset() == self._club.utcoffset()

    @property
    def starts_at(self) -> datetime:
        """The instant."""
        return self._row.starts_at  # type: ignore[no-any-return]

    @property
    def starts_at_iso(self) -> str:
        """The start for machines, on the reader's clock."""
        return self.starts.isoformat(timespec="seconds")

    @property
    def ends_at_iso(self) -> str:
        """The end for machines."""
        return self._clock.here(self._row.ends_at).isoformat(timespec="seconds")

    @property
    def starts_in(self) -> str:
        """How soon, in words."""
        return starts_in(self._row.starts_at, self._clock.today)

    @property
    def started_ago(self) -> str:
        """How long it has been running, in words."""
        return ago(self._row.starts_at, self._clock.now)

    @property
    def minute(self) -> int:
        """Minutes gone."""
        return max(0, min(self.minutes, int((self._clock.now - self._row.starts_at).total_seconds() // 60)))

    @property
    def doors_at(self) -> str:
        """When the doors open, on the reader's clock."""
        return f"{self._clock.here(self._row.starts_at - self._clock.doors):%H:%M}"


def here_and_now() -> Clock:
    """The zone of whoever asks, the club's, and this moment."""
    settings = current_app.config["SETTINGS"]
    return Clock(clock.now(), reader().zone, settings.club_timezone, settings.doors_minutes)
