"""An archive of `portal export` brought into an empty club: the same club, but for credentials and the ways into rooms."""

import csv
import io
import itertools
import json
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString
from zipfile import BadZipFile, ZipFile

import psycopg
from psycopg import sql

from portal.config import Settings
from portal.moving import reading
from portal.moving.export import FORMAT, columns, exported
from portal.moving.files import Wish
from portal.moving.reading import Doubt, Plan
from portal.moving.records import Adoption, Grant, Order, Person, Record, Untaken
from portal.operations.revision import HEAD
from portal.problems import Problem
from portal.setting_values import plain_url

CHUNK = 1 << 16
LONGEST_LINE = 1_000_000
MOST_TIMES = 200
"""How many times its packed size a table may have: rows of JSON reach some twenty."""
GRANTS = ("welcome", "complimentary", "offline", "gift", "free")
LIVE = ("trialing", "active", "past_due", "unpaid")
DAMAGED = (
    BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    RuntimeError,  # encrypted, packed in a way unknown here, or nested without end
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    Doubt,
)
"""What reading somebody else's archive may raise: anybody can make a ZIP file."""

BEFORE: tuple[LiteralString, ...] = (
    # What the first start made of the environment: the archive has the club's own words.
    "delete from club",
    "delete from club_pictures",
    # An open invitation gets a token that nobody has; sending it anew makes one that its guest gets.
    "alter table family_memberships alter token_hash set default sha256(convert_to(gen_random_uuid()::text, 'UTF8'))",
)
AFTERWARDS: tuple[LiteralString, ...] = (
    "update family_memberships set token_hash = null where state <> 'invited'",
    "alter table family_memberships alter token_hash drop default",
)


def bring(settings: Settings, file: Path, say: Callable[[str], None] = print) -> None:
    """Fill the club from the archive, all of it or nothing. Raises `Problem` if anybody is there, or it is none of this version.

    As the owner, and with the triggers at rest: what they would do was done where the rows were made, and is in them.
    """
    archive, manifest = opened(file)
    names = [table.name for table in exported()]
    with archive, psycopg.connect(plain_url(settings.owner_url)) as owner:
        owner.execute("set local statement_timeout = 0")
        _each(owner, names, "alter table {} no force row level security")
        if owner.execute("select exists (select from users)").fetchone() == (True,):
            raise Problem("Somebody lives in this database; an archive is brought into an empty club.")
        _each(owner, names, "alter table {} disable trigger user")
        owner.execute("set constraints all deferred")
        for statement in BEFORE:
            owner.execute(statement)
        for table in exported():
            say(f"{table.name}: {_fill(owner, archive, table.name, columns(table), manifest['rows']):,} rows")
        owner.execute("set constraints all immediate")
        for statement in AFTERWARDS:
            owner.execute(statement)
        _each(owner, names, "alter table {} enable trigger user")
        _each(owner, names, "alter table {} force row level security")
    with psycopg.connect(plain_url(settings.owner_url), autocommit=True) as owner:
        owner.execute("analyze")


def opened(file: Path, called: str = "") -> tuple[ZipFile, dict[str, Any]]:
    """An archive and its manifest. Raises `Problem` if it is none of this version."""
    try:
        archive = ZipFile(file)
        with archive.open("manifest.json") as entry:
            manifest = json.loads(entry.read(LONGEST_LINE))
        version, revision = manifest.get("version"), manifest.get("revision")
    except DAMAGED as broken:
        raise Problem(f"{called or file} is no archive of `portal export`.") from broken
    if manifest.get("format") != FORMAT or revision != HEAD:
        raise Problem(
            f"The archive is of version {version} ({revision}), this is {HEAD}:"
            " bring the club it comes from to this version, then export again."
        )
    return archive, manifest


def people(file: Path, wish: Wish, called: str) -> Iterator[Record | Untaken]:
    """The people of another club's archive with their days, orders and plans at Stripe, for a club that has people already.

    Raises `Problem`. Families, meetings and answers stay there: they come with the whole club only, into an empty one.
    """
    try:
        yield from _people(file, wish, called)
    except DAMAGED as broken:
        raise Problem(f"{called} is damaged: a row of it is not as a portal writes it.") from broken


def _people(file: Path, wish: Wish, called: str) -> Iterator[Record | Untaken]:
    archive, _manifest = opened(file, called)
    with archive:
        plans: dict[str, Plan] = {}
        for place, row in _rows_of(archive, "users", called):
            if row["closed_at"] is None:
                yield _person(place, row, wish)
        for place, row in _rows_of(archive, "access_grants", called):
            ends_at = reading.moment(row["ends_at"])
            if ends_at and row["kind"] in GRANTS:
                yield Grant(
                    external_id=row["id"],
                    place=place,
                    person=row["user_id"],
                    grant_kind=row["kind"],
                    starts_at=reading.moment(row["starts_at"]),
                    ends_at=ends_at,
                )
        for place, row in _rows_of(archive, "orders", called):
            if row["status"] in ("completed", "refunded"):
                yield _order(place, row)
        for _place, row in _rows_of(archive, "subscriptions", called):
            if row["status"] in LIVE and not row["is_duplicate"]:
                plans[row["user_id"]] = reading.plan(row["subscription_type"], row["billing_cycle"])
        for place, row in _rows_of(archive, "payers", called):
            if row["user_id"] in plans:
                kind, cycle = plans[row["user_id"]]
                yield Adoption(
                    external_id=row["customer_id"],
                    place=place,
                    person=row["user_id"],
                    customer_id=row["customer_id"],
                    subscription_id=None,
                    subscription_type=kind,
                    billing_cycle=cycle,
                )


def _person(place: str, row: dict[str, Any], wish: Wish) -> Person | Untaken:
    if not row["email_verified"]:
        return Untaken(
            kind="person", place=place, external_id=row["id"], reason="The address was never confirmed there"
        )
    try:
        return Person(
            external_id=reading.external_id(row["id"]),
            place=place,
            email=reading.address(row["email"]),
            first_name=reading.name(row["first_name"]),
            last_name=reading.name(row["last_name"]),
            timezone=reading.zone(row["timezone"], wish.club_zone),
            created_at=reading.moment(row["created_at"]),
            is_active=bool(row["is_active"]),
        )
    except Doubt as doubt:
        return Untaken(kind="person", place=place, external_id=row["id"], reason=doubt.reason, detail=doubt.value)


def _order(place: str, row: dict[str, Any]) -> Order | Untaken:
    if row["status"] == "completed" and float(row["refunded_amount"] or 0):
        reason = "A part of it was given back, which is not known here"
        return Untaken(kind="order", place=place, external_id=row["id"], reason=reason, detail=row["order_number"])
    kind, cycle = reading.plan(row["subscription_type"], row["billing_cycle"])
    number, counted, currency = reading.amount(row["amount"], row["currency"])
    return Order(
        external_id=row["id"],
        place=place,
        person=row["user_id"],
        number=row["order_number"],
        status=row["status"],
        amount=number,
        amount_minor=counted,
        currency=currency,
        subscription_type=kind,
        billing_cycle=cycle,
        method=row["payment_method"],
        provider=row["payment_provider"],
        transaction=row["transaction_id"],
        created_at=reading.moment(row["created_at"]) or datetime.now(UTC),
        completed_at=reading.moment(row["completed_at"]),
        period_start=reading.moment(row["period_start"]),
        period_end=reading.moment(row["period_end"]),
    )


def _rows_of(archive: ZipFile, table: str, called: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a table and where they stand. Raises `Problem` for what does not look as if a portal had written it."""
    name = f"json/{table}.jsonl"
    try:
        entry = archive.getinfo(name)
        if entry.file_size > MOST_TIMES * entry.compress_size + LONGEST_LINE:
            raise Problem(f"{called} has a {name} that was packed too tightly to be true.")
        with archive.open(name) as lines:
            for number in itertools.count(1):
                line = lines.readline(LONGEST_LINE)
                if not line:
                    return
                if rb"\u0000" in line:
                    raise ValueError("no portal keeps NUL")
                yield f"{table}, line {number}", json.loads(line)
    except DAMAGED as broken:
        raise Problem(f"{called} is damaged: its {name} cannot be read.") from broken


def _each(owner: psycopg.Connection, names: Sequence[str], statement: LiteralString) -> None:
    for name in names:
        owner.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _fill(owner: psycopg.Connection, archive: ZipFile, name: str, known: list[str], counts: dict[str, int]) -> int:
    """A table's rows from its CSV; how many. Raises `Problem` if these are not as many, or not the columns, it says."""
    with archive.open(f"csv/{name}.csv") as file:
        head = next(csv.reader(io.StringIO(file.readline().decode())))
        if head != known:
            raise Problem(f"The archive's {name}.csv has other columns than this version's table.")
        statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(
            sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, head))
        )
        cursor = owner.cursor()
        with cursor.copy(statement) as rows:
            while chunk := file.read(CHUNK):
                rows.write(chunk)
    if cursor.rowcount != counts.get(name):
        raise Problem(f"The archive's {name}.csv has {cursor.rowcount} rows and its manifest says {counts.get(name)}.")
    return cursor.rowcount
