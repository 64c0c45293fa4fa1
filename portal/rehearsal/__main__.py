"""The process of a rehearsal: `python -m portal.rehearsal`, started by `rehearse` with an environment made from nothing.

Reads where to begin as JSON from standard input, writes what happened as JSON to standard output.
"""

import json
import logging
import platform
import sys
from collections.abc import Iterator
from datetime import datetime

from psycopg.conninfo import conninfo_to_dict

from portal import create_app  # noqa: F401 - everything that starts or looks up something is imported before the isolation
from portal.config import PAGES, WORK, Settings
from portal.problems import Problem
from portal.rehearsal.isolation import Isolation
from portal.rehearsal.month import Start, run
from portal.setting_values import plain_url

NEEDS = (*PAGES, *(name for name in WORK if name != "MAIL_URL"), "OWNER_DATABASE_URL")


def main() -> None:
    """Run the month; a `Problem` is a sentence on standard error and status 1."""
    start = json.load(sys.stdin)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    platform.platform()  # asks another program the first time; the stripe package names it in each request
    isolation = Isolation()
    club_at, made_at = datetime.fromisoformat(start["club_at"]), datetime.fromisoformat(start["made_at"])
    try:
        settings = Settings.from_environment(needs=NEEDS)
        isolation.begin(set(_hosts(settings)))
        happened = run(settings, Start(club_at, made_at, start["days"]), _say)
    except Problem as problem:
        sys.exit(str(problem))
    json.dump({**happened, "refused": sorted(set(isolation.refused))}, sys.stdout)


def _hosts(settings: Settings) -> Iterator[str]:
    for url in (settings.database_url, settings.worker_url, settings.owner_url):
        yield from str(conninfo_to_dict(plain_url(url)).get("host", "")).split(",")


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
