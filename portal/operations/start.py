"""Before the first request or job: is this the right database, and is the portal's own role bound by its policies?"""

import time

import psycopg
from flask import Flask

from portal import log
from portal.config import plain_url
from portal.database import db, roles, timings
from portal.operations.revision import HEAD, serves
from portal.problems import Problem

OLDEST, NEWEST = 15, 18


def begin(app: Flask) -> Flask:
    """Make `app` ready to serve or to work: its lines go to the log, its timings are kept. Raises `Problem`."""
    log.configure(app.config["SETTINGS"])
    refuse_unsafe(app)
    log.watch(app)
    timings.keep(app, db)
    return app


def refuse_unsafe(app: Flask) -> None:
    """Raise `Problem` unless the login of `app` is bound by the policies and the tables are such as this code serves."""
    with reach(plain_url(app.config["SQLALCHEMY_DATABASE_URI"])) as connection:
        refuse_version(connection)
        roles.refuse_bypass(connection)
        try:
            version = connection.execute("select version_num from alembic_version").fetchone()
        except psycopg.errors.UndefinedTable as missing:
            raise Problem("The database has no tables yet; run `portal migrate`.") from missing
        except psycopg.errors.InsufficientPrivilege as closed:
            raise Problem("The database was migrated without the portal's roles; run `portal roles`.") from closed
        if version is None or not serves(version[0]):
            raise Problem(
                f"The database is at revision {version and version[0]}, the code at {HEAD}; run `portal migrate`."
            )


def refuse_version(connection: psycopg.Connection) -> None:
    """Raise `Problem` for a PostgreSQL older or newer than what was tried."""
    major = connection.info.server_version // 10000
    if not OLDEST <= major <= NEWEST:
        raise Problem(f"This is PostgreSQL {major}; the portal runs on {OLDEST} to {NEWEST}.")


def reach(url: str, patience: float = 0) -> psycopg.Connection:
    """A connection, waiting up to `patience` seconds for a server that is starting. Raises `Problem`."""
    until = time.monotonic() + patience
    while True:
        try:
            return psycopg.connect(url, connect_timeout=5, autocommit=True)
        except psycopg.OperationalError as error:
            if time.monotonic() > until:
                said = str(error).strip().splitlines()[0]
                raise Problem(f"The database cannot be reached: {said}") from error
            time.sleep(0.2)
