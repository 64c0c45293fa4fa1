"""Many open event streams on a running portal: how long a change takes to the last reader, and what a stream costs.

    python -m tests.bench.streams [--streams 1000] [--changes 20] [--at FOLDER]

Pages and streams are two processes, as on a real server. The readers are one process of plain sockets beside them, so
their own work is part of the delay.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from portal.config import ROOT
from portal.database import embedded
from portal.live.stream import STREAMS_EACH
from portal.live.token import Audience, Ticket, issue
from tests.bench.measure import Page
from tests.bench.pages import SMALL, club_of, kept_folder
from tests.bench.serve import Club, environment_of, portal
from tests.support.web import SECRET

PORT = 8305
ZONES = ("Europe/Berlin", "Europe/Istanbul", "America/New_York", "Asia/Kolkata", "UTC")
SERVER = [
    "--interface",
    "asgi",
    "--factory",
    "--runtime-threads",
    "2",
    "--http",
    "1",
    "--no-ws",
    "--log-level",
    "warning",
]
ROOM = ["--backlog", "8192", "--backpressure", "20000"]

SIGN_INS = """
insert into sign_ins (user_id, key_hash, device, created_at, seen_at, waits)
select %s, sha256(uuid_send(gen_random_uuid())), 'bench', now(), now(), false from generate_series(1, %s) returning id
"""


def main() -> None:
    """Open the streams asked for, change the meeting, and print what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--at", type=Path)
    wanted = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with kept_folder(wanted.at) as folder, embedded.serve(folder / "pg") as server:
        club = club_of(server, SMALL)
        with portal(club, 8301) as pages, _streams(club) as process:
            list_page = pages.pages()["meetings"]
            print(f"Meetings page, no streams:   {_latency(list_page)}")
            asyncio.run(_watch(club, process, pages.answer(), list_page, wanted.streams, wanted.changes))


async def _watch(
    club: Club, process: psutil.Process, answer: Page, list_page: Page, streams: int, changes: int
) -> None:
    before = process.memory_info().rss
    crowd = Crowd(streams)
    await asyncio.gather(*(crowd.open(token) for token in _tickets(club, streams)))
    await crowd.all_have(1)
    print(f"{streams:,} streams open:        {(process.memory_info().rss - before) / streams / 1024:.1f} KiB each")
    print(f"Meetings page beside them:   {await asyncio.to_thread(_latency, list_page)}")
    delays = []
    for change in range(changes):
        began = time.perf_counter()
        await asyncio.to_thread(answer.ask, 1)
        await crowd.all_have(2 + change)
        delays.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.3)
    print(f"Answer sent to last reader:  median {statistics.median(delays):.0f} ms, most {max(delays):.0f} ms")


class Crowd:
    """Readers who count the events they got."""

    def __init__(self, size: int) -> None:
        self._size, self._got, self._moved = size, [0] * size, asyncio.Event()
        self._names = iter(range(size))
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, token: str) -> None:
        """One more reader."""
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        writer.write(f"GET /live/meetings?token={token} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert b" 200 " in await reader.readline()
        self._tasks.append(asyncio.create_task(self._read(next(self._names), reader, writer)))

    async def all_have(self, events: int) -> None:
        """Wait until everybody has so many."""
        async with asyncio.timeout(60):
            while min(self._got) < events:
                self._moved.clear()
                await self._moved.wait()

    async def _read(self, name: int, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line.startswith(b"id: "):
                self._got[name] += 1
                self._moved.set()


def _tickets(club: Club, streams: int) -> Iterator[str]:
    with club.database.connect() as postgres:
        sign_ins = postgres.execute(SIGN_INS, [club.person, streams // STREAMS_EACH + 1]).fetchall()
    for n in range(streams):
        audience = Audience(ZONES[n % len(ZONES)], names_shown=n % 10 > 0)
        yield issue(SECRET, Ticket(club.meeting, audience, str(sign_ins[n // STREAMS_EACH][0])))


def _latency(page: Page, times: int = 200) -> str:
    page.ask(20)
    took = []
    for _n in range(times):
        began = time.perf_counter()
        page.ask(1)
        took.append((time.perf_counter() - began) * 1000)
    return f"median {statistics.median(took):.1f} ms, 99 of 100 under {sorted(took)[-times // 100]:.1f} ms"


@contextlib.contextmanager
def _streams(club: Club) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", "granian", *SERVER, *ROOM, "--port", str(PORT), "portal.asgi:streams"]
    child = subprocess.Popen(command, env={**os.environ, **environment_of(club)}, cwd=ROOT)
    try:
        time.sleep(3)
        yield psutil.Process(child.pid).children()[0]
    finally:
        child.terminate()
        child.wait()


if __name__ == "__main__":
    main()
