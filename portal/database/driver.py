"""The driver itself, for what every page asks: SQLAlchemy's way to the same rows costs more than PostgreSQL's answer.

A `Statement` is prepared once a connection and asked through libpq (`psycopg.pq`); psycopg writes the values and reads
the rows. Its cursors are for what is asked once: they look each time whether a statement is worth preparing.
"""

import re
import time
from collections import namedtuple
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from portal.database.timings import counts

_NAMED = re.compile(rb"%\((\w+)\)s")
_FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Statement:
    """SQL with named places, `%(like)s` this."""

    def __init__(self, sql: bytes) -> None:
        self.names = tuple(dict.fromkeys(name.decode() for name in _NAMED.findall(sql)))
        numbers = {name.encode(): b"$%d" % n for n, name in enumerate(self.names, 1)}
        self.sql = _NAMED.sub(lambda place: numbers[place[1]], sql).replace(b"%%", b"%")
        self.formats = [PyFormat.AUTO] * len(self.names)


class Driver(psycopg.Connection[Any]):
    """psycopg's connection, with a short way for statements, and for the end of a transaction.

    psycopg gives up everything prepared when it rolls back; to PostgreSQL a rollback is no reason to.
    """

    def __init__(self, *what: Any, **how: Any) -> None:
        super().__init__(*what, **how)
        self._words: dict[Statement, Any] = {}
        self._names: dict[tuple[Statement, Any], bytes] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open."""
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    def commit(self) -> None:
        """Keep what was done."""
        if not self.is_idle:
            self._checked(self.pgconn.exec_(b"commit"))

    def rollback(self) -> None:
        """Forget it."""
        if not self.is_idle:
            self._checked(self.pgconn.exec_(b"rollback"))

    def ask(self, statement: Statement, given: Mapping[str, Any]) -> list[Any]:
        """What the database answers, as named tuples; a transaction begins if none is open. Raises psycopg.Error."""
        words = self._words.get(statement) or self._words.setdefault(statement, Transformer.from_context(self))
        values = words.dump_sequence([given[name] for name in statement.names], statement.formats)
        if self.is_idle:
            self._checked(self.pgconn.exec_(b"begin"))
        if self.prepare_threshold is None:  # behind pgbouncer the next statement may meet another server process
            answer = self.pgconn.exec_params(statement.sql, values, words.types, words.formats)
        else:
            answer = self.pgconn.exec_prepared(self._prepared_as(statement, words.types), values, words.formats)
        words.set_pgresult(self._checked(answer))
        return words.load_rows(0, answer.ntuples, _row(*map(answer.fname, range(answer.nfields)))) if answer.nfields else []

    def _prepared_as(self, statement: Statement, types: Any) -> bytes:
        name = self._names.get((statement, types))
        if name is None:
            name = b"portal_%d" % len(self._names)
            self._checked(self.pgconn.prepare(name, statement.sql, types))
            self._names[statement, types] = name
        return name

    def _checked(self, answer: PGresult) -> PGresult:
        if answer.status not in _FINE:
            if self.closed:
                raise psycopg.OperationalError(answer.get_error_message())
            raise psycopg.errors.error_from_result(answer)
        return answer


@lru_cache(maxsize=256)
def _row(*names: bytes) -> Any:
    row: Any = namedtuple("Row", [name.decode() for name in names])  # type: ignore[misc]
    return row._make


def driver_of(connection: Connection) -> Driver:
    """The driver below a connection of SQLAlchemy's."""
    driver: Any = connection.connection.driver_connection
    return driver  # type: ignore[no-any-return]


def ask(connection: Connection, statement: Statement, given: Mapping[str, Any]) -> list[Any]:
    """`Driver.ask`, timed. Raises SQLAlchemy's DBAPIError."""
    began = time.perf_counter()
    with errors_told(connection, statement.sql):
        try:
            return driver_of(connection).ask(statement, given)
        finally:
            counts.asked(statement.sql, time.perf_counter() - began)


@contextmanager
def errors_told(connection: Connection, sql: bytes) -> Iterator[None]:
    """Raise what goes wrong as SQLAlchemy would, and forget a connection that is broken."""
    try:
        yield
    except psycopg.Error as error:
        broken = driver_of(connection).closed
        if broken:
            connection.invalidate(error)
        raise DBAPIError.instance(sql.decode(), None, error, psycopg.Error, connection_invalidated=broken) from error
