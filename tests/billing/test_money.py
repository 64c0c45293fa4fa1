"""Amounts in words: each currency with its own decimals, and never a float."""

from decimal import Decimal

import pytest

from portal.billing import money


@pytest.mark.parametrize(
    ("minor", "currency", "major", "said"),
    [
        (1200, "USD", "12.00", "$12.00"),
        (1, "USD", "0.01", "$0.01"),
        (123456789, "EUR", "1234567.89", "€1,234,567.89"),
        (1200, "JPY", "1200", "¥1,200"),
        (3500, "KWD", "3.500", "KWD\xa03.500"),
        (999999999999, "USD", "9999999999.99", "$9,999,999,999.99"),
    ],
)
def test_smallest_units_become_an_amount_and_back(minor, currency, major, said):
    assert money.major(minor, currency) == Decimal(major)
    assert money.minor(Decimal(major), currency) == minor
    assert money.shown(Decimal(major), currency) == said


@pytest.mark.parametrize(
    ("currency", "decimals"), [("JPY", 0), ("KRW", 0), ("USD", 2), ("TRY", 2), ("KWD", 3), ("BHD", 3)]
)
def test_a_currency_knows_its_decimals(currency, decimals):
    assert money.decimals(currency) == decimals
