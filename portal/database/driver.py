"""The driver itself, for what every page asks: SQLAlchemy's way to the same rows costs more than PostgreSQL's answer.

A `Statement` is prepared once a connection and asked through libpq (`psycopg.pq`); psycopg writes the values and reads
the rows. Its cursors are for what is asked once: they look each time whether a statement is worth preparing.
"""

import re
import select
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.abc import Transformer as Words
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import RowFactory, TupleRow, tuple_row
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from portal.database.rows import R, Shape
from portal.database.timings import counts

Opened = TypeVar("Opened")

PATIENCE_WITH_NETWORK: dict[str, Any] = {  # libpq's own parameters
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""For every connection: a host that does not answer is given up after three seconds (of several the next is asked), and a
connection whose other end was cut off without a word after about ten. Of itself the kernel waits a quarter of an hour, or
for ever. An address may say otherwise."""

_NAMED = re.compile(rb"%\((\w+)\)s")
_FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Statement(Generic[R]):
    """SQL with named places, `%(like)s` this, and the type of its rows; None if nobody reads them."""

    def __init__(self, sql: bytes, row: type[R] | None = None) -> None:
        self.names = tuple(dict.fromkeys(name.decode() for name in _NAMED.findall(sql)))
        numbers = {name.encode(): b"$%d" % n for n, name in enumerate(self.names, 1)}
        self.sql = _NAMED.sub(lambda place: numbers[place[1]], sql).replace(b"%%", b"%")
        self.formats = [PyFormat.AUTO] * len(self.names)
        self.shape = Shape(row) if row else None
        self.checked = False


class Driver(psycopg.Connection[TupleRow]):
    """psycopg's connection, with a short way for statements, and for the end of a transaction.

    psycopg gives up everything prepared when it rolls back; to PostgreSQL a rollback is no reason to.
    """

    def __init__(self, pgconn: PGconn, row_factory: RowFactory[TupleRow] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self._words: dict[object, Words] = {}
        self._names: dict[tuple[object, tuple[int, ...] | None], bytes] = {}
        self._opened_at = time.monotonic()

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open."""
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    @property
    def is_standby(self) -> bool:
        """Whether the server was a standby when it last answered: it tells that by itself (`in_hot_standby`)."""
        return self.pgconn.parameter_status(b"in_hot_standby") == b"on"

    @property
    def is_hung_up(self) -> bool:
        """Whether the server, or a pooler before it, has closed it since it was last used. The server is not asked."""
        try:
            waiting = select.poll()
            waiting.register(self.pgconn.socket, select.POLLIN)
            while waiting.poll(0):
                self.pgconn.consume_input()
        except psycopg.OperationalError:
            return True
        return False

    @property
    def age(self) -> float:
        """Seconds since it was opened."""
        return time.monotonic() - self._opened_at

    def commit(self) -> None:
        """Commit."""
        if not self.is_idle:
            self._checked(self.pgconn.exec_(b"commit"))

    def rollback(self) -> None:
        """Roll back."""
        if not self.is_idle:
            self._checked(self.pgconn.exec_(b"rollback"))

    def ask(self, statement: Statement[R], params: Mapping[str, object]) -> list[R]:
        """What the database answers; a transaction begins if none is open. Raises psycopg.Error, WrongColumns."""
        words = self._words.get(statement) or self._words.setdefault(statement, Transformer.from_context(self))
        values = words.dump_sequence([params[name] for name in statement.names], statement.formats)
        if self.is_idle:
            self._checked(self.pgconn.exec_(b"begin"))
        if self.prepare_threshold is None:  # behind pgbouncer the next statement may meet another server process
            answer = self.pgconn.exec_params(statement.sql, values, words.types, words.formats)
        else:
            answer = self.pgconn.exec_prepared(self._prepared_as(statement, words.types), values, words.formats)  # type: ignore[arg-type]  # a value may be null
        words.set_pgresult(self._checked(answer))
        if statement.shape is None:
            return []
        if not statement.checked:
            statement.shape.check((answer.fname(n) or b"").decode() for n in range(answer.nfields))
            statement.checked = True
        return words.load_rows(0, answer.ntuples, statement.shape.make)

    def _prepared_as(self, statement: Statement[R], types: tuple[int, ...] | None) -> bytes:
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


def of_several(connect: Callable[..., Opened], **params: Any) -> Opened:  # libpq's own parameters
    """A connection to that of several hosts which takes changes; while none does, to one that can be read.

    Where the address has `target_session_attrs` itself, or one host, that is as libpq does it.
    """
    params = {**PATIENCE_WITH_NETWORK, **params}
    if "," in str(params.get("host", "")) and "target_session_attrs" not in params:
        with suppress(psycopg.OperationalError):
            return connect(**params, target_session_attrs="read-write")
    return connect(**params)


def driver_of(connection: Connection) -> Driver:
    """The driver below a connection of SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, Driver), "the engine makes no other"  # noqa: S101
    return driver


def ask(connection: Connection, statement: Statement[R], params: Mapping[str, object]) -> list[R]:
    """`Driver.ask`, timed. Raises SQLAlchemy's DBAPIError."""
    began = time.perf_counter()
    with errors_told(connection, statement.sql):
        try:
            return driver_of(connection).ask(statement, params)
        finally:
            counts.count_statement(statement.sql, time.perf_counter() - began)


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
