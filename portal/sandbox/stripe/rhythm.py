"""When periods begin and end: every boundary is counted from the anchor, so 31 January, 28 February, 31 March."""

import calendar
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from portal.currencies import decimals, exponent
from portal.sandbox.stripe.shapes import Body


def boundary(anchor: int, recurring: Body, number: int) -> int:
    """The `number`-th boundary after the anchor."""
    at, steps = datetime.fromtimestamp(anchor, UTC), number * recurring["interval_count"]
    if recurring["interval"] in ("day", "week"):
        return int((at + timedelta(days=steps * (7 if recurring["interval"] == "week" else 1))).timestamp())
    months = at.month - 1 + steps * (12 if recurring["interval"] == "year" else 1)
    year, month = at.year + months // 12, months % 12 + 1
    return int(at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1])).timestamp())


def after(anchor: int, recurring: Body, moment: int) -> int:
    """The first boundary later than this moment."""
    if moment < anchor:
        return anchor
    days = {"day": 1, "week": 7, "month": 31, "year": 366}[recurring["interval"]] * recurring["interval_count"]
    number = (moment - anchor) // (days * 86400)
    while boundary(anchor, recurring, number) <= moment:
        number += 1
    return boundary(anchor, recurring, number)


def money(amount: int, currency: str) -> str:
    """An amount as a person writes it."""
    code = currency.upper()
    whole = f"{Decimal(abs(amount)).scaleb(-exponent(code)):,.{decimals(code)}f}"
    return f"{'−' if amount < 0 else ''}{whole} {code}"


def every(recurring: Body | None) -> str:
    """How often, in words."""
    if not recurring:
        return "once"
    count = recurring["interval_count"]
    return f"per {recurring['interval']}" if count == 1 else f"every {count} {recurring['interval']}s"
