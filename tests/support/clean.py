"""A database as it was before the test, and as it was once the cast was assembled: both without the work of triggers."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import ClientCursor, sql

from portal import clock

TABLES = """
select c.oid::regclass::text from pg_class c
 where relnamespace in ('public'::regnamespace, 'auth'::regnamespace) and relkind = 'r'
   and relname not in ('alembic_version', 'database_objects', 'club_clock') order by 1
"""
CLOCK = """
update club_clock set ahead = '0', stands_at = null, is_sandbox = false
 where ahead <> '0' or stands_at is not null or is_sandbox
"""
COLUMNS = """
select attname, atttypid = 'timestamptz'::regtype from pg_attribute
 where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = ''
"""


class Cleaner:
    """Deletes and writes rows as a replica does, so that no trigger fires and no key is checked.

    A session that was a replica forgets the plans of all its functions: a connection of its own keeps the others fast.
    `but` is the beginning of the names of tables that are left alone.
    """

    def __init__(self, postgres: psycopg.Connection, but: str = "nothing") -> None:
        self._postgres = postgres
        names = [name for (name,) in postgres.execute(TABLES) if not name.startswith(but)]
        rows = sql.SQL(", ").join(
            sql.SQL("case when exists (select from {}) then {} end").format(_table(name), name) for name in names
        )
        self._look = sql.SQL("select array_remove(array[{}], null)").format(rows)

    def used(self) -> list[str]:
        """The tables in which anything is."""
        row = self._postgres.execute(self._look, prepare=True).fetchone()
        assert row
        return list(row[0])

    def clean(self) -> None:
        """Empty every table; the club's clock shows the machine's hour again."""
        self._postgres.execute(CLOCK, prepare=True)
        if used := self.used():
            self.as_replica(sql.SQL("delete from {}").format(_table(name)) for name in used)

    def as_replica(self, statements: Iterable[sql.Composable], **params: object) -> None:
        """Execute these in one round trip: what is sent at once is one transaction, and undone whole."""
        frame = sql.SQL("set local lock_timeout = '5s'; set local session_replication_role = replica; {}")
        with ClientCursor(self._postgres) as cursor:
            cursor.execute(frame.format(sql.SQL("; ").join(statements)), params)


class Snapshot:
    """All rows of some tables, to be written again later, with each moment as much later."""

    def __init__(self, postgres: psycopg.Connection, tables: Iterable[str]) -> None:
        self._taken_at = datetime.now(UTC)
        self._rows: dict[str, str] = {}
        self._statements: list[sql.Composed] = []
        for name in tables:
            columns = postgres.execute(COLUMNS, [name]).fetchall()
            row = postgres.execute(sql.SQL("select json_agg(t)::text from {} t").format(_table(name))).fetchone()
            assert row
            self._rows[name] = row[0]
            values = [
                sql.SQL("{} + %(later)s" if is_moment else "{}").format(sql.Identifier(column))
                for column, is_moment in columns
            ]
            self._statements.append(
                sql.SQL("insert into {0} ({1}) select {2} from json_populate_recordset(null::{0}, {3})").format(
                    _table(name),
                    sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns),
                    sql.SQL(", ").join(values),
                    sql.Placeholder(name),
                )
            )

    def fits(self, used: list[str]) -> bool:
        """Whether the same would come of it if it were made anew: `used` tables have other rows, none of which a
        newcomer is told of, and the club's hour is the machine's."""
        own_hour = abs(clock.now() - datetime.now(UTC)) > timedelta(seconds=1)
        return not own_hour and self._rows.keys().isdisjoint(used) and "meetings" not in used

    def write(self, cleaner: Cleaner) -> None:
        """Write the rows into the empty tables, by the connection of this cleaner."""
        cleaner.as_replica(self._statements, later=datetime.now(UTC) - self._taken_at, **self._rows)


def _table(name: str) -> sql.SQL | sql.Composed:
    return sql.SQL(".").join(sql.Identifier(part) for part in name.split("."))
