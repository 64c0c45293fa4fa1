"""CPU of the meetings page (web and database together) against a bare Flask page, and statements per page.

    python -m tests.bench.pages [--users 1000] [--meetings 1000] [--attendances 10000] [--requests 1500]

Both are served by granian with the same flags, asked in turn by one client over one kept connection, several rounds
of each, so that a busy machine disturbs both alike. The figure that counts is the ratio.
"""

import argparse
import contextlib
import http.client
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from portal.accounts.member import key_hash, new_key
from portal.config import ROOT
from portal.database import embedded
from portal.operations.migrate import migrate
from portal.operations.seed import seed
from tests.support.server import Database
from tests.support.web import SECRET, settings_for

FLAGS = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", "2", "--http", "1", "--no-ws", "--log-level", "warning"]
ROUNDS = 6


def main() -> None:
    """Build a club of the size asked for, and print what a page costs."""
    parser = argparse.ArgumentParser()
    for name, default in (("users", 1000), ("meetings", 1000), ("attendances", 10_000), ("requests", 1500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    wanted = parser.parse_args()
    with TemporaryDirectory() as folder, embedded.serve(Path(folder) / "pg") as server:
        embedded.ensure_database(server, "bench")
        club = Database(server, "bench")
        migrate(settings_for(club), "head")
        seed(settings_for(club), wanted.users, wanted.meetings, wanted.attendances)
        compare(club, wanted.requests)


def compare(club: Database, requests: int) -> None:
    """Serve both and ask them in turn."""
    person, key = _somebody(club)
    cookie = _session_cookie(club, key)
    with _granian(club, "wsgi:application", 8301, {}) as portal, _granian(club, "tests.bench.bare:application", 8302, {
        "BARE_DATABASE_URL": club.url(), "BARE_PERSON": person,
    }) as bare:  # fmt: skip
        pages = {"portal": (portal, 8301, {"Cookie": cookie}), "bare": (bare, 8302, {})}
        costs: dict[str, list[float]] = {name: [] for name in pages}
        for name, (process, port, headers) in pages.items():
            _ask(port, headers, 200)
            print(f"{name}: {_size(port, headers):,} bytes of page, process {process.pid}")
        for _round in range(ROUNDS):
            for name, (process, port, headers) in pages.items():
                before = _cpu(club, process)
                _ask(port, headers, requests // ROUNDS)
                costs[name].append((_cpu(club, process) - before) / (requests // ROUNDS) * 1e6)
        for name, micro in costs.items():
            print(f"{name:>7}: {statistics.median(micro):7.0f} µs CPU a page (web and database), rounds {[round(m) for m in micro]}")
        print(f"  ratio: {statistics.median(costs['portal']) / statistics.median(costs['bare']):.2f}")


def _somebody(club: Database) -> tuple[str, str]:
    key = new_key()
    with club.connect(autocommit=True) as postgres:
        row = postgres.execute("select id from users order by id offset (select count(*) / 2 from users) limit 1").fetchone()
        assert row is not None
        postgres.execute("select auth.open_sign_in(%s, %s, 'bench', null, now())", [row[0], key_hash(key)])
    return str(row[0]), key


def _session_cookie(club: Database, key: str) -> str:
    from flask.sessions import SecureCookieSessionInterface

    from portal import create_app

    app = create_app(settings_for(club))
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    value = serializer.dumps({"_user_id": key, "_fresh": True, "csrf_token": "0" * 40})
    return f"{app.config['SESSION_COOKIE_NAME']}={value}"


@contextlib.contextmanager
def _granian(club: Database, target: str, port: int, extra: dict[str, str]) -> Iterator[psutil.Process]:
    environment = {
        **os.environ, "DATABASE_URL": club.url("portal_web"), "SECRET_KEY": SECRET, "SANDBOX": "1",
        "WORKER_DATABASE_URL": club.url("portal_worker"), "OWNER_DATABASE_URL": club.url("portal_owner"), **extra,
    }  # fmt: skip
    command = [sys.executable, "-m", "granian", *FLAGS, "--port", str(port), target]
    child = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        for _try in range(100):
            with contextlib.suppress(OSError):
                http.client.HTTPConnection("127.0.0.1", port, timeout=2).connect()
                break
            time.sleep(0.1)
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait()


def _ask(port: int, headers: dict[str, str], times: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _n in range(times):
        connection.request("GET", "/meetings", headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
    connection.close()


def _size(port: int, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/meetings", headers=headers)
    return len(connection.getresponse().read())


def _cpu(club: Database, web: psutil.Process) -> float:
    """Seconds of CPU so far of this server's processes and of every backend of the database."""
    with club.connect(autocommit=True) as postgres:
        backends = "select pid from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"
        pids = [pid for (pid,) in postgres.execute(backends, [club.name])]
    total = 0.0
    for pid in [web.pid, *(child.pid for child in web.children(recursive=True)), *pids]:
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system
    return total


if __name__ == "__main__":
    main()
