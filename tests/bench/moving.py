"""How long a club of a size takes to move in from a file and out into an archive, and what memory that needs.

    python -m tests.bench.moving [--people 1000000]

Told after every tenth, so that what does not grow in a line shows: people a second, and the memory of this process, which
holds what a batch needs and no more. Everybody has a name and days; every fifth row has a customer at Stripe.
"""

import argparse
import csv
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

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
    parser.add_argument("--dry-run", action="store_true")
    wanted = parser.parse_args()
    with TemporaryDirectory() as folder, embedded.serve(Path(folder) / "pg") as server:
        club, empty = (_migrated(server, name) for name in ("moving_in", "moved"))
        source, archive = Path(folder) / "people.csv", Path(folder) / "club.zip"
        _write(source, wanted.people)
        _timed("moved in", wanted.people, lambda: _move_in(club, source, wanted.people, dry_run=wanted.dry_run))
        if wanted.dry_run:
            return
        _timed("again, all known", wanted.people, lambda: _move_in(club, source, wanted.people))
        worker = plain_url(settings_for(club).worker_url)
        _timed("moved out", wanted.people, lambda: export(worker, archive, lambda _line: None))
        print(f"the archive has {archive.stat().st_size / 1e6:,.0f} MB", flush=True)
        _timed("brought back", wanted.people, lambda: bring(settings_for(empty), archive, lambda _line: None))


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


def _move_in(database: Database, file: Path, people: int, *, dry_run: bool = False) -> None:
    settings = settings_for(database)
    app = create_app(settings, database_url=settings.worker_url)
    tenth, began, passed = max(people // 10, 1), time.monotonic(), 0

    def heard(line: str) -> None:
        nonlocal passed
        words = line.split(" rows")[0].replace(",", "")
        if words.isdecimal() and int(words) // (tenth * 2) > passed:
            passed = int(words) // (tenth * 2)
            print(f"  {line} after {time.monotonic() - began:,.0f} s, {_megabytes():,.0f} MB", flush=True)

    with app.app_context():
        act_as(db.session(), WORKER)
        wish = wish_of(settings, prices=prices(("Gold=individual/monthly",)))
        run(db.session(), "memberful", "bench", str(file), wish, dry_run=dry_run, report_file=None, say=heard)
        db.session.remove()
        db.engine.dispose()


def _timed(what: str, people: int, work: object) -> None:
    began = time.monotonic()
    work()  # type: ignore[operator]
    took = time.monotonic() - began
    print(
        f"{people:,} {what} in {took:,.0f} s, {people / took:,.0f} a second; at most {_megabytes():,.0f} MB", flush=True
    )


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
