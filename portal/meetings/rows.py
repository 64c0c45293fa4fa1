"""What queries tell of a meeting, declared once; a query that tells more extends one of these."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from portal.database.rows import row_type
from portal.meetings.models import Meeting


@row_type
class MeetingRow:
    """What a board shows. `duration` is minutes; no `max_attendees` is no limit. `attendance_record` is provisional, final,
    not_recorded, or None before the meeting is settled.
    """

    id: UUID
    title: str
    host_name: str | None
    platform: str
    starts_at: datetime
    ends_at: datetime
    duration: int
    status: str
    max_attendees: int | None
    seats_taken: int
    waiting_count: int
    attendee_count: int
    cancellation_reason: str | None
    attendance_record: str | None


@row_type
class KindOfMeeting(MeetingRow):
    """And for whom it is."""

    timezone: str
    requires_approval: bool
    is_private: bool
    provision_state: str


@row_type
class PlannedRow(KindOfMeeting):
    """And how many ask for a place, for those who plan."""

    request_count: int


AnyMeeting = MeetingRow | Meeting


class Titled(Protocol):
    """A meeting, by its id and what it is called."""

    @property
    def id(self) -> UUID: ...
    @property
    def title(self) -> str: ...


class Rule(Protocol):
    """How a series repeats; `weekdays` count from Monday, 1."""

    @property
    def repeats(self) -> str | None: ...
    @property
    def weekdays(self) -> Sequence[int] | None: ...
    @property
    def month_day(self) -> int | None: ...
    @property
    def month_week(self) -> int | None: ...
