"""Every setting is read once and checked; what is wrong is one sentence that names it."""

from datetime import time
from decimal import Decimal

import pytest

from portal.config import Settings, driver_url, kept_secret, plain_url
from portal.problems import Problem, Refused

GOOD = {
    "DATABASE_URL": "postgresql://portal_web:secret@db.example:5433/club?sslmode=require", "SECRET_KEY": "k" * 32, "ADDRESS_KEY": "a" * 32,
    "PUBLIC_URL": "https://portal.example/", "MAIL_URL": "smtp://club:geheim@mail.example:587",
    "STRIPE_SECRET_KEY": "sk_live_geheim", "STRIPE_WEBHOOK_SECRET": "whsec_geheim",
}  # fmt: skip


def settings(**changes) -> Settings:
    return Settings.from_environment({**GOOD, **changes})


def test_a_real_server_needs_seven_settings():
    made = settings()
    assert made.public_url == "https://portal.example" and not made.sandbox and made.default_meeting_time == time(21, 0)
    assert made.database_url == "postgresql+psycopg://portal_web:secret@db.example:5433/club?sslmode=require"
    assert (
        made.owner_url.startswith("postgresql+psycopg://portal_owner:secret@") and "portal_worker:" in made.worker_url
    )


def test_every_setting_can_be_given():
    made = settings(
        OWNER_DATABASE_URL="postgres://o@x/c",
        WORKER_DATABASE_URL="postgresql://w@x/c",
        CLUB_NAME="Chess",
        CLUB_TIMEZONE="Asia/Tokyo",
        DEFAULT_MEETING_TIME="19:30",
        DOORS_MINUTES="5",
        WELCOME_DAYS="0",
        SUBSCRIPTION_GRACE_PERIOD_DAYS="3",
        CURRENCY="KWD",
        PLAN_FAMILY="Household",
        PRICE_INDIVIDUAL_MONTHLY="3.5",
        TRUSTED_PROXIES="2",
        PGBOUNCER="1",
        SECRET_KEY_FALLBACKS="one two",
        HELP_EMAIL="help@chess.example",
        MAIL_FROM="Chess <chess@chess.example>",
        ASSETS="/tmp/assets",
    )
    assert (made.owner_url, made.worker_url) == ("postgresql+psycopg://o@x/c", "postgresql+psycopg://w@x/c")
    assert (made.club_name, made.club_timezone, made.default_meeting_time) == ("Chess", "Asia/Tokyo", time(19, 30))
    assert (made.doors_minutes, made.welcome_days, made.trusted_proxies, made.pgbouncer) == (5, 0, 2, True)
    assert (made.grace_days, made.currency, made.individual_month, made.family_name) == (3, "KWD", Decimal("3.5"), "Household")
    assert made.secret_key_fallbacks == ("one", "two") and str(made.assets) == "/tmp/assets"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "sqlite:///club.db"),
        ("DATABASE_URL", "mysql://x/y"),
        ("DATABASE_URL", "portal_web@db"),
        ("STRIPE_SECRET_KEY", ""),
        ("STRIPE_SECRET_KEY", "sk_test_sandbox"),
        ("STRIPE_WEBHOOK_SECRET", ""),
        ("STRIPE_URL", "http://127.0.0.1:8001"),
        ("CURRENCY", "dollars"),
        ("PRICE_FAMILY_MONTHLY", "free"),
        ("PRICE_FAMILY_MONTHLY", "0"),
        ("PRICE_FAMILY_MONTHLY", "9.505"),
        ("PRICE_INDIVIDUAL_YEARLY", "NaN"),
        ("SUBSCRIPTION_GRACE_PERIOD_DAYS", "91"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "k" * 31),
        ("ADDRESS_KEY", ""),
        ("ADDRESS_KEY", "a" * 31),
        ("PUBLIC_URL", "http://portal.example"),
        ("PUBLIC_URL", "portal.example"),
        ("PUBLIC_URL", ""),
        ("MAIL_URL", ""),
        ("MAIL_URL", "sandbox:"),
        ("MAIL_URL", "mail.example"),
        ("MAIL_URL", "smtp://"),
        ("MAIL_URL", "smtp://mail.example:many"),
        ("CLUB_TIMEZONE", "Mars/Olympus"),
        ("CLUB_TIMEZONE", "Europe"),
        ("CLUB_TIMEZONE", ""),
        ("CLUB_TIMEZONE", "../etc/passwd"),
        ("DEFAULT_MEETING_TIME", "nine"),
        ("DEFAULT_MEETING_TIME", "25:00"),
        ("DEFAULT_MEETING_TIME", ""),
        ("DEFAULT_MEETING_TIME", "21:00+03:00"),
        ("DOORS_MINUTES", "ten"),
        ("DOORS_MINUTES", "-1"),
        ("DOORS_MINUTES", "²"),
        ("DOORS_MINUTES", "9" * 20),
        ("WELCOME_DAYS", "1.5"),
        ("TRUSTED_PROXIES", "yes"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(name, value):
    with pytest.raises(Problem) as told:
        settings(**{name: value})
    assert name in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(("currency", "price"), [("ISK", "1500.5"), ("KWD", "3.505"), ("JPY", "1200.5"), ("RSD", "12.005")])
def test_a_price_is_one_that_can_be_charged(currency, price):
    with pytest.raises(Problem, match=f"PRICE_FAMILY_MONTHLY is {price}; Stripe takes {currency} in steps of"):
        settings(CURRENCY=currency, PRICE_FAMILY_MONTHLY=price)


def test_the_sandbox_needs_no_mail_server_and_no_https():
    made = settings(SANDBOX="1", MAIL_URL="sandbox:", PUBLIC_URL="http://127.0.0.1:8000")
    assert made.sandbox and made.mail_url == "sandbox:"
    assert (
        Settings.from_environment({k: v for k, v in GOOD.items() if k != "MAIL_URL"} | {"SANDBOX": "1"}).mail_url
        == "sandbox:"
    )


def test_secrets_are_not_printed():
    assert "kkkk" not in repr(settings()) and "aaaa" not in repr(settings())
    assert "fall" not in repr(settings(SECRET_KEY_FALLBACKS="fallback"))


def test_addresses_of_one_server_for_each_login():
    assert driver_url("postgres://a:b@h/d", "c") == "postgresql+psycopg://c:b@h/d"
    assert driver_url("postgresql:///d?host=/tmp", "c") == "postgresql+psycopg://c@/d?host=/tmp"
    assert plain_url(driver_url("postgresql://a@h/d")) == "postgresql://a@h/d"


def test_a_kept_secret_is_made_once_and_only_for_its_owner(tmp_path):
    path = tmp_path / "var" / "secret"
    first = kept_secret(path)
    assert len(first) >= 32 and kept_secret(path) == first and path.stat().st_mode & 0o777 == 0o600


def test_a_refusal_is_its_docstring_or_what_it_was_given():
    class Full(Refused):
        """There is no seat left."""

    assert Full().sentence == "There is no seat left." and Full("None at all.").sentence == "None at all."
