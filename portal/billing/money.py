"""Amounts, exactly: counted as the payment provider counts them (`portal.currencies`), written with as many decimals, never a float."""

from decimal import Decimal

from babel.numbers import format_currency, get_currency_name

from portal.currencies import can_be_paid, decimals, exponent, least

__all__ = ["can_be_paid", "decimals", "least", "major", "minor", "name", "plain", "short", "shown"]


def name(currency: str) -> str:
    """US dollars, Japanese yen."""
    return get_currency_name(currency, count=2, locale="en_US")


def minor(amount: Decimal, currency: str) -> int:
    """`amount` as the payment provider counts. Raises ValueError for one that it cannot charge."""
    if not can_be_paid(amount, currency):
        raise ValueError(f"{amount} {currency} cannot be paid")
    return int(amount.scaleb(exponent(currency)))


def major(amount_minor: int, currency: str) -> Decimal:
    """What the payment provider counts, back to an amount."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def shown(amount: Decimal, currency: str) -> str:
    """$240.00, ¥1,200, KWD 3.500, RSD 1,200.00."""
    places = decimals(currency)
    pattern = "¤#,##0" + ("." + "0" * places if places else "")
    formatted = format_currency(amount, currency, pattern, locale="en_US", currency_digits=False)
    return formatted.replace(currency, f"{currency}\N{NO-BREAK SPACE}")


def plain(amount: Decimal, currency: str) -> str:
    """240.00 or 1200, for machines and spreadsheets."""
    return f"{amount:.{decimals(currency)}f}"


def short(amount: Decimal, currency: str) -> str:
    """$12 when nothing follows the point, $9.50 when something does."""
    return shown(amount, currency).removesuffix("." + "0" * decimals(currency))
