"""Every setting is read once and checked; what is wrong is one sentence that names it."""

from datetime import time
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from portal.config import LOGINS, PAGES, ROOT, WORK, Settings, declared, kept_secret, table
from portal.problems import Problem, Refused
from portal.setting_values import driver_url, plain_url

GOOD = {
    "DATABASE_URL": "postgresql://portal_web:secret@db.example:5433/club?sslmode=require",
    "SECRET_KEY": "k" * 32,
    "ADDRESS_KEY": "a" * 32,
    "ROOM_KEY": "r" * 32,
    "PUBLIC_URL": "https://portal.example/",
    "MAIL_URL": "smtp://club:geheim@mail.example:587",
    "STRIPE_SECRET_KEY": "sk_live_geheim",
    "STRIPE_WEBHOOK_SECRET": "whsec_geheim",
}


def settings(needs=(*PAGES, *WORK[1:]), **changes) -> Settings:
    return Settings.from_environment({**GOOD, **changes}, needs=needs)


def test_a_real_server_with_cards_needs_seven_settings():
    made = settings()
    assert made.public_url == "https://portal.example" and not made.sandbox and made.default_meeting_time == time(21, 0)
    assert made.database_url == "postgresql+psycopg://portal_web:secret@db.example:5433/club?sslmode=require"
    assert made.live_url == made.database_url and made.warnings == ()


def test_who_answers_browsers_has_no_other_login():
    """Addresses made up from one password would have let a web process sign in as the owner."""
    made = settings()
    assert (made.owner_url, made.worker_url, made.backup_url) == ("", "", "")


def test_the_worker_has_no_other_login():
    environment = {**GOOD, "WORKER_DATABASE_URL": "postgresql://portal_worker:own@db.example/club"}
    del environment["DATABASE_URL"], environment["STRIPE_WEBHOOK_SECRET"]
    made = Settings.from_environment(environment, needs=WORK)
    assert (made.worker_url, made.database_url) == ("postgresql+psycopg://portal_worker:own@db.example/club", "")


def test_a_club_that_takes_no_cards_says_how_to_pay_it():
    without = {name: value for name, value in GOOD.items() if not name.startswith("STRIPE_")}
    with pytest.raises(Problem, match="Neither STRIPE_SECRET_KEY nor PAYMENT_INSTRUCTIONS is set"):
        Settings.from_environment(without)
    by_transfer = Settings.from_environment({**without, "PAYMENT_INSTRUCTIONS": "Transfer it to IBAN 1."})
    assert (by_transfer.payment_way, by_transfer.takes_cards, by_transfer.payment_pages) == ("transfer", False, "")
    with pytest.raises(Problem, match="PAYMENT_INSTRUCTIONS is for a club without STRIPE_SECRET_KEY"):
        settings(PAYMENT_INSTRUCTIONS="Transfer it to IBAN 1.")


def test_a_free_club_needs_neither():
    without = {name: value for name, value in GOOD.items() if not name.startswith("STRIPE_")}
    assert Settings.from_environment({**without, "MEMBERSHIP": "free"}).payment_way == "free"


def test_a_command_needs_its_login_and_nothing_else():
    made = Settings.from_environment({"OWNER_DATABASE_URL": "postgresql://o@x/c"}, needs=["OWNER_DATABASE_URL"])
    assert made.owner_url == "postgresql+psycopg://o@x/c"


def test_the_sandbox_makes_up_every_login_from_one():
    made = settings(SANDBOX="1")
    logins = [made.database_url, made.worker_url, made.owner_url, made.backup_url]
    assert [urlsplit(url).username for url in logins] == list(LOGINS.values())
    assert {urlsplit(url).password for url in logins} == {"secret"}


def test_every_setting_can_be_given():
    made = settings(
        OWNER_DATABASE_URL="postgres://o@x/c",
        WORKER_DATABASE_URL="postgresql://w@x/c",
        BACKUP_DATABASE_URL="postgresql://b@x/c",
        LIVE_DATABASE_URL="postgresql://l@x/c",
        BACKUPS="/srv/backups",
        CLUB_NAME="Chess",
        CLUB_TIMEZONE="Asia/Tokyo",
        CLUB_DOMAINS="Chess.example tokyo.example",
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
        LOG_LEVEL="debug",
    )
    assert (made.owner_url, made.worker_url) == ("postgresql+psycopg://o@x/c", "postgresql+psycopg://w@x/c")
    assert (made.backup_url, made.live_url) == ("postgresql+psycopg://b@x/c", "postgresql+psycopg://l@x/c")
    assert (made.club_name, made.club_timezone, made.default_meeting_time) == ("Chess", "Asia/Tokyo", time(19, 30))
    assert (made.doors_minutes, made.welcome_days, made.trusted_proxies, made.pgbouncer) == (5, 0, 2, True)
    assert (made.grace_days, made.currency, made.individual_month, made.family_name) == (
        3,
        "KWD",
        Decimal("3.5"),
        "Household",
    )
    assert made.secret_key_fallbacks == ("one", "two") and str(made.assets) == "/tmp/assets"
    assert made.club_domains == ("chess.example", "tokyo.example") and made.log_level == "DEBUG"
    assert str(made.backups) == "/srv/backups"


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
        ("STRIPE_SECRET_KEY", "pk_live_geheim"),
        ("STRIPE_WEBHOOK_SECRET", "geheim"),
        ("MEMBERSHIP", "gratis"),
        ("STRIPE_URL", "http://stripe.example"),
        ("STRIPE_URL", "127.0.0.1:8001"),
        ("OWNER_DATABASE_URL", "mysql://portal_owner@db/club"),
        ("WORKER_DATABASE_URL", "postgresql://portal_worker:p@ss@db/club"),
        ("WORKER_DATABASE_URL", "postgresql://portal_worker:p/ss@db/club"),
        ("BACKUP_DATABASE_URL", "postgresql://portal_backup:p#ss@db/club"),
        ("LIVE_DATABASE_URL", "postgresql://portal_web:50%@db/club"),
        ("DATABASE_URL", "postgresql://portal_web@db:many/club"),
        ("CURRENCY", "dollars"),
        ("CURRENCY", "XYZ"),
        ("CURRENCY", "XAU"),
        ("CURRENCY", "DEM"),
        ("PRICE_FAMILY_MONTHLY", "free"),
        ("PRICE_FAMILY_MONTHLY", "0"),
        ("PRICE_FAMILY_MONTHLY", "9.505"),
        ("PRICE_INDIVIDUAL_YEARLY", "NaN"),
        ("SUBSCRIPTION_GRACE_PERIOD_DAYS", "91"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "k" * 31),
        ("ADDRESS_KEY", ""),
        ("ADDRESS_KEY", "a" * 31),
        ("ROOM_KEY", ""),
        ("ROOM_KEY", "a" * 31),
        ("PUBLIC_URL", "http://portal.example"),
        ("PUBLIC_URL", "portal.example"),
        ("PUBLIC_URL", ""),
        ("PUBLIC_URL", "https://portal.example/club"),
        ("PUBLIC_URL", "https://portal.example?club"),
        ("PUBLIC_URL", "https://portal.example:many"),
        ("MAIL_FROM", "The club"),
        ("MAIL_FROM", ""),
        ("MAIL_FROM", "Chess, the club <club@chess.example>"),
        ("MAIL_FROM", "Kulüp <kulüp@chess.example>"),
        ("MAIL_FROM", "Chess <club@chess.example>\r\nBcc: eve@club.example"),
        ("HELP_EMAIL", "help"),
        ("CLUB_NAME", ""),
        ("CLUB_NAME", "Chess\nclub"),
        ("CLUB_DOMAINS", "a.example,b.example"),
        ("CLUB_DOMAINS", "club@a.example"),
        ("LOG_LEVEL", "loud"),
        ("SANDBOX", "maybe"),
        ("PGBOUNCER", "ja"),
        ("SANDBOX_CLOCK", "/tmp/clock"),
        ("MAIL_URL", ""),
        ("MAIL_URL", "sandbox:"),
        ("MAIL_URL", "mail.example"),
        ("MAIL_URL", "smtp://"),
        ("MAIL_URL", "smtp://mail.example:many"),
        ("INBOX_URL", "pop3://a:b@mail.example"),
        ("INBOX_URL", "imaps://mail.example/INBOX"),
        ("INBOX_URL", "imaps://in@box:b@mail.example/INBOX"),
        ("INBOX_URL", "imaps://inbox:b@mail.example/INBOX"),  # whose address is it?
        ("INBOX_ADDRESS", "inbox+more@club.example"),
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
        ("WELCOME_DAYS", "60"),
        ("TRUSTED_PROXIES", "yes"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(name, value):
    with pytest.raises(Problem) as told:
        settings(**{name: value})
    assert name in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("currency", "price"), [("ISK", "1500.5"), ("KWD", "3.505"), ("JPY", "1200.5"), ("RSD", "12.005")]
)
def test_a_price_is_one_that_can_be_charged(currency, price):
    with pytest.raises(Problem, match=f"PRICE_FAMILY_MONTHLY is {price}; Stripe takes {currency} in steps of"):
        settings(CURRENCY=currency, PRICE_FAMILY_MONTHLY=price)


def test_all_wrong_settings_are_told_at_once():
    with pytest.raises(Problem) as told:
        settings(CURRENCY="XYZ", WELCOME_DAYS="60", MAIL_FROM="The club", SECRET_KEY="short", PGBOUNCER="ja")
    assert [line.split()[0] for line in str(told.value).splitlines()] == [
        "PGBOUNCER",
        "SECRET_KEY",
        "WELCOME_DAYS",
        "CURRENCY",
        "MAIL_FROM",
    ]


def test_no_secret_is_told_with_what_is_wrong_about_it():
    with pytest.raises(Problem) as told:
        settings(
            SECRET_KEY="geheim",
            STRIPE_SECRET_KEY="geheim",
            DATABASE_URL="postgresql://w:geheim@x@y/z",
            MAIL_URL="geheim",
        )
    assert "geheim" not in str(told.value) and len(str(told.value).splitlines()) == 4


@pytest.mark.parametrize(
    ("word", "on"),
    [
        ("1", True),
        ("true", True),
        ("Yes", True),
        ("ON", True),
        ("0", False),
        ("false", False),
        ("no", False),
        ("off", False),
        ("", False),
    ],
)
def test_on_and_off_are_understood_in_the_usual_words(word, on):
    made = settings(PGBOUNCER=word, SANDBOX=word)
    assert (made.pgbouncer, made.sandbox) == (on, on)


def test_another_stripe_is_warned_of():
    made = settings(STRIPE_URL="http://127.0.0.1:8001/")
    assert made.stripe_url == "http://127.0.0.1:8001"
    assert made.warnings == (
        "STRIPE_URL is http://127.0.0.1:8001: this is not the real Stripe, and nobody really pays.",
    )


def test_a_name_nobody_reads_is_warned_of():
    made = settings(SUBSCRIPTION_GRACE_PERIOD="3", PRICE_STUDENT="4", MAILTO="root", PGHOST="db")
    assert made.warnings == (
        "PRICE_STUDENT is no setting of the portal.",
        "SUBSCRIPTION_GRACE_PERIOD is no setting of the portal; is SUBSCRIPTION_GRACE_PERIOD_DAYS meant?",
    )


def test_a_host_in_another_script_is_what_browsers_and_mail_servers_know():
    made = settings(
        PUBLIC_URL="https://kulüp.example:8443/",
        MAIL_FROM="Kulüp <posta@kulüp.example>",
        HELP_EMAIL="yardim@kulüp.example",
    )
    assert made.public_url == "https://xn--kulp-2ra.example:8443"
    assert (made.mail_from, made.help_email) == ("Kulüp <posta@xn--kulp-2ra.example>", "yardim@xn--kulp-2ra.example")


def test_a_comma_in_quotes_is_part_of_the_name():
    assert (
        settings(MAIL_FROM='"Chess, the club" <club@chess.example>').mail_from
        == '"Chess, the club" <club@chess.example>'
    )


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, ""),
        ({"INBOX_URL": "imaps://inbox%40club.example:geheim@mail.example/INBOX"}, "inbox@club.example"),
        ({"INBOX_URL": "imaps://box:geheim@mail.example", "INBOX_ADDRESS": "in@club.example"}, "in@club.example"),
        ({"INBOX_ADDRESS": "in@club.example"}, "in@club.example"),
    ],
)
def test_the_inbox_has_the_address_of_its_user(environment, address):
    made = settings(**environment)
    assert made.inbox_address == address and "geheim" not in repr(made)


def test_the_table_of_settings_is_current():
    """`portal settings > docs/settings.md` makes it anew."""
    assert table() in (ROOT / "docs" / "settings.md").read_text()
    assert len(declared()) == table().count("\n") - 1


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
    assert driver_url("postgresql:///d?host=/tmp") == "postgresql+psycopg:///d?host=/tmp"
    assert plain_url(driver_url("postgresql://a@h/d")) == "postgresql://a@h/d"


def test_a_kept_secret_is_made_once_and_only_for_its_owner(tmp_path):
    path = tmp_path / "var" / "secret"
    first = kept_secret(path)
    assert len(first) >= 32 and kept_secret(path) == first and path.stat().st_mode & 0o777 == 0o600


def test_a_refusal_is_its_docstring_or_what_it_was_given():
    class Full(Refused):
        """There is no seat left."""

    assert Full().sentence == "There is no seat left." and Full("None at all.").sentence == "None at all."


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (
            "portal_web:p%40s@a.example:5433,b.example/club",
            "portal_web:p%40s@/club?host=a.example,b.example&port=5433,5432",
        ),
        (
            "portal_web@10.0.0.1,10.0.0.2/club?sslmode=require",
            "portal_web@/club?host=10.0.0.1,10.0.0.2&port=5432,5432&sslmode=require",
        ),
    ],
)
def test_an_address_may_name_several_hosts(typed, read):
    made = Settings.from_environment({**GOOD, "DATABASE_URL": f"postgresql://{typed}"})
    assert made.database_url == f"postgresql+psycopg://{read}"
