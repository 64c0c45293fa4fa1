"""One run of `portal import`: which source, what it says beforehand, and the report."""

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from sqlalchemy.orm import Session

from portal.config import Settings
from portal.moving import original
from portal.moving.files import LAYOUTS, People, Wish
from portal.moving.records import Record, Untaken
from portal.moving.taking import Report, take


def run(
    db: Session,
    source: str,
    kept_as: str,
    where: str,
    wish: Wish,
    *,
    dry_run: bool,
    report_file: Path | None,
    say: Callable[[str], None] = print,
) -> Report:
    """Take what is at `where` (an address of a database, or a file), or only say what would be taken. Raises `Problem`.

    `kept_as` is the name under which it is remembered what was taken.
    """
    rows: Iterable[Record | Untaken]
    if source == "original":
        rows = original.read(where, wish.club_zone)
    else:
        people = People(Path(where), LAYOUTS[source], wish)
        for line in people.mapping():
            say(line)
        rows = people
    with ExitStack() as opened:
        file = opened.enter_context(_private(report_file)) if report_file else None
        report = Report(file)
        take(db, kept_as, rows, report, dry_run=dry_run, progress=lambda number: say(f"{number:,} rows"))
    for line in report.lines():
        say(line)
    say("Nothing was changed: this was a dry run." if dry_run else "Done. Nobody was written to.")
    return report


def _private(file: Path) -> IO[str]:
    """A new file that nobody but its owner may read: what is not taken may name people."""
    return open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="")


def wish_of(settings: Settings, **said: object) -> Wish:
    """What the operator said, and what the club's settings say."""
    return Wish(club_zone=settings.club_timezone, key=settings.address_key, **said)  # type: ignore[arg-type]
