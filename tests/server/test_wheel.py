"""The wheel on a server that has no npm and no checkout: `portal setup`, and the processes as the examples of systemd start them."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from portal.config import ROOT, VERSION
from portal.operations.setup import read
from tests.server.conftest import reachable
from tests.support.club_server import free_port

ANSWERS = {
    "PUBLIC_URL": "https://portal.example.org",
    "CLUB_NAME": "Ana's evenings",
    "CLUB_TIMEZONE": "Europe/Lisbon",
    "HELP_EMAIL": "help@example.org",
    "MAIL_URL": "smtp://127.0.0.1:9",
    "MAIL_FROM": "Ana's evenings <club@example.org>",
}


@pytest.fixture(scope="session")
def installed(tmp_path_factory, wheel) -> Path:
    """The folder of the commands of a virtual environment into which the wheel alone was installed."""
    venv = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin" / "pip", "install", "-qq", wheel], check=True, capture_output=True)
    return venv / "bin"


@pytest.fixture
def operator(installed, postgres, tmp_path):
    """`operator("setup")`: a command of the wheel's, as root in a folder of its own; settings are in tmp_path/etc."""
    bare = {"PATH": os.environ["PATH"], "BACKUPS": str(tmp_path / "backups"), "ASSETS": str(tmp_path / "assets")}
    options = (
        "--folder",
        str(tmp_path / "etc"),
        "--database",
        f"127.0.0.1:{postgres.port}/from_a_wheel",
        "--superuser",
        f"postgresql://postgres@/postgres?host={postgres.folder}&port={postgres.port}",
        "--admin",
        "ana@example.org",
        "--group",
        "nogroup",
    )

    def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        more = options if command[0] == "setup" else ()
        return subprocess.run(
            [installed / "portal", *command, *more],
            env=bare | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    yield run
    with postgres.superuser() as superuser:
        superuser.execute("drop database if exists from_a_wheel with (force)")


def test_setup_makes_a_server_that_serves_and_a_second_run_changes_nothing(operator, installed, tmp_path):
    first = operator("setup", **ANSWERS)
    assert first.returncode == 0, first.stderr
    link = re.search(r"https://portal\.example\.org(/reset/\S+)", first.stdout)
    written = {file.name: file.read_text() for file in (tmp_path / "etc").iterdir()}
    assert "common.env: STRIPE_SECRET_KEY is still that of the example." in first.stdout
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "etc").iterdir()} == {0o640}
    second = operator("setup")
    assert second.returncode == 0, second.stderr
    assert "Wrote" not in second.stdout and "first admin" not in second.stdout
    assert {file.name: file.read_text() for file in (tmp_path / "etc").iterdir()} == written
    built = Path(read(tmp_path / "etc")["ASSETS"])
    assert [(each.group(), each.stat().st_mode & 0o777) for each in (built, built / "files")] == [
        ("nogroup", 0o775)
    ] * 2
    with serving(installed, tmp_path) as (port, _):
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}{link[1]}").status == 200
        assert f"alive, version {VERSION}" in urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").read().decode()


def test_a_backup_comes_back_on_an_empty_server_with_the_old_settings(operator, postgres, tmp_path):
    assert operator("setup", **ANSWERS).returncode == 0
    settings = read(tmp_path / "etc") | {"BACKUPS": str(tmp_path / "backups")}
    made = operator("backup", **settings)
    assert made.returncode == 0, made.stderr
    with postgres.superuser() as superuser:
        superuser.execute("drop database from_a_wheel with (force)")
    ready = operator("setup", "--empty")
    assert ready.returncode == 0 and "first admin" not in ready.stdout, ready.stderr
    (dump,) = (tmp_path / "backups").glob("*.dump")
    for command in (("restore", str(dump)), ("check", "--at-rest")):
        done = operator(*command, **settings)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_reload_loses_no_request(operator, installed, tmp_path):
    assert operator("setup", **ANSWERS).returncode == 0
    with serving(installed, tmp_path) as (port, pages), ThreadPoolExecutor(4) as readers:
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/plans").status == 200  # waits for a worker
        before = workers(pages)
        ends = time.monotonic() + 12
        statuses = [readers.submit(read_until, ends, f"http://127.0.0.1:{port}/plans") for _ in range(4)]
        time.sleep(2)
        pages.send_signal(signal.SIGHUP)
        read = [status for each in statuses for status in each.result()]
        assert set(read) == {200} and len(read) > 100
        assert before and not before & workers(pages)


def read_until(ends: float, url: str) -> list[int]:
    """The statuses of one page, fetched again and again."""
    statuses = []
    while time.monotonic() < ends:
        with urllib.request.urlopen(url, timeout=10) as answer:
            statuses.append(answer.status)
    return statuses


def workers(pages: subprocess.Popen[bytes]) -> set[int]:
    return {
        child.pid
        for child in psutil.Process(pages.pid).children()
        if "resource_tracker" not in " ".join(child.cmdline())
    }


@contextlib.contextmanager
def serving(installed: Path, folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The port of pages that run as goalete-web.service starts them, with the files of settings it names."""
    unit, port = (ROOT / "docs" / "examples" / "goalete-web.service").read_text(), free_port()
    before = shlex.split(re.search(r"^ExecStartPre=-\+(.*)$", unit, re.MULTILINE)[1])
    subprocess.run(before, check=True)
    command = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1])
    command[0] = str(installed / Path(command[0]).name)
    command[command.index("--port") + 1] = str(port)
    environment = {"PATH": os.environ["PATH"]}
    for name in re.findall(r"^EnvironmentFile=/etc/goalete/(.*)$", unit, re.MULTILINE):
        lines = (folder / "etc" / name).read_text().splitlines()
        environment |= dict(shlex.split(line)[0].split("=", 1) for line in lines if line and not line.startswith("#"))
    child = subprocess.Popen(
        command, env=environment | {"ASSETS": str(folder / "assets")}, cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        while not reachable(port):
            assert child.poll() is None
            time.sleep(0.1)
        yield port, child
    finally:
        child.terminate()
        child.wait(60)
