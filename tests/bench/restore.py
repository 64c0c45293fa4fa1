"""How long a backup takes, and how long until the club is back from it on an empty server.

python -m tests.bench.restore [--users 100000] [--meetings 1000] [--attendances 1000000]
"""

import argparse
import dataclasses
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from portal import create_app
from portal.database.identity import WORKER
from portal.database.transactions import transaction
from portal.operations.backup import back_up
from portal.operations.restore import restore
from tests.bench.pages import club_of
from tests.support import server
from tests.support.web import settings_for


def main() -> None:
    """Seed a club, dump it, and bring it back into another database."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--meetings", type=int, default=1_000)
    parser.add_argument("--attendances", type=int, default=1_000_000)
    size = parser.parse_args()
    with TemporaryDirectory() as name, server.shared(Path(name)) as url:
        club = club_of(url, (size.users, size.meetings, size.attendances))
        settings = settings_for(club.database, backups=Path(name, "backups"), sandbox=False)
        app = create_app(settings, database_url=settings.worker_url)
        began = time.monotonic()
        with transaction(app, WORKER) as session:
            file = settings.backups / back_up(session, settings).file
        dumped = time.monotonic()
        with server.empty_database(url, "restored") as empty:
            restore(dataclasses.replace(settings_for(empty), backups=settings.backups), file)
        print(
            f"{size.users:,} people, {size.attendances:,} answers: {file.stat().st_size / 2**20:.0f} MiB,"
            f" backup {dumped - began:.0f} s, restore {time.monotonic() - dumped:.0f} s"
        )


if __name__ == "__main__":
    main()
