"""A database of the original system, in either of the two shapes it has had.

- *documented*: the tables of its database schema documentation, `users`, `family_plans`, `meetings`, `meeting_attendances`,
  `orders`; columns in camelCase, as Prisma makes them, or with underlines, as its index statements call them
- *deployed*: the tables of its repository (github.com/GOALETE/goaletemeet, prisma/schema.prisma and prisma/migrations):
  `"User"`, `"Subscription"`, `"Meeting"`, `"_MeetingUsers"`; prices in whole rupees, a pair's in halves under one `orderId`

Read in one snapshot, with the server's own cursors, never written to. Moments without an offset are in UTC, as Prisma keeps
them. Not taken because there is nothing like them here: phone numbers, where people heard of the club, start links of hosts,
the system log, links into past rooms. Nobody becomes an admin: `portal make-admin` makes them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.types.json import set_json_loads

from portal import clock
from portal.moving import reading
from portal.moving.reading import Doubt
from portal.moving.records import Attendance, Family, Grant, Meeting, Member, Order, Person, Record, Untaken
from portal.problems import Problem
from portal.times import moment_of

Row = Mapping[str, Any]
Taken = Iterator[Record | Untaken]

ITERSIZE = 2000
DOCUMENTED = ("users", "family_plans", "meetings", "meeting_attendances", "orders")
DEPLOYED = ("User", "Subscription", "Meeting", "_MeetingUsers")
PAID = ("success", "completed", "paid")
UNPAID = ("pending", "failed", "created")
MONTHLY_FAMILY = "comboPlan"
LONGEST_MEETING = 480
HALF = "Half of a pair is missing: days are given, and no family and no payment are taken"
WHICH = "Nobody can tell who of the pair paid: days are given, and no family and no payment are taken"


def read(url: str, club_zone: str) -> Iterator[Record | Untaken]:
    """Everything in the database at `url` (Prisma's `?schema=` is understood). Raises Problem if it is neither shape."""
    address, schema = _address(url)
    try:
        db = psycopg.connect(address, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise Problem(f"The database of the original cannot be reached: {str(error).splitlines()[0]}") from error
    with db:
        db.execute("set transaction isolation level repeatable read, read only")
        db.execute("select set_config('statement_timeout', '0', true), set_config('search_path', %s, true)", [schema])
        db.execute("select set_config('timezone', 'UTC', true)")
        set_json_loads(partial(json.loads, parse_float=Decimal), db)
        if _has(db, DEPLOYED):
            yield from Deployed(db, club_zone)
        elif _has(db, DOCUMENTED):
            yield from Documented(db, club_zone)
        else:
            raise Problem(
                f"The schema {schema} has neither the tables {', '.join(DOCUMENTED)} nor {', '.join(DEPLOYED)}."
            )


def _address(url: str) -> tuple[str, str]:
    """Without what only Prisma understands, and the schema it names."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    schema = query.pop("schema", "public")
    for prismas in ("pgbouncer", "connection_limit", "pool_timeout", "sslaccept"):
        query.pop(prismas, None)
    return urlunsplit(parts._replace(query=urlencode(query))), schema


def _has(db: psycopg.Connection, tables: tuple[str, ...]) -> bool:
    return all(
        db.execute("select to_regclass(quote_ident(%s)) is not null", [table]).fetchone() == (True,) for table in tables
    )


def _rows(db: psycopg.Connection, table: str, order: str = "1") -> Iterator[Row]:
    """The rows of a table, each a mapping from its columns, written with underlines."""
    with db.cursor(f"moving {table}") as cursor:
        cursor.itersize = ITERSIZE
        statement = sql.SQL("select to_jsonb(t) from {} t order by {}").format(sql.Identifier(table), sql.SQL(order))
        for (row,) in cursor.execute(statement):
            yield {_underlined(column): value for column, value in row.items()}


def _underlined(column: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in column).lstrip("_")


def _each(kind: str, table: str, rows: Iterator[Row], record_of: Callable[[Row, str], Taken]) -> Taken:
    """What `record_of` makes of each row; what it doubts is not taken."""
    for row in rows:
        place = f"{table} {row.get('id', '')}"
        try:
            yield from record_of(row, place)
        except Doubt as doubt:
            yield _untaken(kind, place, str(row.get("id", "")), doubt)


def _untaken(kind: str, place: str, external_id: str, doubt: Doubt, *, in_part: bool = False) -> Untaken:
    return Untaken(
        kind=kind, place=place, external_id=external_id, reason=doubt.reason, detail=doubt.value, in_part=in_part
    )


def _in_part(kind: str, place: str, external_id: str, reason: str, detail: object = "") -> Untaken:
    return Untaken(kind=kind, place=place, external_id=external_id, reason=reason, detail=str(detail), in_part=True)


def _text(value: object, longest: int) -> str | None:
    words = str(value or "").strip()
    if len(words) > longest or "\x00" in words:
        raise Doubt(f"A text is longer than {longest} characters", words)
    return words or None


def _title(value: object) -> str:
    words = " ".join(str(value or "").split())
    if not 1 <= len(words) <= 120 or reading.CONTROL.search(words):
        raise Doubt("A meeting has a title of 1 to 120 characters", words)
    return words


def _platform(value: object) -> str:
    if value not in ("google-meet", "zoom"):
        raise Doubt("Nobody here knows this platform", value)
    return str(value)


def _duration(value: object) -> int:
    if not isinstance(value, int) or not 0 < value <= LONGEST_MEETING:
        raise Doubt("A meeting lasts 1 to 480 minutes", value)
    return value


class Documented:
    """The shape of the documentation."""

    def __init__(self, db: psycopg.Connection, club_zone: str) -> None:
        self.db, self.club_zone, self.now = db, club_zone, clock.now()

    def __iter__(self) -> Taken:
        yield from _each("person", "users", _rows(self.db, "users", "t.id"), self.person)
        yield from _each("order", "orders", _rows(self.db, "orders", "t.id"), self.order)
        yield from _each("grant", "users", _rows(self.db, "users", "t.id"), self.days)
        yield from _each("family", "family_plans", _rows(self.db, "family_plans", "t.id"), self.family)
        yield from _each("member", "users", _rows(self.db, "users", "t.id"), self.member)
        yield from _each("meeting", "meetings", _rows(self.db, "meetings", "t.id"), self.meeting)
        yield from _each(
            "attendance", "meeting_attendances", _rows(self.db, "meeting_attendances", "t.id"), self.attendance
        )

    def person(self, row: Row, place: str) -> Taken:
        yield Person(
            external_id=row["id"],
            place=place,
            email=reading.address(row["email"]),
            first_name=reading.name(row["first_name"]),
            last_name=reading.name(row["last_name"]),
            timezone=reading.zone(row["timezone"], self.club_zone),
            created_at=reading.moment(row["created_at"]),
            is_active=row["is_active"],
        )
        if row["is_admin"]:
            yield _in_part("person", place, row["id"], "An admin there is none here until portal make-admin says so")

    def order(self, row: Row, place: str) -> Taken:
        status, paid_at = row["status"], reading.moment(row["completed_at"])
        if status not in ("completed", "refunded", "failed"):
            raise Doubt("It waits for a payment that cannot arrive here", status)
        if status != "failed" and paid_at is None:
            raise Doubt("It was paid, but nobody knows when")
        kind, cycle = reading.plan(row["subscription_type"], row["billing_cycle"])
        amount, counted, currency = reading.amount(row["amount"], row["currency"])
        paid_at = paid_at if status != "failed" else None
        yield Order(
            external_id=row["id"],
            place=place,
            person=row["user_id"],
            number=_text(row["order_number"], 40),
            status=status,
            amount=amount,
            amount_minor=counted,
            currency=currency,
            subscription_type=kind,
            billing_cycle=cycle,
            method=_text(row["payment_method"], 80),
            provider=_text(row["payment_provider"], 40),
            transaction=_text(row["transaction_id"], 200),
            created_at=reading.moment(row["created_at"]) or self.now,
            completed_at=paid_at,
            period_start=paid_at,
            period_end=paid_at and _after(paid_at, cycle),
        )

    def days(self, row: Row, place: str) -> Taken:
        status, until = row["subscription_status"], reading.moment(row["subscription_expiry"])
        if status not in (None, "active", "inactive", "pending"):
            raise Doubt("Nobody here knows this status of a subscription", status)
        if status == "active" and until is None:
            raise Doubt("The subscription is active there without a date")
        if status != "active" and until is not None and until > self.now:
            raise Doubt("There is a date ahead, but the status there is not active", status)
        if status == "active" and until is not None:
            yield Grant(
                external_id=f"{row['id']} {until.isoformat()}",
                place=place,
                person=row["id"],
                grant_kind="offline",
                starts_at=reading.moment(row["created_at"]),
                ends_at=until,
            )

    def family(self, row: Row, place: str) -> Taken:
        if not row["is_active"]:
            raise Doubt("The family is over there")
        yield Family(
            external_id=row["id"],
            place=place,
            primary=row["primary_user_id"],
            name=reading.name(row["plan_name"]),
            created_at=reading.moment(row["created_at"]),
        )

    def member(self, row: Row, place: str) -> Taken:
        family, role = row["family_plan_id"], row["family_role"]
        if family is None or role == "primary":
            return
        if role != "member":
            raise Doubt("Nobody here knows this place in a family", role)
        yield Member(external_id=f"{family} {row['id']}", place=place, family=family, person=row["id"])

    def meeting(self, row: Row, place: str) -> Taken:
        zone, duration = reading.zone(row["timezone"], self.club_zone), _duration(row["duration"])
        day = reading.moment(row["scheduled_date"])
        try:
            wall = time.fromisoformat(str(row["start_time"]))
        except ValueError as error:
            raise Doubt("That is not an hour", row["start_time"]) from error
        if day is None:
            raise Doubt("There is no day")
        starts = moment_of(day.date(), wall, zone)
        status, archived = self._status(row["status"], starts + timedelta(minutes=duration))
        places = row["max_attendees"]
        if places is not None and places <= 0:
            raise Doubt("There are no places", places)
        yield Meeting(
            external_id=row["id"],
            place=place,
            title=_title(row["title"]),
            description=_text(row["description"], 5000),
            scheduled_date=day.date(),
            start_time=wall,
            starts_at=starts,
            duration=duration,
            timezone=zone,
            platform=_platform(row["platform"]),
            is_private=row["is_private"],
            max_attendees=places,
            requires_approval=row["requires_approval"],
            status=status,
            archived_from=archived,
            attendance_record="final" if status in ("completed", "archived") else None,
            created_at=reading.moment(row["created_at"]),
        )
        if row["is_recurring"]:
            yield _in_part(
                "meeting", place, row["id"], "It recurs there by a rule nobody wrote down; plan a series here"
            )
        if status == "scheduled" and row["meeting_link"]:
            yield _in_part("meeting", place, row["id"], "Its link is typed, or its room made, anew")

    def _status(self, status: object, ends: datetime) -> tuple[str, str | None]:
        if status not in ("scheduled", "active", "completed", "cancelled", "archived"):
            raise Doubt("Nobody here knows this status of a meeting", status)
        if status in ("completed", "archived") and ends > self.now:
            raise Doubt("It is over there and has not ended yet", status)
        if status == "archived":
            return "archived", "completed"
        if status in ("scheduled", "active"):
            return ("scheduled" if ends > self.now else "completed"), None
        return str(status), None

    def attendance(self, row: Row, place: str) -> Taken:
        status = row["status"]
        if status not in ("invited", "accepted", "declined", "attended", "no_show"):
            raise Doubt("Nobody here knows this answer", status)
        came = status in ("attended", "no_show")
        device = row["device_type"]
        yield Attendance(
            external_id=row["id"],
            place=place,
            meeting=row["meeting_id"],
            person=row["user_id"],
            answer="accepted" if came else status,
            outcome=status if came else None,
            invited_at=reading.moment(row["invited_at"]),
            responded_at=reading.moment(row["responded_at"]),
            joined_at=reading.moment(row["joined_at"]) if status == "attended" else None,
            left_at=reading.moment(row["left_at"]) if status == "attended" else None,
            device=device if device in ("desktop", "mobile", "tablet") else None,
        )


def _after(paid_at: datetime, cycle: str) -> datetime:
    """A month or a year later on the calendar; the last day of a shorter month."""
    months = paid_at.year * 12 + paid_at.month - 1 + (12 if cycle == "yearly" else 1)
    year, month = divmod(months, 12)
    for last in (paid_at.day, 30, 29, 28):
        try:
            return paid_at.replace(year=year, month=month + 1, day=last)
        except ValueError:
            continue
    raise AssertionError(paid_at)


class Deployed:
    """The shape of the repository. All of its clock is the club's: it knows no zone of anybody's."""

    def __init__(self, db: psycopg.Connection, club_zone: str) -> None:
        self.db, self.club_zone, self.now = db, club_zone, clock.now()

    def __iter__(self) -> Taken:
        yield from _each("person", "User", _rows(self.db, "User", "t.id"), self.person)
        ordered = _rows(self.db, "Subscription", '"orderId", "createdAt", t.id')
        for order_id, rows in groupby(ordered, key=lambda row: row["order_id"]):
            yield from self.order(order_id, list(rows))
        yield from _each("meeting", "Meeting", _rows(self.db, "Meeting", "t.id"), self.meeting)
        yield from _each("attendance", "_MeetingUsers", _rows(self.db, "_MeetingUsers", '"A", "B"'), self.attendance)

    def person(self, row: Row, place: str) -> Taken:
        yield Person(
            external_id=row["id"],
            place=place,
            email=reading.address(row["email"]),
            first_name=reading.name(row["first_name"]),
            last_name=reading.name(row["last_name"]),
            timezone=self.club_zone,
            created_at=reading.moment(row["created_at"]),
        )
        if row.get("role", "user") != "user":
            yield _in_part("person", place, row["id"], "An admin there is none here until portal make-admin says so")

    def order(self, order_id: str, rows: list[Row]) -> Taken:
        """One payment: a row for one person, two for a pair. What is wrong with one row is wrong with the payment."""
        place = f"Subscription {', '.join(row['id'] for row in rows)}"
        try:
            yield from self._payment(order_id, rows, place)
        except Doubt as doubt:
            yield _untaken("order", place, order_id, doubt)

    def _payment(self, order_id: str, rows: list[Row], place: str) -> Taken:
        for row in rows:
            self._refuse_unclear(row)
        kinds, periods = {row["plan_type"] for row in rows}, {(row["start_date"], row["end_date"]) for row in rows}
        if len(rows) > 1 and (
            kinds != {MONTHLY_FAMILY} or len(rows) > 2 or len({row["user_id"] for row in rows}) < len(rows)
        ):
            raise Doubt("Several rows have one order and are no pair", order_id)
        if len(periods) > 1:
            raise Doubt("The two of a pair have different dates", order_id)
        first = rows[0]
        price = sum(row["price"] for row in rows)
        if kinds == {"monthly"} and price > 0:
            yield self._order(order_id, first, price, "individual", place)
            return
        if kinds != {MONTHLY_FAMILY} or price <= 0:
            yield from self._days(rows, "offline" if price > 0 else "complimentary")
            if price > 0:
                yield _in_part(
                    "order",
                    place,
                    order_id,
                    "There is no such plan here: its days are given, its payment is not in the revenue",
                    first["plan_type"],
                )
            return
        if len(rows) == 1:
            yield from self._days(rows, "offline")
            yield _in_part("order", place, order_id, HALF)
            return
        if rows[0]["created_at"] == rows[1]["created_at"]:
            yield from self._days(rows, "offline")
            yield _in_part("order", place, order_id, WHICH)
            return
        yield self._order(order_id, first, price, "family", place)
        if (self._moment(first["end_date"])) > self.now:
            yield Family(
                external_id=order_id,
                place=place,
                primary=first["user_id"],
                name=None,
                created_at=reading.moment(first["created_at"]),
            )
            other = rows[1]["user_id"]
            yield Member(external_id=f"{order_id} {other}", place=place, family=order_id, person=other)

    def _refuse_unclear(self, row: Row) -> None:
        if row["payment_status"] in UNPAID:
            raise Doubt("It was never paid", row["payment_status"])
        if row["payment_status"] not in PAID:
            raise Doubt("Nobody here knows this status of a payment", row["payment_status"])
        if row["status"] not in ("active", "inactive", "expired"):
            raise Doubt("Nobody here knows this status of a subscription", row["status"])
        start, end = self._moment(row["start_date"]), self._moment(row["end_date"])
        if end <= start:
            raise Doubt("It ends before it begins", f"{row['start_date']} to {row['end_date']}")
        if row["status"] != "active" and end > self.now:
            raise Doubt("There is a date ahead, but the status there is not active", row["status"])

    def _moment(self, value: object) -> datetime:
        read = reading.moment(value)
        if read is None:
            raise Doubt("A date is missing")
        return read

    def _order(self, order_id: str, row: Row, rupees: int, kind: str, place: str) -> Order:
        amount, counted, currency = reading.amount(rupees, "INR")
        paid_at = self._moment(row["created_at"])
        return Order(
            external_id=order_id,
            place=place,
            person=row["user_id"],
            status="completed",
            amount=amount,
            amount_minor=counted,
            currency=currency,
            subscription_type=kind,
            billing_cycle="monthly",
            provider="razorpay",
            transaction=_text(row["payment_ref"], 200),
            created_at=paid_at,
            completed_at=paid_at,
            period_start=self._moment(row["start_date"]),
            period_end=self._moment(row["end_date"]),
        )

    def _days(self, rows: list[Row], kind: str) -> Iterator[Grant]:
        for row in rows:
            yield Grant(
                external_id=row["id"],
                place=f"Subscription {row['id']}",
                person=row["user_id"],
                grant_kind=kind,
                starts_at=self._moment(row["start_date"]),
                ends_at=self._moment(row["end_date"]),
            )

    def meeting(self, row: Row, place: str) -> Taken:
        starts, ends = self._moment(row["start_time"]), self._moment(row["end_time"])
        local = starts.astimezone(ZoneInfo(self.club_zone))
        over = ends <= self.now
        yield Meeting(
            external_id=row["id"],
            place=place,
            title=_title(row["meeting_title"]),
            description=_text(row["meeting_desc"], 5000),
            scheduled_date=local.date(),
            start_time=local.time().replace(tzinfo=None),
            starts_at=starts,
            duration=_duration(round((ends - starts).total_seconds() / 60)),
            timezone=self.club_zone,
            platform=_platform(row["platform"]),
            is_private=False,
            max_attendees=None,
            requires_approval=False,
            status="completed" if over else "scheduled",
            archived_from=None,
            attendance_record="not_recorded" if over else None,
            created_at=reading.moment(row["created_at"]),
        )
        if not over:
            yield _in_part("meeting", place, row["id"], "Its link is typed, or its room made, anew")

    def attendance(self, row: Row, _place: str) -> Taken:
        """Whom a mail invited: who answered or came, nobody wrote down there."""
        meeting, person = row["a"], row["b"]
        yield Attendance(
            external_id=f"{meeting} {person}",
            place=f"_MeetingUsers {meeting} {person}",
            meeting=meeting,
            person=person,
            answer="invited",
            outcome=None,
            invited_at=None,
            responded_at=None,
            joined_at=None,
            left_at=None,
            device=None,
        )
