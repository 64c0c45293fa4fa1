"""Who is asking: part of every transaction, gone with it.

`set_config(…, true)` survives neither commit nor the pool, so it is right behind pgbouncer in transaction mode too.
A browser is known by the hash of its sign-in key; the same statement that names it to the database looks it up, so a
sign-in that was ended is nobody from the next statement on.
"""

from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from flask_sqlalchemy.session import Session
from sqlalchemy import Connection, event, func
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import SessionTransaction

from portal.database.driver import Statement, ask, driver_of, errors_told
from portal.database.rows import R

STANDBY_AGE = 5.0
"""Seconds for which a connection to a standby is kept."""


class PortalSession(Session):
    """A session that tells the database who is asking whenever a transaction begins.

    A transaction begins with the first question, asked of the driver (`opened`), and most pages need no more. What is
    asked of the session itself, or written through it, joins the same transaction on the same connection.
    """

    _held: Connection | None = None

    def opened(self) -> Connection:
        """The connection, in a transaction that knows who asks."""
        held = self._connected()
        if driver_of(held).is_idle:
            _tell(self, held)
        return held

    def apart(self, statement: Statement[R], **params: object) -> list[R]:
        """Ask as the login itself, in a transaction of its own on the one connection: kept whatever becomes of the rest.

        For what counts although the request is refused (tries). It comes first: the transaction that was open ends here
        and the next question begins another, so RuntimeError if anything was changed in it already.
        """
        held = self._connected()
        driver = driver_of(held)
        if not driver.is_idle:
            self._end_of_reading(held)
        try:
            rows = ask(held, statement, params)
            with errors_told(held, b"commit"):
                driver.commit()
        except DBAPIError:
            self.rollback()
            raise
        return rows

    def _connected(self) -> Connection:
        if self._held is None:
            self._held = self._db.engine.connect()
        return self._held

    def _end_of_reading(self, held: Connection) -> None:
        (now,) = ask(held, _WRITTEN, {})
        noted = getattr(self.info.get("person"), "written", None)  # whoami keeps when a sign-in was last seen
        if self.new or self.dirty or self.deleted or now.written != noted:
            raise RuntimeError("something was changed already; what is asked apart comes first")
        with errors_told(held, b"commit"):
            driver_of(held).commit()

    def get_bind(self, *_what: object, **_how: object) -> Connection:
        """Everything goes over the one connection."""
        return self.opened()

    def commit(self) -> None:
        """Keep what was asked for in this transaction, whoever asked it."""
        if self.in_transaction():
            super().commit()
        if self._held is not None:
            with errors_told(self._held, b"commit"):
                driver_of(self._held).commit()

    def rollback(self) -> None:
        """Roll back."""
        super().rollback()
        if self._held is not None and not self._held.invalidated:
            with errors_told(self._held, b"rollback"):
                driver_of(self._held).rollback()

    def is_standby(self) -> bool:
        """Whether nothing can be changed just now, since the database is a standby; asked again, as that may have ended."""
        if driver_of(self._connected()).is_standby:
            self.apart(_WRITTEN)
        return driver_of(self._connected()).is_standby

    def close(self) -> None:
        """Roll back, and give the connection back; one to a standby not for long, as there may be a primary again."""
        super().close()
        held, self._held = self._held, None
        if held is not None:
            if not held.invalidated and driver_of(held).is_standby and driver_of(held).age > STANDBY_AGE:
                held.invalidate()
            held.close()


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

BECOME = b"select set_config('role', %(role)s, true) as role, set_config('app.user_id', %(user_id)s, true) as who"
_CLUB = b", (select changed_at from public.club) as club_changed_at"
WHOAMI = (
    b"select who.*, set_config('role', case when who.id is null then 'portal_anonymous'"
    b" when who.is_admin and who.proved_at is not null then 'portal_admin' else 'portal_member' end, true) as role_told,"
    b" set_config('app.user_id', coalesce(who.id::text, ''), true) as id_told,"
    b" pg_current_xact_id_if_assigned()::text as written" + _CLUB + b" from (select) nobody"
    b" left join auth.whoami(%(key)s) who on true"
)


class Person(NamedTuple):
    """Whoever holds a sign-in key, as `auth.whoami` tells them, and what was told to the database of them.

    Nobody is a row of None but for what was told. `written` is the transaction's number if the sign-in was noted as seen in it.
    """

    sign_in_id: UUID
    id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    timezone: str
    is_admin: bool
    subscription_status: str | None
    access_until: datetime | None
    proved_at: datetime | None
    subscription_expiry: datetime | None
    role_told: str
    id_told: str
    written: str | None
    club_changed_at: datetime | None


class Became(NamedTuple):
    """What was told to the database, and when the club's row last changed; None if there is none."""

    role: str
    who: str
    club_changed_at: datetime | None


class _Written(NamedTuple):
    """The number of the transaction, if it wrote anything."""

    written: str | None


_BECOME_APART: Statement[None] = Statement(BECOME)
_BECOME = Statement(BECOME + _CLUB, Became)
_WHOAMI = Statement(WHOAMI, Person)
_WRITTEN = Statement(b"select pg_current_xact_id_if_assigned()::text as written", _Written)


def act_as(session: OrmSession, actor: Role | Browser) -> None:
    """From its next transaction on, `session` asks as `actor`."""
    session.info["actor"] = actor
    session.info.pop("person", None)


@event.listens_for(PortalSession, "after_begin")
def _joined(session: PortalSession, _transaction: SessionTransaction, _connection: Connection) -> None:
    session.opened()


def _tell(session: OrmSession, connection: Connection) -> None:
    """Name the viewer to the database; remember the person a browser turned out to be; notice that the club was changed."""
    actor = session.info.get("actor", ANONYMOUS)
    club = current_app.extensions.get("club")
    if isinstance(actor, Browser):
        (person_told,) = ask(connection, _WHOAMI, {"key": actor.key_hash})
        session.info["person"] = person_told
        club_changed_at = person_told.club_changed_at
    else:
        params = {"role": actor.name, "user_id": str(actor.user_id or "")}
        if club is None:  # a command for tables of any version, which need not have the club's
            ask(connection, _BECOME_APART, params)
            return
        (became,) = ask(connection, _BECOME, params)
        club_changed_at = became.club_changed_at
    if club is not None:
        club.checked = monotonic()
        if club_changed_at != club.changed_at:
            club.follow(connection)


def opened(session: OrmSession) -> Connection:
    """The connection of a session, in a transaction that knows who asks."""
    assert isinstance(session, PortalSession), "every session of the portal is one"  # noqa: S101
    return session.opened()


def apart(session: OrmSession, statement: Statement[R], **params: object) -> list[R]:
    """`PortalSession.apart`."""
    assert isinstance(session, PortalSession), "every session of the portal is one"  # noqa: S101
    return session.apart(statement, **params)


def is_standby(session: OrmSession) -> bool:
    """`PortalSession.is_standby`."""
    assert isinstance(session, PortalSession), "every session of the portal is one"  # noqa: S101
    return session.is_standby()


def person(session: OrmSession) -> Person | None:
    """The row of the signed-in person of this session's browser, or None."""
    opened(session)
    row: Person | None = session.info.get("person")
    return row if row is not None and row.id is not None else None
