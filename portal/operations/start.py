"""Before the first request or job: is this the right database, and is the portal's own role bound by its policies?"""

import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from secrets import token_hex

import psycopg
from flask import Flask
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from portal import club, log
from portal.config import Settings
from portal.database import db, roles, timings
from portal.database.driver import of_several
from portal.operations.demo import refuse_mixed
from portal.operations.revision import HEAD, serves
from portal.problems import Problem
from portal.setting_values import plain_url

OLDEST, NEWEST = 15, 18
PATIENCE = 2.0
"""Seconds for an announcement to arrive."""
POOLED = {
    "portal_web": ("DATABASE_URL", "LIVE_DATABASE_URL"),
    "portal_worker": ("WORKER_DATABASE_URL", "QUEUE_DATABASE_URL"),
}
"""The logins that may come through a pooler: the setting for that, and the one for what must not."""

logger = logging.getLogger(__name__)


def begin(app: Flask, login: str = "portal_web") -> Flask:
    """Make `app` ready to serve or to work as `login`: its lines go to the log, its timings are kept, and the
    club has its row. Raises `Problem`."""
    settings: Settings = app.config["SETTINGS"]
    log.configure(settings)
    for warning in settings.warnings:
        logger.warning("%s", warning)
    refuse_unsafe(app, login)
    with reach(plain_url(app.config["SQLALCHEMY_DATABASE_URI"])) as connection:
        refuse_mixed(connection, settings.sandbox)
        club.first_start(connection, settings)
    refuse_few_connections(app)
    log.watch(app)
    timings.keep(app, db)
    return app


@contextmanager
def problems_reported() -> Iterator[None]:
    """For what a server loads: a `Problem` is its sentences on standard error and the end, no traceback."""
    try:
        yield
    except Problem as problem:
        sys.exit("\n".join(f"portal: {line}" for line in str(problem).splitlines()))


def refuse_unsafe(app: Flask, login: str = "portal_web", *, any_version: bool = False) -> None:
    """Raise `Problem` unless `app` signs in as `login`, bound by the policies, and the tables are such as this code serves.

    With `any_version` there only have to be tables.
    """
    settings: Settings = app.config["SETTINGS"]
    with reach(plain_url(app.config["SQLALCHEMY_DATABASE_URI"])) as connection:
        refuse_version(connection)
        roles.refuse_bypass(connection)
        roles.refuse_other(connection, login)
        if login in POOLED and not settings.pgbouncer and is_pooled(connection):
            pooled, direct = POOLED[login]
            raise Problem(f"{pooled} leads through a pooler like pgbouncer; set PGBOUNCER=1 (and {direct}).")
        try:
            version = connection.execute("select version_num from alembic_version").fetchone()
        except psycopg.errors.UndefinedTable as missing:
            raise Problem("The database has no tables yet; run `portal migrate`.") from missing
        except psycopg.errors.InsufficientPrivilege as closed:
            raise Problem("The database was migrated without the portal's roles; run `portal roles`.") from closed
        if version is None or not (any_version or serves(version[0])):
            raise Problem(
                f"The database is at revision {version and version[0]}, the code at {HEAD}; run `portal migrate`."
            )


def is_pooled(connection: psycopg.Connection) -> bool:
    """Whether a pooler stands between: it makes up the number by which a connection is cancelled."""
    row = connection.execute("select pg_backend_pid()").fetchone()
    return row != (connection.info.backend_pid,)


def refuse_deaf(url: str, setting: str) -> None:
    """Raise `Problem` unless what is announced in the database arrives through `url`, the address `setting` gives.

    A standby announces nothing, so there is nothing to try.
    """
    channel = f"probe_{token_hex(8)}"
    with reach(url) as listening, reach(url) as speaking:
        if listening.info.parameter_status("in_hot_standby") == "on":
            return
        listening.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
        speaking.execute("select pg_notify(%s, '')", [channel])
        if not any(notice.channel == channel for notice in listening.notifies(timeout=PATIENCE, stop_after=1)):
            raise Problem(
                f"{setting} does not let through what the database announces: a pooler like pgbouncer stands between. "
                "It must lead to PostgreSQL itself."
            )


def configured_threads(command: Sequence[str]) -> int | None:
    """`--blocking-threads N` on granian's command line, which goes before the variable in its environment; or None."""
    found = re.search(r"--blocking-threads[ =](\d+)", " ".join(command))
    return int(found[1]) if found else None


CONNECTIONS = """
select least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true), '0')::int,
    nullif(r.rolconnlimit, -1), nullif(d.datconnlimit, -1))
  from pg_roles r, pg_database d where r.rolname = session_user and d.datname = current_database()
"""


def refuse_few_connections(app: Flask) -> None:
    """Raise `Problem` unless PostgreSQL lets in a connection for each thread of `app` and of its sister processes."""
    settings = app.config["SETTINGS"]
    if settings.pgbouncer:
        return  # hands out its own
    each, workers = app.config["SQLALCHEMY_ENGINE_OPTIONS"]["pool_size"], int(os.environ.get("GRANIAN_WORKERS", 1))
    with reach(plain_url(app.config["SQLALCHEMY_DATABASE_URI"])) as connection:
        (limit,) = connection.execute(CONNECTIONS).fetchone() or (0,)
    if limit < each * workers:
        raise Problem(
            f"PostgreSQL lets {limit} connections in, but {workers} process{'es' * (workers > 1)} of {each} threads may need"
            f" {each * workers}: raise its max_connections (or the login's limit), or serve with fewer threads."
        )


def refuse_version(connection: psycopg.Connection) -> None:
    """Raise `Problem` for a PostgreSQL older or newer than what was tried."""
    major = connection.info.server_version // 10000
    if not OLDEST <= major <= NEWEST:
        raise Problem(f"This is PostgreSQL {major}; the portal runs on {OLDEST} to {NEWEST}.")


def reach(url: str, patience: float = 0) -> psycopg.Connection:
    """A connection, waiting up to `patience` seconds for a server that is starting. Raises `Problem`."""
    if not url:
        raise Problem("This process was given no address of the database for that.")
    until = time.monotonic() + patience
    while True:
        try:
            return of_several(psycopg.connect, **conninfo_to_dict(url), connect_timeout=5, autocommit=True)
        except psycopg.OperationalError as error:  # a wrong password, too: it is the server's to say
            if time.monotonic() > until:
                reason = str(error).strip().splitlines()[0]
                raise Problem(f"The database cannot be reached: {reason}") from error
            time.sleep(0.2)
