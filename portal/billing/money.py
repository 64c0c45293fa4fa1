"""Money in words: the currency's own number of decimals, never a float."""

from decimal import Decimal
from functools import cache

from babel.numbers import format_currency, get_currency_name, get_currency_precision


@cache
def decimals(currency: str) -> int:
    """How many decimals a currency has: 0 for JPY, 2 for USD, 3 for KWD (ISO 4217)."""
    return get_currency_precision(currency)


def name(currency: str) -> str:
    """US dollars, Japanese yen."""
    return get_currency_name(currency, count=2, locale="en_US")


def minor(amount: Decimal, currency: str) -> int:
    """`amount` in the currency's smallest unit, as payment providers count. Raises ValueError for a part of one."""
    counted = amount.scaleb(decimals(currency))
    if counted != int(counted):
        raise ValueError(f"{amount} {currency} cannot be paid")
    return int(counted)


def major(amount_minor: int, currency: str) -> Decimal:
    """Smallest units back to an amount."""
    return Decimal(amount_minor).scaleb(-decimals(currency))


def shown(amount: Decimal, currency: str) -> str:
    """$240.00, ¥1,200, KWD 3.500."""
    said = format_currency(amount, currency, locale="en_US")
    return said.replace(currency, f"{currency}\N{NO-BREAK SPACE}")


def plain(amount: Decimal, currency: str) -> str:
    """240.00 or 1200, for machines and spreadsheets."""
    return f"{amount:.{decimals(currency)}f}"


def short(amount: Decimal, currency: str) -> str:
    """$12 when nothing follows the point, $9.50 when something does."""
    return shown(amount, currency).removesuffix("." + "0" * decimals(currency))
