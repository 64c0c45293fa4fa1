"""The one clock the rules read. Tests and the demo can set it; nothing else tells the time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

_ahead: Path | None = None
_set_to: ContextVar[datetime | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """This moment, zone-aware, in UTC."""
    return _set_to.get() or datetime.now(UTC) + ahead()


def follow(file: Path | None) -> None:
    """Let every process of the demo run as far ahead of the real time as `file` says (in seconds)."""
    global _ahead
    _ahead = file


def ahead() -> timedelta:
    """How far the demo's clock was moved."""
    if _ahead is None:
        return timedelta(0)
    try:
        file = os.stat(_ahead)
    except FileNotFoundError:
        return timedelta(0)
    return _read(_ahead, file.st_ino, file.st_mtime_ns)


@lru_cache(maxsize=1)
def _read(file: Path, _which: int, _written: int) -> timedelta:
    try:
        return timedelta(seconds=int(file.read_text()))
    except (FileNotFoundError, ValueError):
        return timedelta(0)


def move(by: timedelta) -> None:
    """Move the demo's clock on; what a provider has billed cannot be taken back, so never backwards."""
    if _ahead is not None and by > timedelta(0):
        moved = int((ahead() + by).total_seconds())
        fresh = _ahead.with_suffix(".new")
        fresh.write_text(str(moved))
        fresh.replace(_ahead)  # readers see the old hour or the new one, never half a number


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Inside, it is `moment`."""
    token = _set_to.set(moment)
    try:
        yield
    finally:
        _set_to.reset(token)
