"""Who is asking: part of every transaction, gone with it.

`set_config(…, true)` survives neither commit nor the pool, so it is right behind pgbouncer in transaction mode too.
A browser is known by the hash of its sign-in key; the same statement that names it to the database looks it up, so a
sign-in that was ended is nobody from the next statement on.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_sqlalchemy.session import Session
from sqlalchemy import Connection, Row, event, func, text
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
WHOAMI = text(
    "select who.*, set_config('role', case when who.id is null then 'portal_anonymous'"
    " when who.is_admin then 'portal_admin' else 'portal_member' end, true),"
    " set_config('app.user_id', coalesce(who.id::text, ''), true)"
    " from (select) nobody left join auth.whoami(:key, :at) who on true"
)


def act_as(session: OrmSession, asker: Role | Browser) -> None:
    """From its next transaction on, `session` asks as `asker`."""
    session.info["asker"] = asker
    session.info.pop("person", None)


@event.listens_for(PortalSession, "after_begin")
def tell(session: OrmSession, _transaction: SessionTransaction, connection: Connection) -> None:
    """Name the asker to the database; remember the person a browser turned out to be."""
    asker = session.info.get("asker", ANONYMOUS)
    if isinstance(asker, Browser):
        session.info["person"] = connection.execute(WHOAMI, {"key": asker.key_hash, "at": clock.now()}).one()
    else:
        who = {"role": asker.name, "user_id": str(asker.user_id or "")}
        connection.execute(BECOME, who)


def person(session: OrmSession) -> Row[Any] | None:
    """The signed-in person of this session's browser, or None."""
    session.connection()  # begins the transaction, and so asks
    row = session.info.get("person")
    return row if row is not None and row.id is not None else None
