"""An archive of `portal export` brought into an empty club: the same club, but for credentials and the ways into rooms."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import LiteralString
from zipfile import BadZipFile, ZipFile

import psycopg
from psycopg import sql

from portal.config import Settings
from portal.moving.export import FORMAT, columns, exported
from portal.operations.revision import HEAD
from portal.problems import Problem
from portal.setting_values import plain_url

CHUNK = 1 << 16

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
    try:
        archive = ZipFile(file)
        manifest = json.loads(archive.read("manifest.json"))
    except (BadZipFile, KeyError, ValueError) as broken:
        raise Problem(f"{file} is no archive of `portal export`.") from broken
    if manifest.get("format") != FORMAT or manifest.get("revision") != HEAD:
        raise Problem(
            f"The archive is of version {manifest.get('version')} ({manifest.get('revision')}), this is {HEAD}:"
            " bring the club it comes from to this version, then export again."
        )
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
