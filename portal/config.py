"""Every setting, read from the environment once and checked at start.

Names the original system had keep them (DATABASE_URL, DEFAULT_MEETING_TIME).
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from portal.currencies import can_be_paid, least
from portal.problems import Problem

ROOT = Path(__file__).parent.parent


def driver_url(url: str, user: str | None = None) -> str:
    """`url` for SQLAlchemy with psycopg 3, optionally for another login of the same server and password."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if user is not None:
        login, _, host = netloc.rpartition("@")
        _, colon, password = login.partition(":")
        netloc = f"{user}{colon}{password}@{host}"
    return urlunsplit(parts._replace(scheme="postgresql+psycopg", netloc=netloc))


def plain_url(url: str) -> str:
    """The same address as libpq writes it, for psycopg, procrastinate and LISTEN."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


@dataclass(frozen=True)
class Settings:
    """What differs between one club's server and another's. Times are minutes or days as named."""

    database_url: str = field(repr=False)
    owner_url: str = field(repr=False)
    worker_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    address_key: str = field(repr=False)
    backup_url: str = field(default="", repr=False)
    backups: Path | None = None
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    public_url: str = "http://127.0.0.1:8000"
    sandbox: bool = False
    club_name: str = "Goalete"
    club_timezone: str = "Europe/Istanbul"
    help_email: str = "help@goalete.club"
    default_meeting_time: time = time(21, 0)
    doors_minutes: int = 10
    club_domains: tuple[str, ...] = ()
    welcome_days: int = 7
    grace_days: int = 7
    currency: str = "USD"
    individual_name: str = "Individual"
    family_name: str = "Family"
    individual_month: Decimal = Decimal(12)
    individual_year: Decimal = Decimal(120)
    family_month: Decimal = Decimal(24)
    family_year: Decimal = Decimal(240)
    stripe_key: str = field(default="sk_test_sandbox", repr=False)
    stripe_webhook_secret: str = field(default="", repr=False)
    stripe_url: str = ""
    mail_url: str = "sandbox:"
    mail_from: str = "Goalete <club@goalete.club>"
    log_level: str = "INFO"
    trusted_proxies: int = 0
    pgbouncer: bool = False
    assets: Path = ROOT / "var" / "assets"
    sandbox_stripe: Path = ROOT / "var" / "stripe.sqlite3"
    sandbox_clock: Path | None = None

    @property
    def payment_pages(self) -> str:
        """Where forms may lead to pay: the provider's own pages."""
        return self.stripe_url or "https://checkout.stripe.com https://billing.stripe.com https://invoice.stripe.com"

    @property
    def prices(self) -> dict[str, Decimal]:
        """What the plans cost, by the name of the setting."""
        return {
            "PRICE_INDIVIDUAL_MONTHLY": self.individual_month, "PRICE_INDIVIDUAL_YEARLY": self.individual_year,
            "PRICE_FAMILY_MONTHLY": self.family_month, "PRICE_FAMILY_YEARLY": self.family_year,
        }  # fmt: skip

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check; raise `Problem` with the name of the setting that is missing or wrong."""
        url = env.get("DATABASE_URL", "")
        if not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
            raise Problem(
                "DATABASE_URL is not set to a PostgreSQL address, like postgresql://portal_web:…@host/goalete."
            )
        sandbox = env.get("SANDBOX", "") == "1"
        key = env.get("SECRET_KEY", "")
        if len(key) < 32:
            raise Problem(
                "SECRET_KEY needs at least 32 characters; `python -c 'import secrets; print(secrets.token_urlsafe(48))'` makes one."
            )
        settings = cls(
            database_url=driver_url(url),
            owner_url=driver_url(env.get("OWNER_DATABASE_URL") or driver_url(url, "portal_owner")),
            worker_url=driver_url(env.get("WORKER_DATABASE_URL") or driver_url(url, "portal_worker")),
            backup_url=driver_url(env.get("BACKUP_DATABASE_URL") or driver_url(url, "portal_backup")),
            backups=Path(env["BACKUPS"]) if env.get("BACKUPS") else None,
            secret_key=key,
            address_key=_address_key(env, sandbox_key=key if sandbox else ""),
            secret_key_fallbacks=tuple(env.get("SECRET_KEY_FALLBACKS", "").split()),
            public_url=env.get("PUBLIC_URL", cls.public_url).rstrip("/"),
            sandbox=sandbox,
            club_name=env.get("CLUB_NAME", cls.club_name),
            club_timezone=env.get("CLUB_TIMEZONE", cls.club_timezone),
            help_email=env.get("HELP_EMAIL", cls.help_email),
            default_meeting_time=_hour(env, "DEFAULT_MEETING_TIME", cls.default_meeting_time),
            doors_minutes=_count(env, "DOORS_MINUTES", cls.doors_minutes),
            club_domains=tuple(env.get("CLUB_DOMAINS", "").lower().split()),
            welcome_days=_count(env, "WELCOME_DAYS", cls.welcome_days),
            grace_days=_count(env, "SUBSCRIPTION_GRACE_PERIOD_DAYS", cls.grace_days),
            currency=env.get("CURRENCY", cls.currency),
            individual_name=env.get("PLAN_INDIVIDUAL", cls.individual_name),
            family_name=env.get("PLAN_FAMILY", cls.family_name),
            individual_month=_price(env, "PRICE_INDIVIDUAL_MONTHLY", cls.individual_month),
            individual_year=_price(env, "PRICE_INDIVIDUAL_YEARLY", cls.individual_year),
            family_month=_price(env, "PRICE_FAMILY_MONTHLY", cls.family_month),
            family_year=_price(env, "PRICE_FAMILY_YEARLY", cls.family_year),
            stripe_key=env.get("STRIPE_SECRET_KEY", SANDBOX_KEY if sandbox else ""),
            stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET", sandbox_secret(key) if sandbox else ""),
            stripe_url=env.get("STRIPE_URL", ""),
            mail_url=env.get("MAIL_URL", "sandbox:" if sandbox else ""),
            mail_from=env.get("MAIL_FROM", cls.mail_from),
            log_level=env.get("LOG_LEVEL", "WARNING" if sandbox else cls.log_level).upper(),
            trusted_proxies=_count(env, "TRUSTED_PROXIES", 0),
            pgbouncer=env.get("PGBOUNCER", "") == "1",
            assets=Path(env.get("ASSETS", cls.assets)),
            sandbox_stripe=Path(env.get("SANDBOX_STRIPE", cls.sandbox_stripe)),
            sandbox_clock=Path(env["SANDBOX_CLOCK"]) if sandbox and env.get("SANDBOX_CLOCK") else None,
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse what cannot work, above all a half-sandboxed production."""
        try:
            ZoneInfo(self.club_timezone)
        except (KeyError, ValueError, OSError) as unknown:  # OSError: Europe is a folder
            raise Problem(
                f"CLUB_TIMEZONE {self.club_timezone!r} is not a time zone, like Europe/Istanbul."
            ) from unknown
        if wrong := [domain for domain in self.club_domains if not re.fullmatch(r"[^@\s/]+\.[^@\s/]+", domain)]:
            raise Problem(f"CLUB_DOMAINS has {wrong[0]!r}; it must be domains separated by blanks, like aydin.club.")
        if not re.fullmatch("[A-Z]{3}", self.currency):
            raise Problem(f"CURRENCY is {self.currency!r}; it must be a code of three letters, like USD.")
        for name, price in self.prices.items():
            if not can_be_paid(price, self.currency):
                raise Problem(f"{name} is {price}; Stripe takes {self.currency} in steps of {least(self.currency)}.")
        if self.grace_days > 90:
            raise Problem(f"SUBSCRIPTION_GRACE_PERIOD_DAYS is {self.grace_days}; it can be 90 at most.")
        if not self.sandbox and not (self.stripe_key and self.stripe_webhook_secret):
            raise Problem(
                "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET are needed for members to pay; Stripe's dashboard has them."
            )
        if not self.sandbox and (self.stripe_url or self.stripe_key == SANDBOX_KEY):
            raise Problem("STRIPE_URL and the sandbox's STRIPE_SECRET_KEY are for the sandbox: nobody would really pay.")
        if self.mail_url != "sandbox:" and not _names_a_server(self.mail_url):
            raise Problem("MAIL_URL is not set, like smtp://user:password@mail.example.org:587.")
        if not self.sandbox and self.mail_url == "sandbox:":
            raise Problem("MAIL_URL is the sandbox mailbox, but SANDBOX is off: members would never get their mail.")
        if self.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise Problem(f"LOG_LEVEL is {self.log_level!r}; it must be DEBUG, INFO, WARNING or ERROR.")
        if not self.public_url.startswith(("http://", "https://")):
            raise Problem("PUBLIC_URL is where members find the portal, like https://portal.example.org.")
        if not self.sandbox and not self.public_url.startswith("https://"):
            raise Problem("PUBLIC_URL must start with https:// on a real server.")


def _address_key(env: Mapping[str, str], sandbox_key: str) -> str:
    key = env.get("ADDRESS_KEY", sandbox_key)
    if len(key) < 32:
        raise Problem(
            "ADDRESS_KEY needs at least 32 characters, like SECRET_KEY, and stays what it is: it keeps the addresses that had"
            " their free days."
        )
    return key


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name, str(default))
    if not value.isdecimal() or len(value) > 6:
        raise Problem(f"{name} is {value!r}; it must be a whole number.")
    return int(value)


def _price(env: Mapping[str, str], name: str, default: Decimal) -> Decimal:
    try:
        price = Decimal(env.get(name, default))
        right = 0 < price < 1_000_000
    except InvalidOperation:  # no number, or one that cannot be compared
        right = False
    if not right:
        raise Problem(f"{name} is {env[name]!r}; it must be an amount, like 12 or 9.50.")
    return price


def _hour(env: Mapping[str, str], name: str, default: time) -> time:
    try:
        hour = time.fromisoformat(env[name]) if name in env else default
    except ValueError:
        hour = None
    if hour is None or hour.tzinfo:  # its zone is CLUB_TIMEZONE
        raise Problem(f"{name} is {env[name]!r}; it must be an hour, like 21:00.")
    return hour


def _names_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


SANDBOX_KEY = "sk_test_sandbox"


def sandbox_secret(secret_key: str) -> str:
    """What the sandbox's provider signs its deliveries with."""
    return "whsec_" + hmac.digest(secret_key.encode(), b"sandbox stripe", hashlib.sha256).hex()


def kept_secret(path: Path) -> str:
    """A secret made on first use and kept in a file only its owner can read (the demo's SECRET_KEY)."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()
