"""What the stand-in remembers: one SQLite file, so that it is the same after a restart."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from portal.sandbox.meet.problems import Json

TABLES = """
create table if not exists events (id text primary key, body text not null);
create table if not exists spaces (name text primary key, code text not null unique, config text not null);
create table if not exists conferences (
    seq integer primary key, name text not null unique, space text not null, started text not null, ended text);
create unique index if not exists one_active on conferences (space) where ended is null;
create table if not exists participants (
    seq integer primary key, name text not null unique, conference text not null, kind text not null, account text,
    display text not null);
create unique index if not exists one_account on participants (conference, account) where account is not null;
create table if not exists sessions (
    seq integer primary key, name text not null unique, participant text not null, started text not null, ended text);
create table if not exists recordings (
    seq integer primary key, name text not null unique, conference text not null, started text not null, ended text);
create table if not exists tokens (token text primary key, scopes text not null, expires real not null);
create table if not exists switches (name text primary key, value text not null);
"""
"""Times are RFC 3339 in UTC with six decimals, so that they sort as they stand."""

SCOPES = (
    "https://www.googleapis.com/auth/calendar.events.owned",
    "https://www.googleapis.com/auth/meetings.space.created",
)
SWITCHES: Json = {"api": "ok", "delegated": list(SCOPES), "late_minutes": 0, "page": 0}
"""How the world behaves: `api` one of FAULTS; the scopes the service account is delegated; for how long after a conference its
records stay hidden; how many rows a page has at most (0: as many as asked)."""


class Books:
    """The hands of one transaction on the file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def rows(self, sql: str, *params: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self.db.execute(sql, params).fetchall()

    def row(self, sql: str, *params: object) -> sqlite3.Row | None:
        """The first row of a query, if there is one."""
        found: sqlite3.Row | None = self.db.execute(sql, params).fetchone()
        return found

    def run(self, sql: str, *params: object) -> None:
        """A statement."""
        self.db.execute(sql, params)

    def switches(self) -> Json:
        """How the world behaves just now."""
        return SWITCHES | {row["name"]: json.loads(row["value"]) for row in self.rows("select * from switches")}


class Store:
    """The file. Every transaction has a connection of its own; writers wait for each other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as db:
            db.execute("pragma journal_mode = wal")
            db.executescript(TABLES)

    @contextmanager
    def books(self) -> Iterator[Books]:
        """One transaction, undone if anything is raised."""
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as db:
            db.row_factory = sqlite3.Row
            db.execute("pragma synchronous = normal")
            db.execute("begin immediate")
            try:
                yield Books(db)
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")
