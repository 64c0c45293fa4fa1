"""The door at nine: members arrive evenly over a minute, sign in, open the meeting and press Join; somebody else reads.

    python -m tests.bench.door [--members 500] [--seconds 60] [--at FOLDER]

Two web workers of two threads each, as the README has them, on all processors of this machine; the members are one process
of plain sockets beside them. Each member has an address of their own and their hash as a club has them today; then once
more as on the first evening after the settings changed, when every hash is checked at its old cost and made again. A minute
of members in an office behind one address is all of it once more, without any of them being refused.
"""

import argparse
import asyncio
import contextlib
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import psutil
from argon2 import PasswordHasher

from portal.accounts import passwords
from portal.database import embedded
from tests.bench.measure import cpu_of
from tests.bench.pages import SMALL, club_of, kept_folder
from tests.bench.serve import Club, portal
from tests.support.cast import ISTANBUL, plan_meeting

PORT = 8307
PATIENCE = 60
"""Seconds for an answer."""
PASSWORD = "seven quiet evenings"
OLD = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
"""What hashes were made with before: the package's defaults."""


@dataclass
class Crowd:
    """What the members and the reader met."""

    ways: list[float] = field(default_factory=list)
    sign_ins: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)

    def wrong(self, what: str) -> None:
        """One more of an error."""
        self.errors[what] = self.errors.get(what, 0) + 1


class Visitor:
    """A browser that keeps its cookie, each request on a connection of its own as through a proxy."""

    def __init__(self, address: str, cookie: str = "") -> None:
        self._address, self._cookie = address, cookie

    async def ask(self, method: str, path: str, **form: str) -> tuple[int, str]:
        """Status and text."""
        body = urlencode(form)
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: https://localhost\r\n"
        head += f"Forwarded: for={self._address};proto=https;host=localhost\r\n"
        head += f"Cookie: {self._cookie}\r\n" if self._cookie else ""
        if method == "POST":
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            writer.write(f"{head}\r\n{body}".encode())
            answer = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"^content-length: (\d+)", answer, re.M | re.I)
            answer += (await reader.readexactly(int(length[1]) if length else 0)).decode()
            writer.close()
        if cookie := re.search(r"^set-cookie: (__Host-session=[^;]+)", answer, re.M | re.I):
            self._cookie = cookie[1]
        return int(answer.split(" ", 2)[1]), answer


async def come_in(crowd: Crowd, email: str, address: str, meeting: str) -> None:
    """The whole way of one member."""
    visitor, began = Visitor(address), time.perf_counter()
    status, page = await visitor.ask("GET", f"/sign-in?next=/meetings/{meeting}")
    if status != 200:
        return crowd.wrong(f"sign-in page {status}")
    sign_in = time.perf_counter()
    status, _page = await visitor.ask(
        "POST", "/sign-in", csrf_token=_token(page), email=email, password=PASSWORD, next=f"/meetings/{meeting}"
    )
    if status != 303:
        return crowd.wrong(f"sign-in {status}")
    crowd.sign_ins.append(time.perf_counter() - sign_in)
    status, page = await visitor.ask("GET", f"/meetings/{meeting}")
    if status != 200:
        return crowd.wrong(f"meeting {status}")
    status, _page = await visitor.ask("POST", f"/meetings/{meeting}/join", csrf_token=_token(page))
    if status != 303:
        return crowd.wrong(f"join {status}")
    crowd.ways.append(time.perf_counter() - began)
    return None


async def read_on(crowd: Crowd, cookie: str, stop: asyncio.Event) -> None:
    """Somebody who is in already and reads the list of meetings all the while."""
    visitor = Visitor("198.51.100.1", cookie)
    while not stop.is_set():
        began = time.perf_counter()
        status, _page = await visitor.ask("GET", "/meetings")
        crowd.reads.append(time.perf_counter() - began)
        if status != 200:
            crowd.wrong(f"list {status}")
        await asyncio.sleep(0.05)


async def evening(emails: list[str], seconds: float, meeting: str, cookie: str, office: str | None) -> Crowd:
    """Everybody, evenly."""
    crowd, stop = Crowd(), asyncio.Event()
    reader = asyncio.create_task(read_on(crowd, cookie, stop))

    async def arrive(number: int, email: str) -> None:
        await asyncio.sleep(number * seconds / len(emails))
        address = office or f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
        await come_in(crowd, email, address, meeting)

    await asyncio.gather(*(arrive(number, email) for number, email in enumerate(emails)))
    stop.set()
    await reader
    return crowd


def main() -> None:
    """Print the evenings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--at", type=Path)
    wanted = parser.parse_args()
    with kept_folder(wanted.at) as folder, embedded.serve(folder / "pg") as server:
        measure(club_of(server, SMALL), wanted.members, wanted.seconds)


def measure(club: Club, members: int, seconds: float) -> None:
    """The three evenings of one club."""
    print(f"The door at nine: {members} members over {seconds:.0f} s, sign in, open the meeting, press Join")
    new, old = passwords.hashed(PASSWORD), OLD.hash(PASSWORD)
    for name, kept, office in (
        ("hashes as they are", new, None),
        ("behind one address", new, "192.0.2.1"),
        ("first evening, old hashes", old, None),
    ):
        with _members(club, members, kept) as (emails, meeting), _served(club) as process:
            before = cpu_of(process) + _database_cpu(club)
            crowd = asyncio.run(evening(emails, seconds, meeting, club.cookie(club.member_key)["Cookie"], office))
            spent = cpu_of(process) + _database_cpu(club) - before
        print(
            f"{name:>26}: whole way {_told(crowd.ways)}, sign-in {_told(crowd.sign_ins)}, list beside it {_told(crowd.reads)},"
            f" {spent / members * 1000:.0f} ms CPU a member, {crowd.errors or 'no error'}",
            flush=True,
        )


@contextlib.contextmanager
def _members(club: Club, members: int, password_hash: str) -> Iterator[tuple[list[str], str]]:
    """So many members with access and a password, and a meeting whose door is open; all as before at the end."""
    with club.database.connect(autocommit=True) as postgres:
        now = datetime.now(ISTANBUL)
        meeting = plan_meeting(
            postgres, "The door", scheduled_date=now.date(), start_time=now.time(), max_attendees=None
        ).id
        chosen = "select id from users where email_verified and is_active and not is_admin order by id limit %s"
        ids = [row[0] for row in postgres.execute(chosen, [members]).fetchall()]
        assert len(ids) == members, "the seeded club is smaller than the crowd"
        postgres.execute("update users set access_until = now() + interval '1 day' where id = any(%s)", [ids])
        postgres.execute("delete from credentials where user_id = any(%s)", [ids])
        postgres.execute("delete from rate_limits")
        postgres.execute("insert into credentials select unnest(%s::uuid[]), %s, now()", [ids, password_hash])
        emails = [row[0] for row in postgres.execute("select email from users where id = any(%s)", [ids]).fetchall()]
        yield emails, str(meeting)
        postgres.execute("delete from meetings where id = %s", [meeting])


@contextlib.contextmanager
def _served(club: Club) -> Iterator[psutil.Process]:
    """As the README has it: two workers of two threads, behind one proxy."""
    with portal(club, PORT, workers=2, TRUSTED_PROXIES="1") as served:
        yield served.process


def _database_cpu(club: Club) -> float:
    with club.database.connect(autocommit=True) as postgres:
        return sum(
            cpu_of(psutil.Process(pid))
            for (pid,) in postgres.execute(
                "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            ).fetchall()
        )


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    return found[1] if found else ""


def _told(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "never"
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49]:.2f} s p99 {cuts[98]:.2f} s"


if __name__ == "__main__":
    main()
