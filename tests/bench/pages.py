"""What pages cost: CPU of web and database together, statements, and both again in a bigger club.

    python -m tests.bench.pages [--users 1000] [--meetings 1000] [--attendances 10000] [--requests 1200] [--at FOLDER]

The meetings page and an answer are compared with bare Flask routes (`tests/bench/bare.py`). Everything is served by
granian with the same flags on one processor, asked in turn over a kept connection in several rounds, so that a busy
machine disturbs all alike: the figures that count are the ratios. With more than 1,000 users every page is also measured
in a club of 1,000. `--at` keeps the databases in a folder for the next time.
"""

import argparse
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from portal.database import embedded
from portal.operations.migrate import migrate
from portal.operations.seed import seed
from tests.bench.measure import Page, costs, statements, tabulated
from tests.bench.serve import Club, Served, bare, portal
from tests.support.server import Database
from tests.support.web import settings_for

SMALL = (1000, 1000, 10_000)


def main() -> None:
    """Build the clubs asked for, and print what their pages cost."""
    parser = argparse.ArgumentParser()
    for name, default in zip(("users", "meetings", "attendances"), SMALL, strict=True):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--requests", type=int, default=1200)
    parser.add_argument("--at", type=Path)
    wanted = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    size = (wanted.users, wanted.meetings, wanted.attendances)
    with kept_folder(wanted.at) as folder, embedded.serve(folder / "pg") as server:
        club = club_of(server, size)
        small = club if size <= SMALL else club_of(server, SMALL)
        with portal(small, 8301) as ours, bare(small, 8302) as plain:
            meetings(ours, plain, wanted.requests)
            answers(ours, plain, wanted.requests // 2)
        with portal(small, 8301) as ours:
            if club is small:
                every_page(ours, None, wanted.requests // 4)
            else:
                with portal(club, 8303) as big:
                    every_page(ours, big, wanted.requests // 4)


def meetings(ours: Served, plain: Served, requests: int) -> None:
    """The list of meetings beside a bare page with the same rows."""
    pages = {"portal": ours.pages()["meetings"], "bare": Page(plain, "/meetings")}
    found = costs(pages, requests)
    for name, page in pages.items():
        print(
            f"{name:>8}: {found[name].web:6.0f} + {found[name].database:4.0f} µs CPU (web + database), {page.size:,} bytes"
        )
    print(f"{'ratio':>8}: {found['portal'].total / found['bare'].total:.2f}\n")


def answers(ours: Served, plain: Served, requests: int) -> None:
    """Saying yes and no in turn, beside a bare route that calls the same function of the database."""
    pages = {"portal": ours.answer(), "bare": plain.answer()}
    found = costs(pages, requests)
    for name, cost in found.items():
        print(f"{name:>8}: {cost.web:6.0f} + {cost.database:4.0f} µs CPU an answer, {cost.wall / 1000:.2f} ms")
    print(f"{'ratio':>8}: {found['portal'].total / found['bare'].total:.2f}\n")


def every_page(ours: Served, big: Served | None, requests: int) -> None:
    """Each page of members and admins: statements and CPU, and how the CPU grows with the club."""
    more = ["µs at the size asked for", "ratio", "ms there"] if big else []
    heads = ["page", "statements", "µs at 1,000 users", *more]
    print(tabulated(heads, heads))
    for name, small in ours.pages().items():
        beside = {"small": small} | ({"big": big.pages()[name]} if big else {})
        found = costs(beside, requests)
        row = [name, statements(small), *(f"{cost.total:,.0f}" for cost in found.values())]
        row += [f"{found['big'].total / found['small'].total:.2f}", f"{found['big'].wall / 1000:.1f}"] if big else []
        print(tabulated(heads, row), flush=True)


@contextlib.contextmanager
def kept_folder(kept: Path | None) -> Iterator[Path]:
    """A folder for the databases: the one named, or one that is gone at the end."""
    if kept:
        yield kept
        return
    with TemporaryDirectory() as folder:
        yield Path(folder)


def club_of(server: str, size: tuple[int, int, int]) -> Club:
    """The club of that size, seeded if it is not there yet."""
    name = f"bench_{'_'.join(map(str, size))}"
    embedded.ensure_database(server, name)
    database = Database(server, name)
    migrate(settings_for(database), "head")
    with database.connect() as postgres:
        filled = postgres.execute("select exists (select from meetings)").fetchone() == (True,)
    if not filled:
        began = time.monotonic()
        seed(settings_for(database), *size, say=lambda _line: None)
        print("Seeded {:,} people, {:,} meetings, {:,} answers in {:.0f} s\n".format(*size, time.monotonic() - began))
    return Club(database)


if __name__ == "__main__":
    main()
