"""Files of people: what Ghost, Memberful and Paid Memberships Pro export, and any CSV whose columns are named.

The columns are those the makers document:

- Ghost: ghost.org/help/import-members, and the head of the file its members page exports (id, email, name, note,
  subscribed_to_emails, complimentary_plan, stripe_customer_id, created_at, deleted_at, labels, tiers)
- Memberful: memberful.com/help/import-members/import-members-via-csv (dates are month/day/year), and Members, Export
- Paid Memberships Pro: paidmembershipspro.com/documentation/add-on-docs/import-members-from-csv-add-on/import-csv-headings,
  and its Members List's Export to CSV

A head is compared without capitals, blanks and underlines. A file that gives its people no names of its own (ids) knows them
by their addresses; then a keyed hash of the address is what is kept of it.

Files are UTF-8, with or without a byte order mark, and their cells stand between commas, semicolons or tabs: whichever their
head has most of. What no such file can be (another encoding, NUL, a line or row without end, the same head twice) is refused
whole, in a sentence.
"""

import csv
import hashlib
import hmac
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from portal.moving import reading
from portal.moving.reading import Doubt, Plan
from portal.moving.records import Adoption, Grant, Person, Record, Untaken
from portal.problems import Problem

FIELDS = {
    "id": "what the row is called where it comes from",
    "email": "the address",
    "first_name": "the first name",
    "last_name": "the last name",
    "name": "the whole name, where it is in one column",
    "zone": "the time zone",
    "since": "when the person joined",
    "until": "until when the person has paid; the day counts",
    "complimentary": "yes, if the person pays nothing",
    "status": "anything but active, and no days are taken",
    "gone": "a date or yes, if the person is gone there",
    "customer": "the customer's id at Stripe, cus_…",
    "subscription": "the subscription's id at Stripe, sub_…",
    "price": "the plan or price there, which --price explains",
}
"""What a column may be, for `--map FIELD=COLUMN`."""
FREE_FOR_EVER = "It is free without an end there, and nobody said until when it is here"
ENDLESS = "It has no end there and its customer at Stripe is not in the file; nobody said until when it is here"
AMERICAN = ("%m/%d/%Y", "%Y-%m-%d")
"""Dates as both Memberful and WordPress sites write them."""


@dataclass(frozen=True)
class Layout:
    """Which columns mean what: for each field the heads it may have, and how dates are written."""

    heads: Mapping[str, tuple[str, ...]]
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    never: tuple[str, ...] = ()


LAYOUTS = {
    "ghost": Layout(
        {
            "id": ("id",),
            "email": ("email",),
            "name": ("name",),
            "since": ("created_at",),
            "complimentary": ("complimentary_plan",),
            "customer": ("stripe_customer_id",),
            "price": ("tiers", "products"),
            "gone": ("deleted_at",),
        }
    ),
    "memberful": Layout(
        {
            "id": ("Member ID", "ID"),
            "email": ("Email",),
            "first_name": ("First name",),
            "last_name": ("Last name",),
            "name": ("Full name", "Name"),
            "since": ("Created at", "Joined", "Signup date"),
            "until": ("Expiration date", "Expires at", "Expires", "Renewal date"),
            "customer": ("Stripe customer ID",),
            "subscription": ("Stripe subscription ID",),
            "price": ("Price", "Plan", "Subscription", "Plan ID"),
        },
        AMERICAN,
    ),
    "pmpro": Layout(
        {
            "id": ("user_id", "ID"),
            "email": ("user_email", "email"),
            "first_name": ("first_name", "firstname"),
            "last_name": ("last_name", "lastname"),
            "since": ("membership_startdate", "startdate", "joined"),
            "until": ("membership_enddate", "expires"),
            "status": ("membership_status",),
            "customer": ("pmpro_stripe_customerid", "stripe_customer_id"),
            "subscription": ("membership_subscription_transaction_id", "subscription_transaction_id"),
            "price": ("membership", "membership_id"),
        },
        AMERICAN,
        never=("never", "n/a", "0000-00-00", "0000-00-00 00:00:00", "null"),
    ),
    "csv": Layout({meaning: (meaning,) for meaning in FIELDS}),
}


@dataclass(frozen=True)
class Wish:
    """What the operator said besides the file. `until` is how long complimentary people of a file without dates have."""

    club_zone: str
    key: str
    prices: Mapping[str, Plan] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    until: datetime | None = None


LONGEST_LINE, LONGEST_ROW = 200_000, 1_000_000
"""Characters. A quoted cell may have line ends in it, so a row may be several lines."""
MOST_COLUMNS = 500
NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""What `errors="surrogateescape"` makes of bytes that are none of UTF-8."""


class Readable(Protocol):
    """A text file, as far as it matters here."""

    def readline(self, size: int, /) -> str:
        """The next line, or its first so many characters; empty at the end."""


class Rows(Iterator[list[str]]):
    """The rows of a CSV, the head first, never more of it in memory than one row. Raises Problem, which calls it `called`.

    `number` is the line the last row ended on. Empty lines are no rows.
    """

    def __init__(self, file: Readable, called: str) -> None:
        self.file, self.called, self.number, self._length = file, called, 0, 0
        first = self._line()
        self._reader = csv.reader(itertools.chain([first], iter(self._line, "")), delimiter=_delimiter(first))

    def __next__(self) -> list[str]:
        """The next row."""
        try:
            row = next(self._reader)
            while not row:
                row = next(self._reader)
        except csv.Error as broken:
            raise Problem(f"{self.called} is no CSV from line {self.number} on: {broken}.") from broken
        self._length = 0
        return row

    def _line(self) -> str:
        line = self.file.readline(LONGEST_LINE)
        self.number += bool(line)
        self._length += len(line)
        if (len(line) == LONGEST_LINE and not line.endswith("\n")) or self._length > LONGEST_ROW:
            raise Problem(
                f"{self.called} has a row without an end at line {self.number}: a quote may be missing there."
            )
        if NOT_UTF8.search(line):
            raise Problem(not_utf8(self.called, self.number))
        if "\0" in line:
            raise Problem(f"{self.called} holds a NUL character in line {self.number}, as no text does.")
        return line


def not_utf8(called: str, line: int) -> str:
    """The sentence for a file in another encoding."""
    return f"{called} is not in UTF-8 at line {line}: save it as “CSV UTF-8”, then names keep their letters."


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def head_of(rows: Rows) -> list[str]:
    """The head of a file of people. Raises Problem if it has none, or one that does not tell its columns apart."""
    head = [column.strip() for column in next(rows, [])]
    named = [column.lower() for column in head if column]
    if not named:
        raise Problem(f"{rows.called} has no head: its first line names the columns.")
    if len(head) > MOST_COLUMNS:
        raise Problem(f"{rows.called} has {len(head):,} columns, and {MOST_COLUMNS} is the most.")
    if twice := next((column for column in head if column and named.count(column.lower()) > 1), None):
        raise Problem(f"{rows.called} has two columns called {twice}: give each a name of its own.")
    return head


def columns_of(layout: Layout, head: list[str]) -> dict[str, str]:
    """Which column of a file is which field, as its maker documents them."""
    plain = {_plain(column): column for column in reversed(head)}
    return {
        meaning: plain[_plain(known)]
        for meaning in FIELDS
        for known in reversed(layout.heads.get(meaning, ()))
        if _plain(known) in plain
    }


class People:
    """A file of people. Raises Problem when it cannot be read, or says nothing of addresses.

    `line` is how far it was read.
    """

    def __init__(self, file: Path, layout: Layout, wish: Wish, called: str = "") -> None:
        self.file, self.layout, self.wish, self.called, self.line = file, layout, wish, called or str(file), 0
        with self._open() as opened:
            self.head = head_of(Rows(opened, self.called))
        self.columns = self._found()

    def _open(self) -> IO[str]:
        return open(self.file, encoding="utf-8-sig", errors="surrogateescape", newline="")

    def _found(self) -> dict[str, str]:
        columns, plain = columns_of(self.layout, self.head), {_plain(column): column for column in reversed(self.head)}
        for meaning, column in self.wish.columns.items():
            if meaning not in FIELDS:
                raise Problem(f"There is no field {meaning}; the fields are {', '.join(FIELDS)}.")
            if column and _plain(column) not in plain:
                raise Problem(f"{self.called} has no column {column}; its columns are {', '.join(self.head)}.")
            columns[meaning] = plain.get(_plain(column), "")
        columns = {meaning: column for meaning, column in columns.items() if column}
        if "email" not in columns:
            raise Problem(
                f"No column of {self.called} is known to hold addresses; say which: --map email=COLUMN."
                f" Its columns are {', '.join(self.head)}."
            )
        return columns

    def mapping(self) -> Iterator[str]:
        """Which column is taken for what, and which are not taken, in sentences."""
        for meaning in [meaning for meaning in FIELDS if meaning in self.columns]:
            column = self.columns[meaning]
            yield f"{meaning} is “{column}”: {FIELDS[meaning]}"
        unused = [column for column in self.head if column not in self.columns.values()]
        if unused:
            yield f"not taken: {', '.join(unused)}"

    def __iter__(self) -> Iterator[Record | Untaken]:
        with self._open() as opened:
            rows = Rows(opened, self.called)
            next(rows)
            for cells in rows:
                self.line = rows.number
                yield from self._row(cells, f"line {rows.number}")

    def _row(self, cells: list[str], place: str) -> Iterator[Record | Untaken]:
        row = dict(zip(self.head, cells, strict=False))
        value = {meaning: row.get(column, "").strip() for meaning, column in self.columns.items()}
        external_id = value.get("id", "")[: reading.LONGEST_ID]
        try:
            if len(cells) > len(self.head):
                raise Doubt("The row has more cells than the head")
            external_id = reading.external_id(value.get("id", ""))
            email = reading.address(value["email"])
            external_id = external_id or self._mark(email)
            yield self._person(value, email, external_id, place)
        except Doubt as doubt:
            yield _untaken("person", place, external_id, doubt)
            return
        for part in (self._days, self._adoption):
            try:
                yield from part(value, external_id, place)
            except Doubt as doubt:
                yield _untaken("grant" if part == self._days else "adoption", place, external_id, doubt)

    def _mark(self, email: str) -> str:
        """What a person is called who has no id: nobody reads an address in it, and the same address has the same."""
        return hmac.new(self.wish.key.encode(), f"moved in {email.lower()}".encode(), hashlib.sha256).hexdigest()

    def _person(self, value: Mapping[str, str], email: str, external_id: str, place: str) -> Person:
        if value.get("gone", "").lower() not in ("", "false", "no", "0"):
            raise Doubt("The person is gone there", value["gone"])
        first, last = reading.name(value.get("first_name")), reading.name(value.get("last_name"))
        if not first and not last and (whole := reading.name(value.get("name"))):
            first, _, rest = whole.partition(" ")
            last = rest or None
        return Person(
            external_id=external_id,
            place=place,
            email=email,
            first_name=first,
            last_name=last,
            timezone=reading.zone(value.get("zone"), self.wish.club_zone),
            created_at=self._date(value, "since"),
        )

    def _date(self, value: Mapping[str, str], meaning: str, *, last: bool = False) -> datetime | None:
        words = value.get(meaning, "")
        patterns = self.wish.dates or self.layout.dates
        return (
            None if words.lower() in self.layout.never else reading.day(words, patterns, self.wish.club_zone, last=last)
        )

    def _days(self, value: Mapping[str, str], external_id: str, place: str) -> Iterator[Record]:
        until = self._date(value, "until", last=True)
        is_free = reading.truth(value.get("complimentary", ""))
        if until is None and (is_free or self._is_endless(value)):
            until = self.wish.until
            if until is None:
                raise Doubt(FREE_FOR_EVER if is_free else ENDLESS, value.get("subscription", ""))
        if until is None:
            return
        if value.get("status") and value["status"].lower() != "active":
            raise Doubt("There is a date, but the status there is not active", value["status"])
        yield Grant(
            external_id=f"{external_id} {until.isoformat()}",
            place=place,
            person=external_id,
            grant_kind="complimentary" if is_free else "offline",
            starts_at=None,
            ends_at=until,
        )

    def _is_endless(self, value: Mapping[str, str]) -> bool:
        """Whether somebody has a plan there that says no end, as plugins write those that renew, and Stripe says none either."""
        is_active = value.get("status", "").lower() in ("", "active")
        return bool(self.layout.never) and is_active and bool(value.get("price")) and not value.get("customer")

    def _adoption(self, value: Mapping[str, str], external_id: str, place: str) -> Iterator[Record]:
        customer, subscription, price = (value.get(what, "") for what in ("customer", "subscription", "price"))
        if not customer and not subscription.startswith("sub_"):
            return
        if not customer:
            raise Doubt("Its customer at Stripe is not in the file", subscription)
        if not reading.STRIPE_ID.fullmatch(customer) or not customer.startswith("cus_"):
            raise Doubt("That is no customer of Stripe's", customer)
        subscription = subscription if reading.STRIPE_ID.fullmatch(subscription) else ""
        if not price and not subscription:
            return  # somebody who paid once, or never: nothing is charged there
        if price not in self.wish.prices:
            raise Doubt(reading.NO_PLAN, price)
        kind, cycle = self.wish.prices[price]
        yield Adoption(
            external_id=subscription or customer,
            place=place,
            person=external_id,
            customer_id=customer,
            subscription_id=subscription or None,
            subscription_type=kind,
            billing_cycle=cycle,
        )


def _untaken(kind: str, place: str, external_id: str, doubt: Doubt) -> Untaken:
    return Untaken(kind=kind, place=place, external_id=external_id, reason=doubt.reason, detail=doubt.value)


def _plain(head: str) -> str:
    return re.sub(r"[\s_]+", "", head).lower()
