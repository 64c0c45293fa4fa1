"""Amounts in words: each currency with its own decimals, and never a float."""

from dataclasses import replace
from decimal import Decimal

import pytest
from babel.numbers import list_currencies

from portal.billing import Plan, money, provider
from tests.support.reading import one, words


@pytest.mark.parametrize(
    ("minor", "currency", "major", "said"),
    [
        (1200, "USD", "12.00", "$12.00"),
        (1, "USD", "0.01", "$0.01"),
        (123456789, "EUR", "1234567.89", "€1,234,567.89"),
        (1200, "JPY", "1200", "¥1,200"),
        (3500, "KWD", "3.500", "KWD\xa03.500"),
        (150000, "ISK", "1500", "ISK\xa01,500"),
        (500, "UGX", "5", "UGX\xa05"),
        (120000, "RSD", "1200", "RSD\xa01,200.00"),
        (1250, "LAK", "12.50", "LAK\xa012.50"),
        (999999999999, "USD", "9999999999.99", "$9,999,999,999.99"),
    ],
)
def test_smallest_units_become_an_amount_and_back(minor, currency, major, said):
    assert money.major(minor, currency) == Decimal(major)
    assert money.minor(Decimal(major), currency) == minor
    assert money.shown(Decimal(major), currency) == said


def test_every_currency_is_counted_as_the_provider_counts_it():
    """Nought, two or three decimals by its own list (docs.stripe.com/currencies), whatever CLDR and ISO 4217 say."""
    factors = {code: money.minor(Decimal(100), code) // 100 for code in list_currencies()}
    assert sorted(code for code, factor in factors.items() if factor == 1) == [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
    assert sorted(code for code, factor in factors.items() if factor == 1000) == ["BHD", "JOD", "KWD", "OMR", "TND"]
    assert {factor for code, factor in factors.items()} == {1, 100, 1000}


@pytest.mark.parametrize(
    ("amount", "currency"), [("9.505", "USD"), ("1200.5", "JPY"), ("1500.50", "ISK"), ("5.01", "UGX"), ("3.505", "KWD")]
)
def test_what_the_provider_cannot_charge_is_no_amount(amount, currency):
    with pytest.raises(ValueError, match="cannot be paid"):
        money.minor(Decimal(amount), currency)


def test_a_price_goes_to_the_provider_as_it_is_written(bank, app, sign_in, superuser, eve, monkeypatch):
    monkeypatch.setitem(
        app.config, "SETTINGS", replace(app.config["SETTINGS"], currency="ISK", individual_month=Decimal(1500))
    )
    with app.app_context():
        provider.sync_plans()
    browser = sign_in(eve)
    bank.buy(browser)
    assert bank.world.ledger().total == {"isk": 150_000}
    assert one(superuser, "select amount from orders where user_id = %s", eve.id) == 1500
    assert "ISK 1,500" in words(browser.get("/orders"))


@pytest.mark.parametrize(
    ("month", "year", "said"),
    [
        ("12", "120", "two months free"),
        ("12", "132", "one month free"),
        ("12", "125", "you save $19"),
        ("12", "144", ""),
        ("12", "150", ""),
    ],
)
def test_what_a_year_saves_is_said_as_it_is(month, year, said):
    assert Plan("family", "Family", Decimal(month), Decimal(year), "USD").saving == said


@pytest.mark.parametrize(("currency", "said"), [("USD", "US dollars"), ("JPY", "Japanese yen"), ("EUR", "euros")])
def test_the_front_page_names_the_clubs_own_currency_and_the_terms_its_days(client, app, monkeypatch, currency, said):
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], currency=currency))
    monkeypatch.setitem(app.jinja_env.globals["club"], "grace_days", 14)
    assert f"Prices in {said}." in words(client.get("/"))
    assert "you keep access for 14 more days" in words(client.get("/terms"))
