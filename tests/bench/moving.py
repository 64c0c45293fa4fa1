"""How long a club of a size takes to move in from a file and out into an archive, and what memory that needs.

    python -m tests.bench.moving [--people 1000000]

Told after every tenth, so that what does not grow in a line shows: seconds, of them the processor's (this process and the
database together, so that it matters little what else the machine does), and the most memory this process ever had. Everybody
has a name and days; every fifth has a customer at Stripe.
"""

import argparse
import csv
import resource
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from portal import create_app
from portal.database import db, embedded
from portal.database.identity import WORKER, act_as
from portal.moving.archive import bring
from portal.moving.export import export
from portal.moving.reading import prices
from portal.moving.running import run, wish_of
from portal.operations.migrate import migrate
from portal.setting_values import plain_url
from tests.support.server import Database
from tests.support.web import settings_for


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=1_000_000)
    people: int = parser.parse_args().people
    with TemporaryDirectory() as folder, embedded.serve(Path(folder) / "pg") as server:
        club, empty = (_migrated(server, name) for name in ("moving_in", "moved"))
        source, archive = Path(folder) / "people.csv", Path(folder) / "club.zip"
        _write(source, people)
        watch = Watch(Path(folder) / "pg")
        watch.time("tried", people, lambda: _move_in(club, source, people, watch, dry_run=True))
        watch.time("moved in", people, lambda: _move_in(club, source, people, watch))
        watch.time("again, all here already", people, lambda: _move_in(club, source, people, watch))
        worker = plain_url(settings_for(club).worker_url)
        watch.time("moved out", people, lambda: export(worker, archive, lambda _line: None))
        print(f"the archive has {archive.stat().st_size / 1e6:,.0f} MB", flush=True)
        watch.time("brought back", people, lambda: bring(settings_for(empty), archive, lambda _line: None))


class Watch:
    """Seconds by the clock and by the processors, of this process and of the database on that folder."""

    def __init__(self, data: Path) -> None:
        self.postmaster = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        self.began = self.used = 0.0
        self.by_process: dict[int, float] = {}

    def time(self, what: str, people: int, work: Callable[[], object]) -> None:
        """Do it and say how long it took."""
        self.began, self.used = time.monotonic(), self._processor()
        work()
        print(f"{people:,} {what}: {self.words()}", flush=True)

    def words(self) -> str:
        """How long it has taken until now."""
        by_clock, by_processor = time.monotonic() - self.began, self._processor() - self.used
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        return f"{by_clock:,.0f} s, {by_processor:,.0f} s of the processors, at most {memory:,.0f} MB"

    def _processor(self) -> float:
        # What a server process used is kept when it is gone.
        for process in [self.postmaster, *self.postmaster.children()]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            self.by_process[process.pid] = times.user + times.system
        return time.process_time() + sum(self.by_process.values())


def _migrated(server: str, name: str) -> Database:
    embedded.ensure_database(server, name)
    database = Database(server, name)
    migrate(settings_for(database), "head")
    return database


def _write(file: Path, people: int) -> None:
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(
            ["Full name", "Email", "Plan", "Expiration date", "Created at", "Stripe customer ID", "Member ID"]
        )
        for n in range(people):
            customer = f"cus_{n}" if n % 5 == 0 else ""
            name, address = f"Member Number{n}", f"member{n}@club{n % 50}.example"
            rows.writerow([name, address, "Gold", "12/31/2099", "01/15/2024", customer, n])


def _move_in(database: Database, file: Path, people: int, watch: Watch, *, dry_run: bool = False) -> None:
    settings = settings_for(database)
    app = create_app(settings, database_url=settings.worker_url)
    rows = people * 2 + people // 5
    next_at = rows // 10

    def heard(line: str) -> None:
        nonlocal next_at
        number = line.removesuffix(" rows").replace(",", "")
        if number.isdecimal() and int(number) >= next_at:
            next_at += rows // 10
            print(f"  {line}: {watch.words()}", flush=True)

    with app.app_context():
        act_as(db.session(), WORKER)
        wish = wish_of(settings, prices=prices(("Gold=individual/monthly",)))
        run(db.session(), "memberful", "bench", str(file), wish, dry_run=dry_run, report_file=None, say=heard)
        db.session.remove()


if __name__ == "__main__":
    main()
