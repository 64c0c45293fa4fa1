"""A meeting as everybody in one zone sees it at one moment: times, the phase by the clock, words instead of codes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
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

    def here(self, moment: datetime) -> datetime:
        """`moment` on the reader's wall clock."""
        return moment.astimezone(ZoneInfo(self.zone))

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
    return "doors" if row.starts_at - timedelta(minutes=clock.doors_minutes) <= clock.now else "ahead"


def next_change(row: Any, clock: Clock) -> datetime:
    """When this meeting will next look different by itself: doors, start, each minute of the hour, end."""
    doors = row.starts_at - timedelta(minutes=clock.doors_minutes)
    coming = [moment for moment in (doors, row.starts_at, row.ends_at) if moment > clock.now]
    if clock.now < row.ends_at and clock.now > row.starts_at - timedelta(days=1):
        coming.append(clock.now.replace(second=0, microsecond=0) + timedelta(minutes=1))
    return min(coming, default=clock.now + timedelta(days=1))


class Board:
    """What is the same for everybody in one zone: phase, times, places, and who is here."""

    def __init__(
        self, row: Any, clock: Clock, here: int = 0, people: list[tuple[str, str, bool]] | None = None
    ) -> None:
        self.id: UUID = row.id
        self.title: str = row.title
        self.host: str = row.host_name or ""
        self.minutes: int = row.duration
        self.starts_at: datetime = row.starts_at
        self.room = ROOMS[row.platform]
        self.phase = phase_of(row, clock)
        starts, ends, club = clock.here(row.starts_at), clock.here(row.ends_at), clock.club(row.starts_at)
        today = clock.here(clock.now)
        days = (starts.date() - today.date()).days
        self.day = {0: "Tonight, " if starts.hour >= 17 else "Today, ", 1: "Tomorrow, "}.get(days, "") + day_long(
            starts
        )
        self.day_short = day_short(starts)
        self.day_note = {0: "Today", 1: "Tomorrow", 2: "In two days"}.get(days, "")
        self.date = starts.date()
        self.date_long = day_medium(starts)
        self.time, self.end, self.city = f"{starts:%H:%M}", f"{ends:%H:%M}", city(clock.zone)
        self.club_time, self.club_end = f"{club:%H:%M}", f"{clock.club(row.ends_at):%H:%M}"
        self.club_city, self.club_date_long = city(clock.club_zone), day_medium(club)
        self.club_day_differs = club.date() != starts.date()
        self.same_zone = starts.utcoffset() == club.utcoffset()
        self.starts_at_iso, self.ends_at_iso = starts.isoformat(timespec="minutes"), ends.isoformat(timespec="minutes")
        self.starts_in = starts_in(row.starts_at, today)
        self.started_ago = ago(row.starts_at, clock.now)
        self.minute = max(0, min(self.minutes, int((clock.now - row.starts_at).total_seconds() // 60)))
        self.doors_at = f"{clock.here(row.starts_at - timedelta(minutes=clock.doors_minutes)):%H:%M}"
        self.capacity: int | None = row.max_attendees
        self.taken: int = row.seats_taken
        self.waiting: int = row.waiting_count
        self.full = self.capacity is not None and (self.taken >= self.capacity or self.waiting > 0)
        self.came: int = row.attendee_count
        self.cancel_reason: str = row.cancellation_reason or ""
        self.here = here
        self.people = people or []
        self.names_shown = people is not None


def here_and_now() -> Clock:
    """The zone of whoever asks, the club's, and this moment."""
    settings = current_app.config["SETTINGS"]
    return Clock(clock.now(), reader().zone, settings.club_timezone, settings.doors_minutes)
