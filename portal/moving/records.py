"""What a source yields, one record for each row it has, in the club's own words; and what of it cannot be taken, and why.

`external_id` is a record's name in its source, the same at every run. `place` is where a person finds it there ("line 12",
"Order cm9x"). Other records of the same source are meant by their external ids. Moments have a zone.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record has."""

    kind: ClassVar[str]
    external_id: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Record):
    """Somebody with an address. The zone is one of `times.zones`."""

    kind = "person"
    email: str
    first_name: str | None = None
    last_name: str | None = None
    timezone: str
    created_at: datetime | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Record):
    """A payment that was made, given back or failed. Without a number it gets one of the club's."""

    kind = "order"
    person: str
    number: str | None = None
    status: str
    amount: Decimal
    amount_minor: int
    currency: str
    subscription_type: str
    billing_cycle: str
    method: str | None = None
    provider: str | None = None
    transaction: str | None = None
    created_at: datetime
    completed_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Record):
    """Days somebody has until then; superfluous where an order of theirs reaches as far."""

    kind = "grant"
    person: str
    grant_kind: str
    starts_at: datetime | None
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption(Record):
    """A customer at Stripe, the subscription there if it is known, and the plan it is here."""

    kind = "adoption"
    person: str
    customer_id: str
    subscription_id: str | None
    subscription_type: str
    billing_cycle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family(Record):
    """A family plan and who pays for it; its other people are `Member`s."""

    kind = "family"
    primary: str
    name: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Record):
    """Somebody in a family, besides its primary."""

    kind = "member"
    family: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting(Record):
    """A meeting; `seats` is how many said yes where it was, which may be more than it has places for."""

    kind = "meeting"
    title: str
    description: str | None
    scheduled_date: date
    start_time: time
    starts_at: datetime
    duration: int
    timezone: str
    platform: str
    is_private: bool
    max_attendees: int | None
    requires_approval: bool
    status: str
    archived_from: str | None
    attendance_record: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance(Record):
    """An answer, and what came of it."""

    kind = "attendance"
    meeting: str
    person: str
    answer: str
    outcome: str | None
    invited_at: datetime | None
    responded_at: datetime | None
    joined_at: datetime | None
    left_at: datetime | None
    device: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Untaken:
    """A row that is not taken, or one that is taken `in_part`, and why. `detail` is the value that stands in the way."""

    kind: str
    place: str
    external_id: str
    reason: str
    detail: str = ""
    in_part: bool = False


KINDS = (Person, Order, Grant, Adoption, Family, Member, Meeting, Attendance)
"""In the order they are taken: each refers to those before it only."""
