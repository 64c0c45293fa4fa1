"""Who is asking: part of every transaction, gone with it.

`set_config(…, true)` survives neither commit nor the pool, so it is right behind pgbouncer in transaction mode too.
A browser is known by the hash of its sign-in key; the same statement that names it to the database looks it up, so a
sign-in that was ended is nobody from the next statement on.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_sqlalchemy.session import Session
from psycopg import Error
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, event, func, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import SessionTransaction

from portal import clock


class PortalSession(Session):
    """A session that tells the database who is asking whenever a transaction begins."""


@dataclass(frozen=True)
class Browser:
    """Known, if at all, by the hash of its sign-in key."""

    key_hash: bytes


@dataclass(frozen=True)
class Role:
    """One of the roles the web login may become, as a person or as nobody."""

    name: str
    user_id: UUID | None = None


ME = func.auth.uid()
"""Whoever asks, inside a statement."""

ANONYMOUS = Role("portal_anonymous")
WORKER = Role("none")
"""The worker's own login: it becomes nobody else."""

BECOME = text("select set_config('role', :role, true), set_config('app.user_id', :user_id, true)")
WHOAMI = (
    "select who.*, set_config('role', case when who.id is null then 'portal_anonymous'"
    " when who.is_admin then 'portal_admin' else 'portal_member' end, true) as role_told,"
    " set_config('app.user_id', coalesce(who.id::text, ''), true) as id_told"
    " from (select) nobody left join auth.whoami(%(key)s, %(at)s) who on true"
)
"""Asked by every page, and therefore of the driver itself: SQLAlchemy's result would cost more than the answer."""


def act_as(session: OrmSession, asker: Role | Browser) -> None:
    """From its next transaction on, `session` asks as `asker`."""
    session.info["asker"] = asker
    session.info.pop("person", None)


@event.listens_for(PortalSession, "after_begin")
def tell(session: OrmSession, _transaction: SessionTransaction, connection: Connection) -> None:
    """Name the asker to the database; remember the person a browser turned out to be."""
    asker = session.info.get("asker", ANONYMOUS)
    if isinstance(asker, Browser):
        session.info["person"] = _whoami(connection, asker.key_hash)
    else:
        who = {"role": asker.name, "user_id": str(asker.user_id or "")}
        connection.execute(BECOME, who)


def _whoami(connection: Connection, key_hash: bytes) -> Any:
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(WHOAMI, {"key": key_hash, "at": clock.now()}).fetchone()
    except Error as error:
        if driver.closed:
            connection.invalidate(error)
        raise DBAPIError.instance(WHOAMI, None, error, Error, connection_invalidated=driver.closed) from error


def person(session: OrmSession) -> Any:
    """The row of the signed-in person of this session's browser, or None."""
    session.connection()  # begins the transaction, and so asks
    row = session.info.get("person")
    return row if row is not None and row.id is not None else None
