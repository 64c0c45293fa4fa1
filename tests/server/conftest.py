"""A server as Debian has it: PostgreSQL 15 with passwords, pgbouncer in transaction mode, and the portal's own processes."""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from portal.config import LOGINS, ROOT
from portal.database import roles
from tests.server import tools
from tests.support.club_server import free_port

ROOM = 120
"""Seconds a process may take to do what is awaited of it."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Only `make server` runs what is here, and skips none of it: what is missing is told there."""
    item.add_marker(pytest.mark.server)


class Postgres:
    """Debian's PostgreSQL 15, or that of other `programs`, with passwords asked of everybody but its superuser on the socket."""

    def __init__(self, folder: Path, programs: Path = tools.POSTGRES) -> None:
        self.data, self.port, self.folder, self.programs = folder / "data", free_port(), folder, programs
        self.run(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            "postgres",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "-E",
            "UTF8",
        )
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(
                f"port = {self.port}\nunix_socket_directories = '{folder}'\nlisten_addresses = '127.0.0.1'\nfsync = off\n"
            )
            if programs == tools.POSTGRES:  # the wheel's has no such library
                conf.write("shared_preload_libraries = 'pg_stat_statements'\n")
        self.start()

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, as a user who may run it."""
        subprocess.run(
            [self.programs / program, *arguments], check=True, capture_output=True, cwd=self.folder, **as_nobody()
        )

    def start(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", "fast", "stop")

    def superuser(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), port=self.port, user="postgres", dbname=database, autocommit=True)


def as_nobody() -> dict[str, str]:
    """PostgreSQL and pgbouncer do not run as root."""
    return {"user": "nobody"} if os.getuid() == 0 else {}


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="server-", ignore_cleanup_errors=True) as name:
        if os.getuid() == 0:
            os.chown(name, pwd.getpwnam("nobody").pw_uid, -1)
        os.chmod(name, 0o755)
        yield Path(name)


@contextlib.contextmanager
def _postgres(programs: Path) -> Iterator[Postgres]:
    with _folder() as folder:
        server = Postgres(folder, programs)
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with _postgres(tools.POSTGRES) as server:
        yield server


class Club:
    """A club on that server, each login with a password of its own, and the processes that run for it."""

    def __init__(self, postgres: Postgres, folder: Path, name: str = "goalete", template: str = "template1") -> None:
        self.postgres, self.folder, self.name = postgres, folder, name
        self.port, self.bouncer_port = free_port(), free_port()
        with postgres.superuser() as superuser:
            superuser.execute(f"drop database if exists {name} with (force)".encode())
            superuser.execute(f"create database {name} template {template}".encode())
        with postgres.superuser(name) as superuser:
            superuser.execute(roles.script(name).encode())
            for login in LOGINS.values():
                superuser.execute(f"alter role {login} password '{password(login)}'".encode())
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def address(self, login: str, *, pooled: bool = False) -> str:
        port = self.bouncer_port if pooled else self.postgres.port
        return f"postgresql://{login}:{password(login)}@127.0.0.1:{port}/{self.name}"

    def environment(self, **settings: str) -> dict[str, str]:
        """Of one process; only what it is given."""
        kept = {name: value for name, value in os.environ.items() if name not in LOGINS}
        return {
            **kept,
            "SECRET_KEY": "a secret for the server's tests, long enough",
            "ADDRESS_KEY": "k" * 32,
            "ROOM_KEY": "r" * 32,
            "PUBLIC_URL": "https://portal.example",
            "STRIPE_SECRET_KEY": "sk_test_server",
            "STRIPE_WEBHOOK_SECRET": "whsec_server",
            "STRIPE_URL": "http://127.0.0.1:9",
            "MAIL_URL": "smtp://127.0.0.1:9",
            "ASSETS": str(self.folder / "assets"),
            "PYTHONUNBUFFERED": "1",
            **settings,
        }

    def portal(self, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """One `portal` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "portal", *command],
            env=self.environment(**settings),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def migrate(self) -> None:
        done = self.portal("migrate", OWNER_DATABASE_URL=self.address("portal_owner"))
        assert done.returncode == 0, done.stderr
        assert self.portal("assets").returncode == 0

    def start(self, name: str, *command: str, **settings: str) -> None:
        with open(self.log(name), "ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=self.environment(**settings),
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_worker(self, **settings: str) -> None:
        self.start("worker", "portal", "work", **{"WORKER_DATABASE_URL": self.address("portal_worker"), **settings})

    def start_pages(self, what: str = "everything", **settings: str) -> None:
        options = [
            "--interface",
            "asgi",
            "--factory",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--http",
            "1",
            "--no-ws",
        ]
        self.start(
            "pages",
            "granian",
            *options,
            "--workers-kill-timeout",
            "3s",
            f"portal.asgi:{what}",
            **{"DATABASE_URL": self.address("portal_web"), **settings},
        )

    def start_bouncer(self) -> None:
        """pgbouncer in transaction mode before the database; one server connection a login, so that it must be shared."""
        users = self.folder / "users.txt"
        users.write_text("".join(f'"{login}" "{password(login)}"\n' for login in LOGINS.values()))
        conf = self.folder / "pgbouncer.ini"
        conf.write_text(
            f"[databases]\n{self.name} = host=127.0.0.1 port={self.postgres.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.bouncer_port}\nunix_socket_dir =\nauth_type = plain\n"
            f"auth_file = {users}\npool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 100\n"
        )
        with open(self.log("bouncer"), "ab") as log:
            self.running["bouncer"] = subprocess.Popen(
                ["/usr/sbin/pgbouncer", str(conf)],
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
                **as_nobody(),
            )
        self.until(lambda: reachable(self.bouncer_port), "pgbouncer listens")

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def said(self, name: str) -> str:
        return self.log(name).read_text()

    def status(self, path: str) -> int:
        """What the pages answer; 0 if nobody does."""
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def ended(self, name: str) -> int:
        """Wait for a process to end by itself: its status."""
        return self.running.pop(name).wait(ROOM)

    def until(self, true: Callable[[], bool], what: str, seconds: float = ROOM) -> None:
        """Wait until it is so."""
        end = time.monotonic() + seconds
        while not true():
            logs = "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in self.folder.glob("*.log"))
            assert time.monotonic() < end, f"Not within {seconds:.0f} s: {what}.\n{logs}"
            time.sleep(0.1)

    def close(self) -> None:
        for child in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
        for child in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(12)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


def password(login: str) -> str:
    """Each its own."""
    return f"only-for-{login.replace('_', '-')}"


def reachable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def _club(postgres: Postgres, name: str, template: str = "template1") -> Iterator[Club]:
    with _folder() as folder:
        club = Club(postgres, folder, name, template)
        try:
            yield club
        finally:
            club.close()


@pytest.fixture
def bare(postgres: Postgres) -> Iterator[Club]:
    """A club's database with its roles, and not one table."""
    with _club(postgres, "goalete") as club:
        yield club


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """The name of a database that every club begins as."""
    with _club(postgres, "migrated") as club:
        club.migrate()
    return "migrated"


@pytest.fixture
def club(postgres: Postgres, migrated: str) -> Iterator[Club]:
    """A club with all its tables, and nobody in them."""
    with _club(postgres, "goalete", migrated) as club:
        assert club.portal("assets").returncode == 0
        yield club


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The portal as `make wheel` packs it."""
    subprocess.run(["make", "wheel"], cwd=ROOT, check=True, capture_output=True)
    (made,) = (ROOT / "var" / "dist").glob("*.whl")
    return made
