"""A meeting as one member sees it: the board, and their own answer, place in the line, offer and door."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask_login import current_user
from markupsafe import Markup

from portal.meetings.board import Board, Clock, here_and_now
from portal.times import ordinal, since

LAST_HOUR = timedelta(hours=1)


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
        seats = self.capacity is None or self.taken < self.capacity
        self.seat_free_now = self.answer == "waitlisted" and seats and row.starts_at - clock.now < LAST_HOUR
        self.together = row.party_id is not None
        self.us: list[str] = getattr(row, "us", None) or []
        self.with_me = self.answer in (None, "invited", "declined", "withdrawn")
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

    @property
    def family(self) -> list[str]:
        """First names of those a yes for all of us is for, besides the reader."""
        return self.us[1:] if self.with_me else self.us

    @property
    def yes_word(self) -> str:
        """What a yes is called here."""
        return "Ask for a place" if self.approval else "Join the line" if self.full else "I’m coming"

    @property
    def answered(self) -> str:
        """When the reader said so, like on Sunday at 20:12."""
        return since(self._row.responded_at, self._clock.today) if self._row.responded_at else ""


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


def as_seen(row: Any, look: Clock | None = None) -> Evening:
    """A row of `queries` as the asker sees it now."""
    return Evening(row, look or here_and_now(), current_user.entitled)


def all_seen(rows: Iterable[Any], look: Clock) -> list[Evening]:
    """Many rows as the asker sees them now."""
    entitled = current_user.entitled
    return [Evening(row, look, entitled) for row in rows]
