"""How the values of settings are read: each function returns what the portal works with, or raises `ValueError` with what
it must be.
"""

import re
import shlex
from collections.abc import Callable
from datetime import time
from decimal import Decimal, InvalidOperation
from email.headerregistry import Address
from email.utils import getaddresses
from importlib.resources import files
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import idna
from email_validator import EmailNotValidError, validate_email
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pyrage import RecipientError, x25519

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


def database(value: str) -> str:
    """An address of PostgreSQL, for SQLAlchemy. What libpq cannot read, or would read as another host, is refused.

    libpq's `host1:5432,host2:5432` becomes `?host=…&port=…`, which both understand.
    """
    if not value:
        return value
    if not value.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise ValueError("must be a PostgreSQL address, like postgresql://portal_web:…@host/goalete")
    escaped = "write @ as %40, / as %2F, # as %23, ? as %3F and % as %25 in its password"
    try:
        parts = urlsplit(_with_hosts_apart(value))
        whole = parts.netloc.count("@") < 2 and "@" not in parts.path + parts.fragment and parts.port != 0
        value = urlunsplit(parts) if "," in urlsplit(value).netloc.rpartition("@")[2] else value
        conninfo_to_dict(plain_url(driver_url(value)))
    except (ValueError, ProgrammingError) as unreadable:  # a port that is no number, a % that stands for nothing
        raise ValueError(f"cannot be read as an address; {escaped}") from unreadable
    if not whole:
        raise ValueError(f"cannot be read as an address; {escaped}")
    return driver_url(value)


def _with_hosts_apart(value: str) -> str:
    parts = urlsplit(value)
    login, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return value
    names, ports = zip(*(each.partition(":")[::2] for each in hosts.split(",")), strict=True)
    where = f"host={quote(','.join(names), safe=',')}&port={','.join(port or '5432' for port in ports)}"
    return urlunsplit(parts._replace(netloc=login + at, query="&".join(filter(None, (where, parts.query)))))


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


def mailbox(value: str) -> str:
    """A mailbox that is read over IMAP. Without TLS only on this machine: imap:// elsewhere is STARTTLS, or nothing."""
    if not value:
        return value
    escaped = "write @ as %40, / as %2F, # as %23, ? as %3F and % as %25 in its user and password"
    try:
        parts = urlsplit(value)
        well = parts.scheme in ("imaps", "imap") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        well = False
    if not well:
        raise ValueError("must be like imaps://user:password@mail.example.org/INBOX")
    if not parts.username or not parts.password:
        raise ValueError("has no user and password; it must be like imaps://user:password@mail.example.org/INBOX")
    if parts.netloc.count("@") > 1 or parts.query or parts.fragment or "@" in parts.path:
        raise ValueError(f"cannot be read as an address; {escaped}")
    if not (unquote(parts.username) + unquote(parts.password) + unquote(parts.path)).isascii():
        raise ValueError("can have ASCII characters only in its user, password and folder")
    return value


def mailbox_address(value: str) -> str:
    """The address of a mailbox that also takes what is sent to user+anything@."""
    found = address(value)
    if "+" in found:
        raise ValueError("must have no + before the @: replies come to the same address with + and a token")
    return found


def secret_stripe_key(value: str) -> str:
    """A secret key of Stripe, or one with fewer rights; empty for a club that takes no cards."""
    if not value:
        return value
    if value.startswith("pk_"):
        raise ValueError("is a publishable key; the secret one begins with sk_")
    if not value.startswith(("sk_", "rk_")):
        raise ValueError("must be a secret key of Stripe; it begins with sk_ (or rk_)")
    return value


def webhook_secret(value: str) -> str:
    """What a webhook endpoint's deliveries are signed with."""
    if value and not value.startswith("whsec_"):
        raise ValueError("must be the signing secret of the webhook endpoint; it begins with whsec_")
    return value


def paid_or_free(value: str) -> str:
    """Whether members pay."""
    if value not in ("paid", "free"):
        raise ValueError("must be paid or free")
    return value


def words(value: str) -> str:
    """What people read."""
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def folder(value: str) -> Path | None:
    """A folder, or none."""
    return Path(value) if value else None


def command(value: str) -> tuple[str, ...]:
    """A command with {file} in it, split as a shell splits words; no shell reads it."""
    try:
        parts = tuple(shlex.split(value))
    except ValueError as unreadable:
        raise ValueError("has a quotation mark without its other one") from unreadable
    if parts and not any("{file}" in part for part in parts):
        raise ValueError("must have {file} where the name of the file goes, like rclone copy {file} remote:backups")
    return parts


def age_recipient(value: str) -> str:
    """A public key of age (age-encryption.org/v1), or none."""
    try:
        if value:
            x25519.Recipient.from_str(value)
    except RecipientError as unreadable:
        raise ValueError("must be a public key of age, which begins with age1") from unreadable
    return value


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
