"""One meeting as one reader sees it at one moment: times in their zone, the phase by the clock, words instead of codes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup

from portal.times import ago, city, day_long, day_medium, day_short, ordinal, since, starts_in

ROOMS = {"google-meet": "Google Meet", "zoom": "Zoom"}
LAST_HOUR = timedelta(hours=1)


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

    def __init__(self, row: Any, clock: Clock, here: int = 0, people: list[tuple[str, str, bool]] | None = None) -> None:
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
        self.day = {0: "Tonight, " if starts.hour >= 17 else "Today, ", 1: "Tomorrow, "}.get(days, "") + day_long(starts)
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


class Evening(Board):
    """A board with what is the reader's own: answer, place in the line, offer, and whether the door opens for them."""

    def __init__(self, row: Any, clock: Clock, entitled: bool) -> None:
        super().__init__(row, clock)
        self.description_html = Markup()
        self.requests = 0
        self.entitled = entitled
        self.approval: bool = row.requires_approval
        # An admin sees private meetings too, and answers only where invited.
        self.uninvited = bool(row.is_private and row.answer is None)
        self.repeats = ""
        self.answer: str | None = row.answer
        self.reason: str = row.reason or ""
        offer: datetime | None = row.offer_expires_at
        if self.answer == "offered" and offer is not None and offer <= clock.now:
            self.answer, self.reason = "withdrawn", "The offer ran out."
        self.position = ordinal(row.position) if row.position else ""
        self.offered_until = f"{clock.here(offer):%H:%M}" if offer else ""
        self.offered_soon = self.answer == "offered" and offer is not None and offer - clock.now <= LAST_HOUR
        here = clock.here(clock.now)
        self.answered = since(row.responded_at, here) if row.responded_at else ""
        seats = self.capacity is None or self.taken < self.capacity
        self.seat_free_now = self.answer == "waitlisted" and seats and row.starts_at - clock.now < LAST_HOUR
        self.my_minutes: int | None = row.join_duration
        # After the hour "came" is the reader's own question; the board's number is everybody's.
        self.came_myself = row.joined_at is not None
        self.can_join = (
            entitled
            and not self.uninvited
            and self.phase in ("doors", "live")
            and (
                self.answer in ("accepted", "offered")
                or (self.answer in (None, "invited", "declined", "withdrawn") and not self.full and not self.approval)
            )
        )


@dataclass(frozen=True)
class Day:
    """The meetings of one day in the reader's zone, under one heading."""

    short: str
    note: str
    meetings: list[Evening] = field(default_factory=list)

    def __iter__(self) -> Any:
        return iter((self.short, self.note, self.meetings))


def by_day(evenings: list[Evening]) -> list[Day]:
    """Evenings in their order, grouped by the reader's calendar day."""
    days: list[Day] = []
    for evening in evenings:
        if not days or days[-1].meetings[0].date != evening.date:
            days.append(Day(evening.day_short, evening.day_note))
        days[-1].meetings.append(evening)
    return days
