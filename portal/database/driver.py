"""The driver itself, for what every page asks: SQLAlchemy's way to the same rows costs more than PostgreSQL's answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def driver_of(connection: Connection) -> Any:
    """psycopg's own connection."""
    return connection.connection.driver_connection


def is_idle(connection: Connection) -> bool:
    """Whether no transaction is open on it."""
    return bool(driver_of(connection).pgconn.transaction_status == TransactionStatus.IDLE)


def ask(connection: Connection, sql: bytes, given: Mapping[str, Any]) -> list[Any]:
    """What the database answers, as named tuples. Raises SQLAlchemy's DBAPIError."""
    driver = driver_of(connection)
    with errors_told(connection, sql), driver.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(sql, given).fetchall()  # type: ignore[no-any-return]


def do(connection: Connection, sql: bytes, given: Mapping[str, Any]) -> None:
    """Ask for something that has no rows to show. Raises SQLAlchemy's DBAPIError."""
    with errors_told(connection, sql):
        driver_of(connection).execute(sql, given)


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
