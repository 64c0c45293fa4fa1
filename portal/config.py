"""Every setting, declared once: its name, meaning, default and how it is read. Checked whole at start.

Names the original system had keep them (DATABASE_URL, DEFAULT_MEETING_TIME). `docs/settings.md` is made from this file.
"""

import dataclasses
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints
from urllib.parse import unquote, urlsplit

from portal.currencies import can_be_paid, least
from portal.problems import Problem
from portal.setting_values import (
    ON,
    address,
    age_recipient,
    charged_currency,
    command,
    count,
    database,
    domains,
    driver_url,
    flag,
    folder,
    hour,
    level,
    mail_server,
    mailbox,
    mailbox_address,
    paid_or_free,
    price,
    secret,
    secret_stripe_key,
    sender,
    service,
    site,
    webhook_secret,
    words,
    zone,
)

VERSION = version("goalete-portal")
PACKAGE = Path(__file__).parent
INSTALLED = (PACKAGE / "bundle" / "migrations").is_dir()
"""Whether this is the portal of a wheel, which carries beside its code what a checkout has in folders of its own."""
ROOT = PACKAGE / "bundle" if INSTALLED else PACKAGE.parent
"""Where `templates`, `static` and `migrations` are."""
VAR = Path("var").absolute() if INSTALLED else ROOT / "var"
"""Where the demo keeps what it makes."""
ASSETS = ROOT / "assets" if INSTALLED else VAR / "assets"
"""The files for browsers: a wheel brings them built."""

LOGINS = {
    "DATABASE_URL": "portal_web",
    "WORKER_DATABASE_URL": "portal_worker",
    "OWNER_DATABASE_URL": "portal_owner",
    "BACKUP_DATABASE_URL": "portal_backup",
}
"""The settings that hold an address of the database, and whom each signs in as."""

# What a process cannot do without. Who answers browsers needs no owner's address, and the other way round.
PAGES = ("DATABASE_URL", "SECRET_KEY", "ADDRESS_KEY", "ROOM_KEY", "PUBLIC_URL")
WORK = ("WORKER_DATABASE_URL", "SECRET_KEY", "ADDRESS_KEY", "ROOM_KEY", "MAIL_URL", "PUBLIC_URL")

SANDBOX_KEY = "sk_test_sandbox"

PaymentWay = Literal["card", "transfer", "free"]


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
        str, Setting("WORKER_DATABASE_URL", "where `portal_worker` signs in", database, "worker: needed")
    ] = field(default="", repr=False)
    queue_url: Annotated[
        str,
        Setting(
            "QUEUE_DATABASE_URL",
            "the same login without a pooler between: the queue hears of new jobs by LISTEN",
            database,
            "`WORKER_DATABASE_URL`",
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
        bool,
        Setting(
            "PGBOUNCER",
            "`1` if the process's database address leads through pgbouncer in transaction mode",
            flag,
            "off",
        ),
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
    club_tax_id: Annotated[
        str,
        Setting("CLUB_TAX_ID", "the club's tax or VAT number, as receipts show it below the address", default="none"),
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
    invite_days: Annotated[
        int,
        Setting(
            "INVITE_DAYS",
            "how many days ahead everybody with access is invited to open meetings, at most 60",
            count(60, least=1),
        ),
    ] = 7
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
    membership: Annotated[
        str,
        Setting(
            "MEMBERSHIP",
            "`free`: whoever confirmed an address is let in, and nobody sees prices, plans or orders; else `paid`",
            paid_or_free,
        ),
    ] = "paid"
    payment_instructions: Annotated[
        str,
        Setting(
            "PAYMENT_INSTRUCTIONS",
            "how to pay a club that takes no cards, in whole sentences, like `Transfer the amount to IBAN … and give the "
            "order's number.`; an admin marks each order as paid",
            default="cards are taken, at Stripe",
        ),
    ] = ""
    prices_include_tax: Annotated[
        bool,
        Setting("PRICES_INCLUDE_TAX", "`1`: the pages say that tax is included in the prices", flag, "nothing is said"),
    ] = False
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
            "Stripe's secret key, for web, live and worker; with one of test mode the same code runs against that",
            secret_stripe_key,
            "no cards are taken",
        ),
    ] = field(default="", repr=False)
    stripe_webhook_secret: Annotated[
        str,
        Setting(
            "STRIPE_WEBHOOK_SECRET",
            "what Stripe's deliveries are signed with",
            webhook_secret,
            "web, live: needed with `STRIPE_SECRET_KEY`",
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
    stripe_promotion_codes: Annotated[
        bool, Setting("STRIPE_PROMOTION_CODES", "`1`: Stripe's payment page takes promotion codes", flag, "off")
    ] = False
    stripe_tax: Annotated[
        bool,
        Setting(
            "STRIPE_TAX",
            "`1`: Stripe works out tax on its payment page and takes VAT ids (Stripe Tax must be set up there)",
            flag,
            "off",
        ),
    ] = False
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
            "the secret token of the app's event subscription; web, and the worker to say when it is missing",
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
    mail_reply_to: Annotated[
        str,
        Setting(
            "MAIL_REPLY_TO",
            "where an answer to a mail goes: a mailbox that somebody reads",
            address,
            "the address of `MAIL_FROM`",
        ),
    ] = ""
    mail_per_domain: Annotated[
        int,
        Setting(
            "MAIL_PER_DOMAIN",
            "how many mails a minute go to the addresses of one domain; what somebody waits for (codes, links) is not held back",
            count(least=1),
        ),
    ] = 300
    inbox_url: Annotated[
        str,
        Setting(
            "INBOX_URL",
            "the mailbox that replies and bounces come back to, like `imaps://user:password@mail.example.org/INBOX`; only the"
            " worker reads it (docs/inbox.md)",
            mailbox,
            "replies and bounces are not read",
        ),
    ] = field(default="", repr=False)
    inbox_address: Annotated[
        str,
        Setting(
            "INBOX_ADDRESS",
            "the address of that mailbox; it also takes what is sent to `name+anything@…`",
            mailbox_address,
            "the user of `INBOX_URL`",
        ),
    ] = ""
    """Empty when there is no inbox."""
    backups: Annotated[
        Path | None, Setting("BACKUPS", "the folder backups are kept in; best on another disk", folder, "none are made")
    ] = None
    backup_copy: Annotated[
        tuple[str, ...],
        Setting(
            "BACKUP_COPY",
            "a command that takes each backup off this machine, with `{file}` in it, like `rclone copy {file} far:goalete`",
            command,
            "none leaves it",
        ),
    ] = ()
    backup_recipient: Annotated[
        str,
        Setting(
            "BACKUP_RECIPIENT",
            "a public key of age (`age1…`): what `BACKUP_COPY` takes away is encrypted for it",
            age_recipient,
            "it is taken as it is",
        ),
    ] = ""
    assets: Annotated[
        Path,
        Setting(
            "ASSETS",
            "the folder of the built files for browsers",
            Path,
            "those of the wheel; `var/assets` in a checkout",
        ),
    ] = ASSETS
    maintenance_file: Annotated[
        Path | None,
        Setting(
            "MAINTENANCE_FILE",
            "the file that `portal maintenance` makes: while it is there, the pages of this host answer 503",
            folder,
            "no maintenance mode",
        ),
    ] = None
    operator_email: Annotated[
        str,
        Setting(
            "OPERATOR_EMAIL", "who is written to when an alarm begins and when it is over; the worker reads it", address
        ),
    ] = ""
    metrics_token: Annotated[
        str,
        Setting(
            "METRICS_TOKEN",
            "opens `/metrics` and `/live/metrics` to whoever sends it as a bearer token",
            secret,
            "no such page",
        ),
    ] = field(default="", repr=False)
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
    ] = VAR / "stripe.sqlite3"
    sandbox_zoom: Annotated[
        Path, Setting("SANDBOX_ZOOM", "what the demo's Zoom remembers; `make run` sets it", Path, "`var/zoom.json`")
    ] = VAR / "zoom.json"
    sandbox_clock: Annotated[
        Path | None,
        Setting("SANDBOX_CLOCK", "how far the demo's clock is ahead; `make run` sets it", folder, "not at all"),
    ] = None
    # What a club says of itself and no environment does (portal/club): Markdown, the digest of a picture, six hex digits.
    tax_words: str = ""
    front_title: str = ""
    front_text: str = ""
    front_picture: str = ""
    front_picture_alt: str = ""
    privacy_text: str = ""
    terms_text: str = ""
    accent_light: str = ""
    accent_dark: str = ""
    warnings: tuple[str, ...] = ()
    """What is odd about the environment, and works all the same: a sentence each, told at start."""

    @property
    def payment_way(self) -> PaymentWay:
        """How members pay: at Stripe, outside of the portal (an admin says what came), or not at all."""
        if self.membership == "free":
            return "free"
        return "card" if self.stripe_key else "transfer"

    @property
    def takes_cards(self) -> bool:
        """Whether there is a Stripe to ask."""
        return self.payment_way == "card"

    @property
    def payment_pages(self) -> str:
        """Where forms may lead to pay: the provider's own pages; nowhere without one."""
        if not self.takes_cards:
            return ""
        return self.stripe_url or "https://checkout.stripe.com https://billing.stripe.com https://invoice.stripe.com"

    @property
    def room_pages(self) -> str:
        """Where forms may lead to a room: any https address, whatever the platform, and what stands in for one."""
        return " ".join(filter(None, ("https:", self.zoom_url, self.google_url)))

    @property
    def has_zoom(self) -> bool:
        """Whether rooms are made at Zoom, by the worker, which alone has the secret."""
        return bool(self.zoom_account and self.zoom_client)

    @property
    def has_google(self) -> bool:
        """Whether rooms are made at Google Meet, by the worker, which alone has the key file."""
        return bool(self.google_organizer)

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
        environment = {**(_of_the_sandbox(env) if sandbox else {}), **env}
        read: dict[str, Any] = {}  # each setting is of its own type
        wrong: list[str] = []
        for attribute, setting in declared().items():
            try:
                if setting.name in environment:
                    read[attribute] = setting.read(_one_line(environment[setting.name]))
            except ValueError as refused:
                shown = "" if attribute in _SECRET else f" is {environment[setting.name]!r}; it"
                wrong.append(f"{setting.name}{shown} {refused}.")
            else:
                if setting.name in needs and not read.get(attribute):
                    wrong.append(f"{setting.name} is not set: {setting.meaning}.")
        wrong += _together(cls(**read), read)
        if "PUBLIC_URL" in needs and not any(sentence.startswith("STRIPE_") for sentence in wrong):
            wrong += _payable(cls(**read), answers_browsers="DATABASE_URL" in needs)
        if wrong:
            raise Problem("\n".join(wrong))
        made = cls(**read)
        return dataclasses.replace(
            made,
            live_url=made.live_url or made.database_url,
            queue_url=made.queue_url or made.worker_url,
            inbox_address=made.inbox_address or _address_of(made.inbox_url),
            warnings=(*_odd(made), *_unknown(env)),
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
        "INBOX_ADDRESS": "inbox@goalete.club",
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
    if bool(made.zoom_account) != bool(made.zoom_client):
        yield "ZOOM_ACCOUNT_ID and ZOOM_CLIENT_ID are needed together."
    if made.has_zoom and made.worker_url and not made.zoom_secret:
        yield "ZOOM_CLIENT_SECRET is not set: the worker cannot make rooms at Zoom without it."
    if made.has_google and made.worker_url and not made.google_account:
        yield "GOOGLE_SERVICE_ACCOUNT is not set: the worker cannot make rooms at Google Meet without it."
    if made.google_account and not made.google_organizer:
        yield "GOOGLE_ORGANIZER is not set: GOOGLE_SERVICE_ACCOUNT acts in the name of a user of yours."
    if made.backup_recipient and not made.backup_copy:
        yield "BACKUP_COPY is not set: BACKUP_RECIPIENT encrypts what leaves this machine, and nothing does."
    if made.inbox_url and not (made.inbox_address or _address_of(made.inbox_url)):
        yield "INBOX_ADDRESS is not set: replies need the address of the mailbox in INBOX_URL, whose user is no address."
    if made.inbox_address and made.worker_url and not made.inbox_url:
        yield "INBOX_URL is not set: the worker cannot read what comes to INBOX_ADDRESS without it."
    if made.sandbox_clock:
        yield "SANDBOX_CLOCK is for the sandbox, but SANDBOX is off: real members live in real time."


def _address_of(inbox_url: str) -> str:
    """The mail address that a mailbox's user is, or nothing."""
    try:
        return mailbox_address(unquote(urlsplit(inbox_url).username or ""))
    except ValueError:
        return ""


def _payable(made: Settings, *, answers_browsers: bool) -> Iterator[str]:
    """Why nobody could pay this club, or why it would not hear of it."""
    if made.payment_way == "transfer" and not made.payment_instructions:
        yield (
            "Neither STRIPE_SECRET_KEY nor PAYMENT_INSTRUCTIONS is set: nobody could pay. A club that takes no money "
            "says so by MEMBERSHIP=free."
        )
    if made.takes_cards and made.payment_instructions:
        yield "PAYMENT_INSTRUCTIONS is for a club without STRIPE_SECRET_KEY: members pay by card, or as it says."
    if made.takes_cards and answers_browsers and not made.stripe_webhook_secret:
        yield "STRIPE_WEBHOOK_SECRET is not set: what Stripe's deliveries are signed with."
    if (made.stripe_promotion_codes or made.stripe_tax) and not made.takes_cards:
        yield "STRIPE_PROMOTION_CODES and STRIPE_TAX are for a club with STRIPE_SECRET_KEY."


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
            yield (
                f"{name} is no setting of the portal; is {near[0]} meant?"
                if near
                else f"{name} is no setting of the portal."
            )


OUR_NAMES = (
    "CLUB_",
    "PLAN_",
    "PRICE_",
    "STRIPE_",
    "SANDBOX_",
    "MAIL_",
    "BACKUPS_",
    "SECRET_KEY_",
    "PAYMENT_",
    "WELCOME_",
    "DOORS_",
    "ROOM_",
    "ZOOM_",
    "GOOGLE_",
    "INBOX_",
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
