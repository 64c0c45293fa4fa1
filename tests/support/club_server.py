"""The real product for browsers: granian and a worker, each a process, on a free port and a database of one's own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from portal.assets import build
from portal.config import ROOT
from portal.sandbox.run import web_command
from tests.support.cast import ROOM_KEY
from tests.support.server import Database

SECRET = "a secret for browsers, as long as a real one would be"


class ClubServer:
    """Serves `database` at `url`; the web half can be killed and started again."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "club.log"
        self.environment = {
            **os.environ,
            "SECRET_KEY": SECRET,
            "ROOM_KEY": ROOM_KEY,
            "SANDBOX": "1",
            "PUBLIC_URL": self.url,
            "ASSETS": str(folder / "assets"),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": database.url("portal_web"),
            "OWNER_DATABASE_URL": database.url("portal_owner"),
            "WORKER_DATABASE_URL": database.url("portal_worker"),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def open(self) -> None:
        """Build the assets, start both halves, and come back when the product says it is ready."""
        build(Path(self.environment["ASSETS"]))
        self._start("worker", [sys.executable, "-m", "portal", "work"])
        self._start("web", web_command(self.port))
        self._wait_for("/status")

    def portal(self, *command: str) -> None:
        """One `portal` command to its end."""
        subprocess.run([sys.executable, "-m", "portal", *command], env=self.environment, cwd=ROOT, check=True)

    def kill_web(self) -> None:
        """As a crash would: no goodbye to anybody."""
        self._end("web", signal.SIGKILL)

    def start_web(self) -> None:
        """The web half again, after `kill_web`."""
        self._start("web", web_command(self.port))
        self._wait_for("/healthz")

    def kill_worker(self) -> None:
        """The other half, the same way."""
        self._end("worker", signal.SIGKILL)

    def start_worker(self) -> None:
        """The worker again, after `kill_worker`."""
        self._start("worker", [sys.executable, "-m", "portal", "work"])

    def worker_runs(self) -> bool:
        """Whether the worker that was started last is still there."""
        return self._running["worker"].poll() is None

    def stop_worker(self) -> int:
        """As a supervisor stops it; its exit status."""
        worker = self._running.pop("worker")
        worker.terminate()
        return worker.wait(20)

    def close(self) -> None:
        """End both halves."""
        for name in list(self._running):
            self._end(name, signal.SIGTERM)

    def _start(self, name: str, command: list[str]) -> None:
        with open(self.log, "ab") as log:
            self._running[name] = subprocess.Popen(
                command, env=self.environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def _end(self, name: str, number: int) -> None:
        child = self._running.pop(name)
        os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def _wait_for(self, path: str, patience: float = 60) -> None:
        until = time.monotonic() + patience
        while time.monotonic() < until and all(child.poll() is None for child in self._running.values()):
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(self.url + path, timeout=5)
                return
            time.sleep(0.1)
        raise AssertionError(f"{self.url}{path} did not answer; the end of its log:\n{self.log.read_text()[-2000:]}")


@contextlib.contextmanager
def serving(database: Database, folder: Path) -> Iterator[ClubServer]:
    """The product on `database` for as long as the block lasts; `folder` takes its assets and its log."""
    club = ClubServer(database, folder)
    with database.as_demo():
        try:
            club.open()
            yield club
        finally:
            club.close()


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
