"""Every setting, declared once: its name, meaning, default and how it is read. Checked whole at start.

Names the original system had keep them (DATABASE_URL, DEFAULT_MEETING_TIME). `docs/settings.md` is made from this file.
"""

import dataclasses
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from email.headerregistry import Address
from email.utils import getaddresses
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna
from email_validator import EmailNotValidError, validate_email
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from portal.currencies import can_be_paid, least
from portal.problems import Problem

ROOT = Path(__file__).parent.parent

LOGINS = {
    "DATABASE_URL": "portal_web",
    "WORKER_DATABASE_URL": "portal_worker",
    "OWNER_DATABASE_URL": "portal_owner",
    "BACKUP_DATABASE_URL": "portal_backup",
}
"""The settings that hold an address of the database, and whom each signs in as."""

# What a process cannot do without. Who answers browsers needs no owner's address, and the other way round.
PAGES = (
    "DATABASE_URL",
    "SECRET_KEY",
    "ADDRESS_KEY",
    "ROOM_KEY",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "PUBLIC_URL",
)
WORK = ("WORKER_DATABASE_URL", "SECRET_KEY", "ADDRESS_KEY", "ROOM_KEY", "STRIPE_SECRET_KEY", "MAIL_URL", "PUBLIC_URL")

SANDBOX_KEY = "sk_test_sandbox"
ON, OFF = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")

# What Stripe charges in (stripe.com/docs/currencies, "Supported currencies").
CURRENCIES = frozenset(
    re.findall(
        "[A-Z]{3}",
        """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP
        CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR
        ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN
        MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE
        SOS SRD STD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW""",
    )
)


def driver_url(url: str, user: str | None = None) -> str:
    """`url` for SQLAlchemy with psycopg 3, optionally for another login of the same server and password."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if user is not None:
        login, _, host = netloc.rpartition("@")
        _, colon, password = login.partition(":")
        netloc = f"{user}{colon}{password}@{host}"
    rest = urlunsplit(parts._replace(scheme="", netloc=""))  # with an empty host urlunsplit would leave out the //
    return f"postgresql+psycopg://{netloc}{rest}"


def plain_url(url: str) -> str:
    """The same address as libpq writes it, for psycopg, procrastinate and LISTEN."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


# --- how values are read: each returns what the portal works with, or raises `ValueError` with what it must be -------


def database(value: str) -> str:
    """An address of PostgreSQL, for SQLAlchemy. What libpq cannot read, or would read as another host, is refused."""
    if not value:
        return value
    if not value.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise ValueError("must be a PostgreSQL address, like postgresql://portal_web:…@host/goalete")
    escaped = "write @ as %40, / as %2F, # as %23, ? as %3F and % as %25 in its password"
    try:
        parts = urlsplit(value)
        whole = parts.netloc.count("@") < 2 and "@" not in parts.path + parts.fragment and parts.port != 0
        conninfo_to_dict(plain_url(driver_url(value)))
    except (ValueError, ProgrammingError) as unreadable:  # a port that is no number, a % that stands for nothing
        raise ValueError(f"cannot be read as an address; {escaped}") from unreadable
    if not whole:
        raise ValueError(f"cannot be read as an address; {escaped}")
    return driver_url(value)


def flag(value: str) -> bool:
    """On or off, in any of the usual words."""
    word = value.strip().lower()
    if word not in (*ON, *OFF):
        raise ValueError("must be 1 or 0 (true or false, yes or no, on or off)")
    return word in ON


def count(most: int | None = None, least: int = 0) -> Callable[[str], int]:
    """A whole number, from `least` to `most`."""

    def read(value: str) -> int:
        if not value.isdecimal() or len(value) > 6:
            raise ValueError("must be a whole number")
        if most is not None and int(value) > most:
            raise ValueError(f"can be {most} at most")
        if int(value) < least:
            raise ValueError(f"must be {least} at least")
        return int(value)

    return read


def price(value: str) -> Decimal:
    """An amount in the currency's own unit."""
    try:
        amount = Decimal(value)
        right = 0 < amount < 1_000_000
    except InvalidOperation:  # no number, or one that cannot be compared
        right = False
    if not right:
        raise ValueError("must be an amount, like 12 or 9.50")
    return amount


def hour(value: str) -> time:
    """An hour of the day; its zone is CLUB_TIMEZONE."""
    try:
        read = time.fromisoformat(value)
    except ValueError:
        read = None
    if read is None or read.tzinfo:
        raise ValueError("must be an hour, like 21:00")
    return read


def zone(value: str) -> str:
    """A name of the time zone database that comes with the portal."""
    if value not in files("tzdata").joinpath("zones").read_text().split():
        raise ValueError("is not a time zone, like Europe/Istanbul")
    return value


def domains(value: str) -> tuple[str, ...]:
    """Domains, separated by blanks."""
    found = tuple(value.lower().split())
    if wrong := [each for each in found if not re.fullmatch(r"[^@\s/,;]+\.[^@\s/,;]+", each)]:
        raise ValueError(f"must be domains separated by blanks, like aydin.club aydin.example; {wrong[0]} is none")
    return found


def charged_currency(value: str) -> str:
    """A currency that can be charged."""
    if not re.fullmatch("[A-Z]{3}", value):
        raise ValueError("must be a code of three letters, like USD")
    if value not in CURRENCIES:
        raise ValueError("is not a currency Stripe charges in")
    return value


def address(value: str) -> str:
    """A mail address; a domain in another script becomes the ASCII form that mail servers know."""
    try:
        found = validate_email(value, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as wrong:
        raise ValueError(f"must be a mail address, like club@example.org: {str(wrong).rstrip('.')}") from wrong
    return str(found.ascii_email)


def sender(value: str) -> str:
    """A name and a mail address, as a From header takes them (RFC 5322 3.4)."""
    found = getaddresses([value])
    if len(found) > 1:
        raise ValueError('has a comma in its name; write it in quotes, like "Chess, the club" <club@example.org>')
    ((name, written),) = found or [("", "")]
    if "@" not in written:
        raise ValueError("has no mail address; it must be like Chess <club@example.org>")
    return str(Address(name, addr_spec=address(written)))


def site(value: str) -> str:
    """Scheme, host and port of the portal; a host in another script becomes the ASCII form that browsers send."""
    parts = _web_address(value)
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(
            "must be a scheme and a host only, like https://portal.example.org; the portal has a host of its own"
        )
    host = parts.hostname or ""
    try:
        known = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError as wrong:
        raise ValueError("has a host that no browser can reach") from wrong
    host = f"[{known}]" if ":" in known else known
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def service(value: str) -> str:
    """Where a provider is asked: over https, or on this machine."""
    if not value:
        return value
    parts = _web_address(value)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("must be an https address, or one of this machine like http://127.0.0.1:8001")
    return value.rstrip("/")


def _web_address(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        well = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        well = False
    if not well:
        raise ValueError("must be an address, like https://portal.example.org")
    return parts


def mail_server(value: str) -> str:
    """Where mail is handed in."""
    try:
        parts = urlsplit(value)
        well = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        well = False
    if value != "sandbox:" and not well:
        raise ValueError("must be like smtp://user:password@mail.example.org:587")
    return value


def secret_stripe_key(value: str) -> str:
    """A secret key of Stripe, or one with fewer rights."""
    if value.startswith("pk_"):
        raise ValueError("is a publishable key; the secret one begins with sk_")
    if not value.startswith(("sk_", "rk_")):
        raise ValueError("must be a secret key of Stripe; it begins with sk_ (or rk_)")
    return value


def webhook_secret(value: str) -> str:
    """What a webhook endpoint's deliveries are signed with."""
    if not value.startswith("whsec_"):
        raise ValueError("must be the signing secret of the webhook endpoint; it begins with whsec_")
    return value


def words(value: str) -> str:
    """What people read."""
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def folder(value: str) -> Path | None:
    """A folder, or none."""
    return Path(value) if value else None


def secret(value: str) -> str:
    """A secret nobody guesses."""
    if len(value) < 32:
        raise ValueError(
            "needs at least 32 characters; `python -c 'import secrets; print(secrets.token_urlsafe(48))'` makes one"
        )
    return value


def level(value: str) -> str:
    """The least grave line that is logged."""
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return value.upper()


class Setting(NamedTuple):
    """How a setting is called, what it means to an operator, how it is read; `default` if the field's own says too little."""

    name: str
    meaning: str
    read: Callable[[str], object] = str
    default: str = ""


@dataclass(frozen=True)
class Settings:
    """What differs between one club's server and another's. Times are minutes or days as named.

    An address of the database that was not given is empty: that process has no business there.
    """

    database_url: Annotated[
        str,
        Setting(
            "DATABASE_URL",
            "where `portal_web` signs in, like `postgresql://portal_web:…@host/goalete`",
            database,
            "web, live: needed",
        ),
    ] = field(default="", repr=False)
    live_url: Annotated[
        str,
        Setting(
            "LIVE_DATABASE_URL",
            "the same login without a pooler between: LISTEN does not reach through pgbouncer in transaction mode",
            database,
            "`DATABASE_URL`",
        ),
    ] = field(default="", repr=False)
    worker_url: Annotated[
        str,
        Setting(
            "WORKER_DATABASE_URL",
            "where `portal_worker` signs in, without a pooler between",
            database,
            "worker: needed",
        ),
    ] = field(default="", repr=False)
    owner_url: Annotated[
        str,
        Setting(
            "OWNER_DATABASE_URL",
            "where `portal_owner` signs in, for `migrate`, `upgrade`, `restore`, `prove`",
            database,
            "these commands: needed",
        ),
    ] = field(default="", repr=False)
    backup_url: Annotated[
        str,
        Setting(
            "BACKUP_DATABASE_URL",
            "where `portal_backup` signs in, for `backup`, `prove`, `upgrade`",
            database,
            "these commands: needed",
        ),
    ] = field(default="", repr=False)
    pgbouncer: Annotated[
        bool, Setting("PGBOUNCER", "`1` if `DATABASE_URL` leads through pgbouncer in transaction mode", flag, "off")
    ] = False
    secret_key: Annotated[
        str,
        Setting(
            "SECRET_KEY",
            "signs sessions, stream tickets, mailed codes, seals second factors; 32 characters or more",
            secret,
            "web, live, worker: needed",
        ),
    ] = field(default="", repr=False)
    address_key: Annotated[
        str,
        Setting(
            "ADDRESS_KEY",
            "keeps, as keyed hashes, which addresses had their free days; never changed (all would get them again)",
            secret,
            "web, worker: needed",
        ),
    ] = field(default="", repr=False)
    room_key: Annotated[
        str,
        Setting(
            "ROOM_KEY",
            "seals the addresses of rooms; after a change no address that was kept can be opened, and rooms are made anew",
            secret,
            "web, worker: needed",
        ),
    ] = field(default="", repr=False)
    secret_key_fallbacks: Annotated[
        tuple[str, ...],
        Setting(
            "SECRET_KEY_FALLBACKS",
            "older keys that are still accepted, oldest first; one may go when everybody with a second factor has used it since",
            lambda value: tuple(value.split()),
            "none",
        ),
    ] = field(default=(), repr=False)
    public_url: Annotated[
        str,
        Setting(
            "PUBLIC_URL",
            "how members reach the portal, scheme and host; mails point there",
            site,
            "web, live, worker: needed",
        ),
    ] = "http://127.0.0.1:8000"
    trusted_proxies: Annotated[
        int,
        Setting(
            "TRUSTED_PROXIES",
            "how many proxies stand in front and each add to `Forwarded`; who asks is what the first of them says",
            count(),
        ),
    ] = 0
    web_threads: Annotated[
        int,
        Setting(
            "GRANIAN_BLOCKING_THREADS",
            "threads of a web process, as many connections to the database it has; granian's `--blocking-threads` goes before it",
            count(least=1),
        ),
    ] = 2
    club_address: Annotated[
        str,
        Setting("CLUB_ADDRESS", "the legal address of the club, as receipts show it below its name", default="none"),
    ] = ""
    club_name: Annotated[str, Setting("CLUB_NAME", "the club's name", words)] = "Goalete"
    club_timezone: Annotated[str, Setting("CLUB_TIMEZONE", "the zone the club keeps time in", zone)] = "Europe/Istanbul"
    club_domains: Annotated[
        tuple[str, ...],
        Setting(
            "CLUB_DOMAINS",
            "the domains of the club's own addresses, separated by blanks: who comes from another is external",
            domains,
            "none",
        ),
    ] = ()
    help_email: Annotated[str, Setting("HELP_EMAIL", "where help and error pages point", address)] = "help@goalete.club"
    default_meeting_time: Annotated[
        time, Setting("DEFAULT_MEETING_TIME", "the usual hour of an evening, in the club's zone", hour, "`21:00`")
    ] = time(21, 0)
    doors_minutes: Annotated[
        int, Setting("DOORS_MINUTES", "how many minutes before the start the doors open", count(60))
    ] = 10
    welcome_days: Annotated[
        int, Setting("WELCOME_DAYS", "days a new member gets from the club, at most 31", count(31))
    ] = 7
    grace_days: Annotated[
        int,
        Setting(
            "SUBSCRIPTION_GRACE_PERIOD_DAYS",
            "how many days a failed renewal leaves everything open, at most 90",
            count(90),
        ),
    ] = 7
    currency: Annotated[str, Setting("CURRENCY", "what prices are in, like `USD` or `JPY`", charged_currency)] = "USD"
    individual_name: Annotated[str, Setting("PLAN_INDIVIDUAL", "what the plan for one is called", words)] = "Individual"
    family_name: Annotated[str, Setting("PLAN_FAMILY", "what the plan for a family is called", words)] = "Family"
    individual_month: Annotated[
        Decimal,
        Setting(
            "PRICE_INDIVIDUAL_MONTHLY",
            "what it costs, in the currency's own decimals; `portal plans sync` after a change",
            price,
        ),
    ] = Decimal(12)
    individual_year: Annotated[Decimal, Setting("PRICE_INDIVIDUAL_YEARLY", "likewise", price)] = Decimal(120)
    family_month: Annotated[Decimal, Setting("PRICE_FAMILY_MONTHLY", "likewise", price)] = Decimal(24)
    family_year: Annotated[Decimal, Setting("PRICE_FAMILY_YEARLY", "likewise", price)] = Decimal(240)
    stripe_key: Annotated[
        str,
        Setting(
            "STRIPE_SECRET_KEY",
            "Stripe's secret key; with one of test mode the same code runs against that",
            secret_stripe_key,
            "web, live, worker: needed",
        ),
    ] = field(default=SANDBOX_KEY, repr=False)
    stripe_webhook_secret: Annotated[
        str,
        Setting(
            "STRIPE_WEBHOOK_SECRET", "what Stripe's deliveries are signed with", webhook_secret, "web, live: needed"
        ),
    ] = field(default="", repr=False)
    stripe_url: Annotated[
        str,
        Setting(
            "STRIPE_URL",
            "another Stripe than the real one, for rehearsals: https, or on this machine; warned of at start",
            service,
            "the real one",
        ),
    ] = ""
    zoom_account: Annotated[
        str,
        Setting("ZOOM_ACCOUNT_ID", "the account id of a server-to-server OAuth app at Zoom", str, "links are typed"),
    ] = ""
    zoom_client: Annotated[str, Setting("ZOOM_CLIENT_ID", "the app's client id", str, "links are typed")] = ""
    zoom_secret: Annotated[
        str, Setting("ZOOM_CLIENT_SECRET", "the app's client secret; only the worker uses it", str, "links are typed")
    ] = field(default="", repr=False)
    zoom_webhook_secret: Annotated[
        str,
        Setting(
            "ZOOM_WEBHOOK_SECRET",
            "the secret token of the app's event subscription; web only",
            str,
            "who came is read from Zoom's report",
        ),
    ] = field(default="", repr=False)
    zoom_hosts: Annotated[
        tuple[str, ...],
        Setting(
            "ZOOM_HOSTS",
            "addresses of the Zoom users whose meetings they are, separated by blanks; each may make 100 a day",
            lambda value: tuple(address(each) for each in value.split()),
            "the account's owner",
        ),
    ] = ()
    zoom_url: Annotated[
        str,
        Setting(
            "ZOOM_URL",
            "another Zoom than the real one, for rehearsals: https, or on this machine; warned of at start",
            service,
            "the real one",
        ),
    ] = ""
    google_account: Annotated[
        Path | None,
        Setting(
            "GOOGLE_SERVICE_ACCOUNT",
            "the key file of a service account with domain-wide delegation; only the worker reads it",
            folder,
            "links are typed",
        ),
    ] = None
    google_organizer: Annotated[
        str,
        Setting(
            "GOOGLE_ORGANIZER", "the Workspace user in whose calendar the meetings stand", address, "links are typed"
        ),
    ] = ""
    google_url: Annotated[
        str,
        Setting(
            "GOOGLE_URL",
            "another Google than the real one, for rehearsals: https, or on this machine; warned of at start",
            service,
            "the real one",
        ),
    ] = ""
    mail_url: Annotated[
        str, Setting("MAIL_URL", "`smtp://user:password@host:587` or `smtps://…:465`", mail_server, "worker: needed")
    ] = field(default="sandbox:", repr=False)
    mail_from: Annotated[str, Setting("MAIL_FROM", "sender of every mail", sender)] = "Goalete <club@goalete.club>"
    backups: Annotated[
        Path | None, Setting("BACKUPS", "the folder backups are kept in; best on another disk", folder, "none are made")
    ] = None
    assets: Annotated[Path, Setting("ASSETS", "the folder of the built files for browsers", Path, "`var/assets`")] = (
        ROOT / "var" / "assets"
    )
    log_level: Annotated[
        str, Setting("LOG_LEVEL", "the least grave line that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`", level)
    ] = "INFO"
    sandbox: Annotated[
        bool,
        Setting(
            "SANDBOX",
            "`1` opens the demo's mailbox, room and clock; refused unless the database is the demo's",
            flag,
            "off",
        ),
    ] = False
    sandbox_stripe: Annotated[
        Path,
        Setting("SANDBOX_STRIPE", "what the demo's Stripe remembers; `make run` sets it", Path, "`var/stripe.sqlite3`"),
    ] = ROOT / "var" / "stripe.sqlite3"
    sandbox_clock: Annotated[
        Path | None,
        Setting("SANDBOX_CLOCK", "how far the demo's clock is ahead; `make run` sets it", folder, "not at all"),
    ] = None
    warnings: tuple[str, ...] = ()
    """What is odd about the environment, and works all the same: a sentence each, told at start."""

    @property
    def payment_pages(self) -> str:
        """Where forms may lead to pay: the provider's own pages."""
        return self.stripe_url or "https://checkout.stripe.com https://billing.stripe.com https://invoice.stripe.com"

    @property
    def room_pages(self) -> str:
        """Where forms may lead to a room: any https address, whatever the platform, and what stands in for one."""
        return " ".join(filter(None, ("https:", self.zoom_url, self.google_url)))

    @property
    def has_zoom(self) -> bool:
        """Whether rooms are made at Zoom."""
        return bool(self.zoom_account and self.zoom_client and self.zoom_secret)

    @property
    def has_google(self) -> bool:
        """Whether rooms are made at Google Meet."""
        return bool(self.google_account and self.google_organizer)

    @property
    def prices(self) -> dict[str, Decimal]:
        """What the plans cost, by the name of the setting."""
        return {
            "PRICE_INDIVIDUAL_MONTHLY": self.individual_month,
            "PRICE_INDIVIDUAL_YEARLY": self.individual_year,
            "PRICE_FAMILY_MONTHLY": self.family_month,
            "PRICE_FAMILY_YEARLY": self.family_year,
        }

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ, *, needs: Collection[str] = PAGES) -> "Settings":
        """Read and check for a process that cannot do without `needs`.

        Raises `Problem` with a line for each setting that is missing or wrong, all of them at once.
        """
        sandbox = env.get("SANDBOX", "").strip().lower() in ON
        given = {**(_of_the_sandbox(env) if sandbox else {}), **env}
        read: dict[str, Any] = {}  # each setting is of its own type
        wrong: list[str] = []
        for attribute, setting in declared().items():
            try:
                if setting.name in given:
                    read[attribute] = setting.read(_one_line(given[setting.name]))
            except ValueError as refused:
                shown = "" if attribute in _SECRET else f" is {given[setting.name]!r}; it"
                wrong.append(f"{setting.name}{shown} {refused}.")
            else:
                if setting.name in needs and not read.get(attribute):
                    wrong.append(f"{setting.name} is not set: {setting.meaning}.")
        wrong += _together(cls(**read), read)
        if wrong:
            raise Problem("\n".join(wrong))
        made = cls(**read)
        return dataclasses.replace(
            made, live_url=made.live_url or made.database_url, warnings=(*_odd(made), *_unknown(env))
        )


_SECRET = frozenset(each.name for each in dataclasses.fields(Settings) if not each.repr)


@cache
def declared() -> Mapping[str, Setting]:
    """Every setting, by the name of its attribute."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}


def table() -> str:
    """Every setting as rows of a table in Markdown, as `docs/settings.md` has them."""
    defaults = {each.name: each.default for each in dataclasses.fields(Settings)}
    rows = (
        f"| `{setting.name}` | {setting.meaning} | {setting.default or f'`{defaults[attribute]}`'} |"
        for attribute, setting in declared().items()
    )
    return "\n".join(["| Setting | Meaning | Without it |", "|---|---|---|", *rows])


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("has a line break or another character in it that cannot be seen")
    return value


def _of_the_sandbox(env: Mapping[str, str]) -> dict[str, str]:
    """What the demo does not ask for: logins of one server with one password, its own Stripe and mailbox."""
    try:
        url = database(env.get("DATABASE_URL", ""))
    except ValueError:  # told of by itself
        url = ""
    logins = {name: driver_url(url, login) for name, login in LOGINS.items()} if url else {}
    return {
        **logins,
        "ADDRESS_KEY": sandbox_secret(env.get("SECRET_KEY", "")),
        "ROOM_KEY": sandbox_secret(env.get("SECRET_KEY", "")),
        "STRIPE_SECRET_KEY": SANDBOX_KEY,
        "STRIPE_WEBHOOK_SECRET": sandbox_secret(env.get("SECRET_KEY", "")),
        "MAIL_URL": "sandbox:",
        "LOG_LEVEL": "WARNING",
        "PUBLIC_URL": Settings.public_url,
    }


def _together(made: Settings, read: Collection[str]) -> Iterator[str]:
    """What cannot work because of another setting, above all a half-sandboxed production."""
    for name, amount in made.prices.items():
        if not can_be_paid(amount, made.currency):
            yield f"{name} is {amount}; Stripe takes {made.currency} in steps of {least(made.currency)}."
    if made.sandbox:
        return
    if "stripe_key" in read and made.stripe_key == SANDBOX_KEY and not made.stripe_url:
        yield "STRIPE_SECRET_KEY is the sandbox's, but SANDBOX is off: nobody would really pay."
    if "mail_url" in read and made.mail_url == "sandbox:":
        yield "MAIL_URL is the sandbox mailbox, but SANDBOX is off: members would never get their mail."
    if "public_url" in read and not made.public_url.startswith("https://"):
        yield "PUBLIC_URL must start with https:// on a real server."
    zoom = {
        "ZOOM_ACCOUNT_ID": made.zoom_account,
        "ZOOM_CLIENT_ID": made.zoom_client,
        "ZOOM_CLIENT_SECRET": made.zoom_secret,
    }
    if any(zoom.values()) and not all(zoom.values()):
        yield f"{' and '.join(name for name, value in zoom.items() if not value)} is missing: Zoom needs all three."
    if bool(made.google_account) != bool(made.google_organizer):
        yield "GOOGLE_SERVICE_ACCOUNT and GOOGLE_ORGANIZER are needed together."
    if made.sandbox_clock:
        yield "SANDBOX_CLOCK is for the sandbox, but SANDBOX is off: real members live in real time."


def _odd(made: Settings) -> Iterator[str]:
    if made.sandbox:
        return
    if made.stripe_url:
        yield f"STRIPE_URL is {made.stripe_url}: this is not the real Stripe, and nobody really pays."
    if made.zoom_url:
        yield f"ZOOM_URL is {made.zoom_url}: this is not the real Zoom, and nobody really meets."
    if made.google_url:
        yield f"GOOGLE_URL is {made.google_url}: this is not the real Google, and nobody really meets."


def _unknown(env: Mapping[str, str]) -> Iterator[str]:
    """Names nobody reads that look like ours: misspelt, or of another version."""
    known = {setting.name for setting in declared().values()} | {"PORT"}
    for name in sorted(set(env) - known):
        near = get_close_matches(name, known, 1, 0.85)
        if near or name.startswith(OUR_NAMES):
            yield f"{name} is no setting of the portal{f'; is {near[0]} meant?' if near else '.'}"


OUR_NAMES = (
    "CLUB_",
    "PLAN_",
    "PRICE_",
    "STRIPE_",
    "SANDBOX_",
    "MAIL_",
    "BACKUPS_",
    "SECRET_KEY_",
    "WELCOME_",
    "DOORS_",
    "ROOM_",
    "ZOOM_",
    "GOOGLE_",
)


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
