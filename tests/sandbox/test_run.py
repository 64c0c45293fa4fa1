"""`portal run`, piece by piece: the port, the settings, the children it keeps alive and ends."""

import contextlib
import errno
import http.server
import os
import signal
import sys
import threading
import time

import psutil
import pytest

from portal.problems import Problem
from portal.sandbox import run


@pytest.fixture(autouse=True)
def signals():
    """As they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1", "80 80", "²"])
def test_a_port_is_a_number(port):
    with pytest.raises(Problem, match="PORT is"):
        run._port({"PORT": port})


def test_a_free_port_is_taken_as_given():
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        port = server.server_port
    assert run._port({"PORT": str(port)}) == port


def test_the_demo_has_a_secret_of_its_own_and_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "-j")
    monkeypatch.setenv("CLUB_NAME", "Chess")
    first, again = (run._environment(tmp_path, 8123, {"DATABASE_URL": "postgresql://x"}) for _ in range(2))
    assert first["SECRET_KEY"] == again["SECRET_KEY"] and len(first["SECRET_KEY"]) >= 32
    assert (first["SANDBOX"], first["PUBLIC_URL"], first["CLUB_NAME"]) == ("1", "http://127.0.0.1:8123", "Chess")
    assert first["DATABASE_URL"] == "postgresql://x" and "MAKEFLAGS" not in first


def test_a_login_keeps_the_server_and_takes_its_own_name():
    assert run._as("postgresql://root:pw@db:5433/club?sslmode=require", "portal_web", "p@ss/word") == (
        "postgresql://portal_web:p%40ss%2Fword@db:5433/club?sslmode=require"
    )


def test_a_database_given_by_its_web_login_needs_the_roles_and_no_more(database, tmp_path):
    urls = run._given_database(database.url("portal_web"), tmp_path)
    assert "//portal_owner:@" in urls["OWNER_DATABASE_URL"] and "//portal_worker:@" in urls["WORKER_DATABASE_URL"]


@pytest.mark.parametrize("login", ["portal_backup", "portal_owner"])
def test_a_database_given_by_a_login_that_bypasses_is_refused(login, database, tmp_path):
    with pytest.raises(Problem, match="only serves as portal_web"):
        run._given_database(database.url(login), tmp_path)


def test_a_given_database_is_used_instead_of_the_own_one(database, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database.url("portal_web"))
    with run._database(tmp_path) as urls:
        assert set(urls) == set(run.LOGINS)
    assert not (tmp_path / "postgres").exists()


def test_a_full_disk_is_one_sentence():
    with pytest.raises(Problem, match="The disk is full"), run._full_disk_told():
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="Broken"), run._full_disk_told():
        raise OSError(errno.EIO, "Broken")


def test_what_to_open_is_said():
    outside = {"STRIPE_URL": "http://stripe.test", "ZOOM_URL": "http://zoom.test", "GOOGLE_URL": "http://google.test"}
    said = run._welcome(8123, outside)
    assert all(address in said for address in (*outside.values(), "http://127.0.0.1:8123"))
    assert "Ctrl-C" in said and "mailbox" in said


def test_it_waits_until_the_portal_is_ready_and_not_for_ever():
    answers = [503, 200]

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answers.pop(0))
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run._wait_until_ready(server.server_port, patience=5)
        assert answers == []
        server.shutdown()
    with pytest.raises(Problem, match="did not become ready"):
        run._wait_until_ready(server.server_port, patience=0.3)


def child(code):
    return [sys.executable, "-c", code]


def until(true, within=5.0):
    end = time.monotonic() + within
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def test_a_child_that_ends_is_started_again_and_all_are_ended(tmp_path):
    born = tmp_path / "born"
    code = f"import os, time; open({str(born)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"

    def pids():
        return [int(line) for line in born.read_text().splitlines()] if born.exists() else []

    with contextlib.suppress(run.Stop), run._kept_alive({"web": child(code)}, dict(os.environ)) as watch:
        assert until(lambda: len(pids()) == 1)
        os.kill(pids()[0], signal.SIGKILL)
        signal.signal(signal.SIGALRM, run._stop)
        threading.Thread(target=lambda: until(lambda: len(pids()) == 2) and signal.raise_signal(signal.SIGALRM)).start()
        watch()
    assert len(pids()) == 2 and not any(map(psutil.pid_exists, pids()))


def test_a_child_that_does_not_listen_is_ended_too(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "PATIENCE", 0.3)
    ready = tmp_path / "ready"
    deaf = (
        f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(ready)!r}, 'w').write('x'); time.sleep(60)"
    )
    begun = time.monotonic()
    with run._kept_alive({"web": child(deaf)}, dict(os.environ)):
        assert until(ready.exists)
    assert time.monotonic() - begun < 5
