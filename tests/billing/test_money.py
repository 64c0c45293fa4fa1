"""Amounts in words: each currency with its own decimals, and never a float."""

from dataclasses import replace
from decimal import Decimal

import pytest

from portal.billing import Plan, money
from tests.support.reading import words


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


def test_a_part_of_the_smallest_unit_is_no_amount():
    with pytest.raises(ValueError, match="cannot be paid"):
        money.minor(Decimal("9.505"), "USD")


@pytest.mark.parametrize(
    ("month", "year", "said"),
    [("12", "120", "two months free"), ("12", "132", "one month free"), ("12", "125", "you save $19"), ("12", "144", ""),
     ("12", "150", "")],  # fmt: skip
)
def test_what_a_year_saves_is_said_as_it_is(month, year, said):
    assert Plan("family", "Family", Decimal(month), Decimal(year), "USD").saving == said


@pytest.mark.parametrize(("currency", "said"), [("USD", "US dollars"), ("JPY", "Japanese yen"), ("EUR", "euros")])
def test_the_front_page_names_the_clubs_own_currency_and_the_terms_its_days(client, app, monkeypatch, currency, said):
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], currency=currency))
    monkeypatch.setitem(app.jinja_env.globals["club"], "grace_days", 14)
    assert f"Prices in {said}, tax included." in words(client.get("/"))
    assert "you keep access for 14 more days" in words(client.get("/terms"))
