"""The club's clock in Python: what pages and jobs go by. Tests and the demo can set it; nothing else tells the time.

The database has the club's clock too (`club_now()`), and decides by it: on a real server both are the real time, and
`portal check` compares them. Who sets this one lets the other follow.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

_ahead: Path | None = None
_followers: list[Callable[[datetime | None], object]] = []
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
    """Inside, it is `moment` and stays so, for whatever follows this clock too."""
    before, token = _set_to.get(), _set_to.set(moment)
    _tell(moment)
    try:
        yield
    finally:
        _set_to.reset(token)
        _tell(before)


@contextmanager
def followed_by(other: Callable[[datetime | None], object]) -> Iterator[None]:
    """Inside, `other` is told where this clock is made to stand, and None when it goes again."""
    _followers.append(other)
    try:
        yield
    finally:
        _followers.remove(other)


def _tell(moment: datetime | None) -> None:
    for other in _followers:
        other(moment)
