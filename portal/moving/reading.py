"""What sources write, in the club's words: addresses, names, moments, amounts, plans. What is in doubt is refused."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from portal.billing.money import minor
from portal.times import zones

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
ADDRESS = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
STRIPE_ID = re.compile(r"(cus|sub)_[A-Za-z0-9_]{1,200}")
LONGEST_NAME, LONGEST_ADDRESS, LONGEST_ID = 80, 254, 200

NO_PLAN = "Nobody said which plan this price is here"
"""The reason for a row whose price is not among those that were told."""

Plan = tuple[str, str]
"""What a plan is here: individual or family, monthly or yearly."""


class Doubt(Exception):  # noqa: N818 - a doubt about a value, not an error
    """A value that cannot be taken. The sentence is the reason the report gives; `value` stands beside it."""

    def __init__(self, reason: str, value: object = "") -> None:
        super().__init__(reason)
        self.reason, self.value = reason, str(value)[:200]


def address(value: object) -> str:
    """An address as it was written, without blanks around it. Raises Doubt."""
    words = str(value or "").strip()
    if not words:
        raise Doubt("There is no address")
    if not ADDRESS.fullmatch(words) or len(words) > LONGEST_ADDRESS:
        raise Doubt("That is not an address", words)
    return words


def name(value: object) -> str | None:
    """A name, or None for none. Raises Doubt for one that is too long, or holds what cannot be written."""
    words = " ".join(str(value or "").split())
    if not words:
        return None
    if len(words) > LONGEST_NAME or CONTROL.search(words):
        raise Doubt("The name is longer than 80 characters or holds control characters", words)
    return words


def zone(value: object, otherwise: str) -> str:
    """A time zone that is known here; `otherwise` where the source has none. Raises Doubt."""
    words = str(value or "").strip()
    if words and words not in zones():
        raise Doubt("Nobody here knows this time zone", words)
    return words or otherwise


def moment(value: object) -> datetime | None:
    """A moment as databases write it; one without an offset is in UTC, as Prisma keeps them. Raises Doubt."""
    if value in (None, ""):
        return None
    try:
        read = datetime.fromisoformat(str(value).strip())
    except ValueError as error:
        raise Doubt("That is not a date", value) from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def day(value: str, patterns: tuple[str, ...], club_zone: str, *, last: bool = False) -> datetime | None:
    """A date or moment of a file. A date alone is its first moment on the club's clock, or its `last`; one with an hour and no
    offset is in UTC. Raises Doubt.
    """
    words = value.strip()
    if not words:
        return None
    for pattern in patterns:
        try:
            date = datetime.strptime(words, pattern).date()  # noqa: DTZ007 - a date alone
        except ValueError:
            continue
        try:
            return datetime.combine(date + timedelta(days=last), time(), ZoneInfo(club_zone)).astimezone(UTC)
        except OverflowError as error:  # a day before the year 1, or after 9999, where clocks end
            raise Doubt("That is not a date", value) from error
    return moment(words)


def external_id(value: str) -> str:
    """What a row is called where it comes from, or nothing. Raises Doubt for what is too long for a name."""
    if len(value) > LONGEST_ID:
        raise Doubt("The id is longer than 200 characters", value)
    return value


def truth(value: str) -> bool:
    """Yes or no. Raises Doubt."""
    words = value.strip().lower()
    if words in ("true", "yes", "1", "t", "y"):
        return True
    if words in ("", "false", "no", "0", "f", "n"):
        return False
    raise Doubt("That is neither yes nor no", value)


def amount(value: object, currency: object) -> tuple[Decimal, int, str]:
    """An amount in whole units (rupees, not paise), as it is counted at the payment provider, and its currency. Raises Doubt."""
    code = str(currency or "").strip().upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise Doubt("That is not a currency", currency)
    try:
        number = Decimal(str(value))
        counted = minor(number, code)
    except (InvalidOperation, ValueError) as error:
        raise Doubt("That amount cannot be paid in its currency", f"{value} {code}") from error
    if counted <= 0:
        raise Doubt("Nothing was paid", f"{value} {code}")
    return number, counted, code


def plan(kind: object, cycle: object) -> Plan:
    """Individual or family, monthly or yearly. Raises Doubt."""
    if kind not in ("individual", "family") or cycle not in ("monthly", "yearly"):
        raise Doubt("There is no such plan here", f"{kind}/{cycle}")
    return str(kind), str(cycle)


def prices(options: tuple[str, ...]) -> Mapping[str, Plan]:
    """What `--price NAME=individual/monthly` said. Raises ValueError."""
    known = {}
    for option in options:
        theirs, equals, ours = option.rpartition("=")
        kind, _, cycle = ours.partition("/")
        if not equals or not theirs:
            raise ValueError(option)
        try:
            known[theirs.strip()] = plan(kind.strip(), cycle.strip())
        except Doubt as doubt:
            raise ValueError(option) from doubt
    return known
