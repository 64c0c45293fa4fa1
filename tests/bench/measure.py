"""Asking pages and reading the processors' clocks."""

import http.client
import statistics as numbers
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from werkzeug.test import TestResponse

from tests.support.reading import statements as sent

if TYPE_CHECKING:
    from tests.bench.serve import Served

ROUNDS = 6
WARM = 40


@dataclass
class Page:
    """An address that can be asked again and again."""

    served: "Served"
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], str] | None = None
    expected: int = 200
    size: int = 0

    def ask(self, times: int) -> None:
        """So often, over one kept connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port)
        for _n in range(times):
            method, body = ("POST", self.body()) if self.body else ("GET", None)
            connection.request(method, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            self.size = len(answer.read())
            assert answer.status == self.expected, (self.path, answer.status)
        connection.close()


@dataclass
class Cost:
    """Microseconds for one page."""

    web: float
    database: float
    wall: float

    @property
    def total(self) -> float:
        """CPU of both."""
        return self.web + self.database


def costs(pages: Mapping[str, Page], requests: int) -> dict[str, Cost]:
    """The median of several rounds for each, asked in turn."""
    rounds: dict[str, list[Cost]] = {name: [] for name in pages}
    for page in pages.values():
        page.ask(WARM)
    for _round in range(ROUNDS):
        for name, page in pages.items():
            rounds[name].append(_round_of(page, max(1, requests // ROUNDS)))
    return {
        name: Cost(*(numbers.median(getattr(cost, part) for cost in some) for part in ("web", "database", "wall")))
        for name, some in rounds.items()
    }


def statements(page: Page) -> int:
    """How many a page sends to the database, who asks included (BEGIN and COMMIT are not counted)."""
    client = page.served.club.app.test_client(use_cookies=False)

    def ask() -> TestResponse:
        return client.get(page.path, base_url="https://localhost", headers=dict(page.headers))

    ask()  # a first connection asks more
    with sent() as some:
        answer = ask()
    assert answer.status_code == page.expected, (page.path, answer.status)
    return len(some)


def tabulated(heads: Sequence[str], cells: Sequence[Any]) -> str:
    """A row of a table under its heads."""
    name, *rest = (str(cell).rjust(len(head)) for head, cell in zip(heads, cells, strict=True))
    return "  ".join((name.strip().ljust(16), *rest))


def _round_of(page: Page, requests: int) -> Cost:
    web, database, wall = *_clocks(page), time.perf_counter()
    page.ask(requests)
    wall, after = time.perf_counter() - wall, _clocks(page)
    return Cost(*(spent / requests * 1e6 for spent in (after[0] - web, after[1] - database, wall)))


def _clocks(page: Page) -> tuple[float, float]:
    """Seconds of CPU so far: of the page's server and of its database's backends."""
    with page.served.club.database.connect(autocommit=True) as postgres:
        backends = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        pids = [pid for (pid,) in postgres.execute(backends)]
    return cpu_of(page.served.process), sum(map(_cpu, pids))


def cpu_of(process: psutil.Process) -> float:
    """Seconds of CPU so far of a process and its children."""
    return sum(_cpu(one.pid) for one in (process, *process.children(recursive=True)))


def _cpu(pid: int) -> float:
    """Seconds of CPU of a process's threads, to the microsecond (the usual counters tick a hundred times a second)."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
