"""Maintenance by command: while a file is there, every page of this host answers 503 and says until when.

Nothing of it asks the database, which may be away. A process looks for the file at most once a second.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin

from portal.access import READING
from portal.config import Settings
from portal.errors import error_page
from portal.problems import Problem
from portal.times import city, day_long, moment_of

EVERY = 1.0
"""Seconds between two looks at the file."""
SHORTEST_WAIT, UNKNOWN_WAIT = 60, 300
"""Seconds for Retry-After (RFC 9110 10.2.3): at least, and where nobody knows when the work is over."""


class Maintenance(NamedTuple):
    """The work that is going on. `until`, in UTC, is when it should be over; None if nobody said."""

    until: datetime | None


class Switch:
    """Whether there is maintenance: the file is there, and says until when in ISO 8601, or nothing (`touch` will do)."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._look_at = float("-inf") if file else float("inf")
        self._state: Maintenance | None = None

    def state(self) -> Maintenance | None:
        """The maintenance of this moment, or None. Without a file setting that is one comparison."""
        if (now := time.monotonic()) >= self._look_at:
            self._look_at = now + EVERY
            self._state = read(self._file) if self._file else None
        return self._state


def read(file: Path) -> Maintenance | None:
    """What the file says. One that cannot be read is there all the same."""
    try:
        return Maintenance(datetime.fromisoformat(file.read_text().strip()).astimezone(UTC))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return Maintenance(None)


def begin(file: Path, until: datetime) -> None:
    """Close every page of this host. The file is readable by everybody: root writes it, the pages' user reads it."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(f"{until.isoformat()}\n")
    fresh.chmod(0o644)
    fresh.replace(file)


def end(file: Path) -> None:
    """Open them again."""
    file.unlink(missing_ok=True)


def parsed(text: str, zone: str) -> datetime:
    """The moment meant by "21:30" (the next one in `zone`) or "2026-12-01 02:00". Raises `Problem` for a past one too."""
    now = datetime.now(UTC)
    try:
        if len(text) <= 5:
            wall, day = datetime.strptime(text, "%H:%M").time(), now.astimezone(ZoneInfo(zone)).date()  # noqa: DTZ007
            moments = (moment_of(day + timedelta(days=days), wall, zone) for days in range(2))
            return next(moment for moment in moments if moment > now)
        moment = datetime.fromisoformat(text)
    except ValueError as unreadable:
        raise Problem('The end must be like "21:30" or "2026-12-01 02:00", in the club\'s zone.') from unreadable
    moment = moment.astimezone(UTC) if moment.tzinfo else moment_of(moment.date(), moment.time(), zone)
    if moment <= now:
        raise Problem("That moment is over already.")
    return moment


def init_app(app: Flask) -> None:
    """Stand before everything that asks the database."""
    settings: Settings = app.config["SETTINGS"]
    switch = Switch(settings.maintenance_file)

    def refuse_meanwhile() -> ResponseReturnValue | None:
        state = switch.state()
        if state is None or request.path == "/healthz":
            return None
        wait = {"Retry-After": str(_wait(state))}
        if request.path == "/readyz":
            return "maintenance\n", 503, {"Content-Type": "text/plain; charset=utf-8", **wait}
        g._login_user = AnonymousUserMixin()
        body, status = error_page(
            503,
            template="errors/maintenance.html",
            title="The portal is being worked on.",
            text=in_words(state, current_app.config["SETTINGS"].club_timezone),
            until=state.until,
            sent=request.method not in READING,
        )
        return body, status, wait

    app.before_request(refuse_meanwhile)


def in_words(state: Maintenance, zone: str) -> str:
    """When the portal is back, in `zone`."""
    if state.until is None:
        return "It is back in a while."
    now, until = datetime.now(ZoneInfo(zone)), state.until.astimezone(ZoneInfo(zone))
    day = "" if until.date() == now.date() else f" on {day_long(until)}"
    moment = f"at {until:%H:%M}{day}, {city(zone)} time"
    return f"It is back {moment}." if until > now else f"It should have been back {moment}; it takes a little longer."


def _wait(state: Maintenance) -> int:
    if state.until is None:
        return UNKNOWN_WAIT
    return max(SHORTEST_WAIT, int((state.until - datetime.now(UTC)).total_seconds()))
