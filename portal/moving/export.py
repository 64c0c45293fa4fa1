"""Moving out: everything a club has as CSV and JSON in one archive, for whoever wants to read it or bring it elsewhere.

No credential, token, key or address of a room is in it: `LEFT_OUT` and `WITHOUT` say what is missing and why, and the
archive says it too. Every table stands in one of the two lists here (`tests/moving/test_tables.py`).

The archive is one moment of the club (a repeatable read), read by COPY and written row by row, so its size needs no memory:

    manifest.json        version, revision, moment, rows of each table, what was left out and why
    csv/TABLE.csv        RFC 4180 with a head; nothing between two commas is null, "" is an empty text
    json/TABLE.jsonl     the same rows, a JSON object a line
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import psycopg
from psycopg import sql
from sqlalchemy import Column, Table

from portal import clock
from portal.config import VERSION
from portal.models import Base
from portal.operations.revision import HEAD

FORMAT = 1
"""Of the archive: what reads it refuses another."""

CREDENTIALS = "a credential: people choose a password anew, by invitation"
ROOM = "leads into a room: rooms are made, and links typed, anew"
OURS = "this server's own business, not the club's"

LEFT_OUT = {
    "credentials": CREDENTIALS,
    "second_factors": CREDENTIALS,
    "second_factor_endings": CREDENTIALS,
    "recovery_codes": CREDENTIALS,
    "one_time_tokens": CREDENTIALS,
    "sign_ins": CREDENTIALS,
    "order_number_key": "a key",
    "free_days": "hashes under a key: nobody can read them elsewhere",
    "unreachable_addresses": "found out anew by the server that sends",
    "moves": "files and archives of those who move, gone within a day",
    "move_parts": "files and archives of those who move, gone within a day",
    "imported": "hashes under a key: nobody can read them elsewhere",
    "checkouts": "choices on their way to a page of the payment provider, gone within a day",
    "series_links": ROOM,
    "rooms": ROOM,
    "room_registrants": ROOM,
    "obsolete_rooms": ROOM,
    "recordings": "addresses at a platform under a key; the recordings are there",
    "room_events": "what a platform told, taken into presences",
    "provider_events": "what the payment provider told, taken into orders and subscriptions",
    "drifts": OURS,
    "rate_limits": OURS,
    "runs": OURS,
    "backups": OURS,
    "table_sizes": OURS,
    "statement_timings": OURS,
    "request_timings": OURS,
    "pool_timings": OURS,
    "mails": "what was sent; some of it held links that opened something",
    "sandbox_mails": OURS,
    "calendar_entries": "tokens that name an entry in somebody's calendar",
    "calendar_changes": "what a calendar is yet to be told, gone within a minute",
    "calendar_feeds": "addresses that open something: people make feeds anew",
    "inbox_messages": "what came back by mail, gone after 90 days",
    "club_domains": "a copy of the setting CLUB_DOMAINS",
}
"""Tables that are not in an archive, and why."""

WITHOUT = {
    "family_memberships": {"token_hash": "opens an invitation: one that is open can be sent anew"},
    "meetings": {"meeting_link": ROOM, "meeting_id": ROOM, "provision_state": ROOM},
}
"""Columns that are not in an archive, and why. What the database computes (`Computed`) is not there either."""


def exported() -> list[Table]:
    """The tables of an archive, those first that others refer to."""
    return [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]


def columns(table: Table) -> list[str]:
    """The columns of a table an archive has."""
    return [
        column.name
        for column in table.columns
        if not _is_computed(column) and column.name not in WITHOUT.get(table.name, {})
    ]


def _is_computed(column: Column[object]) -> bool:
    return column.computed is not None


def export(url: str, file: Path, say: Callable[[str], None] = print) -> dict[str, int]:
    """Write the archive; how many rows of each table are in it. `url` is the worker's login, which no secret is readable to.

    It gets its name when it is whole; until then it is FILE.part, which nobody but its owner may read.
    """
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    with (
        open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        ZipFile(out, "w", ZIP_DEFLATED) as archive,
        psycopg.connect(url) as db,
    ):
        db.execute("set transaction isolation level repeatable read, read only")
        db.execute("set local statement_timeout = 0")
        db.execute("set local idle_in_transaction_session_timeout = 0")
        rows = {table.name: _write(db, archive, table, say) for table in exported()}
        archive.writestr("manifest.json", json.dumps(_manifest(rows), indent=2))
    part.replace(file)
    return rows


def _manifest(rows: dict[str, int]) -> dict[str, object]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "revision": HEAD,
        "made_at": datetime.now(UTC).isoformat(),
        "club_at": clock.now().isoformat(),
        "rows": rows,
        "left_out": LEFT_OUT,
        "without": WITHOUT,
    }


def _write(db: psycopg.Connection, archive: ZipFile, table: Table, say: Callable[[str], None]) -> int:
    wanted = sql.SQL("select {} from {} order by {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns(table))),
        sql.Identifier(table.name),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in table.primary_key),
    )
    with archive.open(f"csv/{table.name}.csv", "w", force_zip64=True) as out:
        rows = _copy(db, sql.SQL("copy ({}) to stdout (format csv, header)").format(wanted), out, lambda row: row)
    # In COPY's text format the one thing a JSON text has to escape is the backslash: it holds no control characters.
    as_json = sql.SQL("copy (select row_to_json(r) from ({}) r) to stdout").format(wanted)
    with archive.open(f"json/{table.name}.jsonl", "w", force_zip64=True) as out:
        _copy(db, as_json, out, lambda row: row.replace(rb"\\", b"\\"))
    say(f"{table.name}: {rows - 1:,} rows")
    return rows - 1


def _copy(db: psycopg.Connection, statement: sql.Composed, out: IO[bytes], as_written: Callable[[bytes], bytes]) -> int:
    """How many lines came: the server sends each row, and the head, as a message of its own."""
    lines = 0
    with db.cursor().copy(statement) as rows:
        for row in rows:
            out.write(as_written(bytes(row)))
            lines += 1
    return lines
