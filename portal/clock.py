"""The one clock the rules read. Tests and the demo's history can set it; nothing else tells the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_set_to: ContextVar[datetime | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """This moment, zone-aware, in UTC."""
    return _set_to.get() or datetime.now(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Inside, it is `moment`."""
    token = _set_to.set(moment)
    try:
        yield
    finally:
        _set_to.reset(token)
