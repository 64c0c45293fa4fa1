"""Keyset paging: a cursor names the row where a page begins, so page 5,000 costs what page 1 costs."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

FIRST = UUID(int=0)
LAST = UUID(int=2**128 - 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9000, 1, 1, tzinfo=UTC)


def write(moment: datetime, row_id: UUID) -> str:
    """The cursor of a row, fit for an address."""
    # Whole microseconds: a float is one short now and then, and the row would fall between two pages.
    return f"{(moment - _EPOCH) // timedelta(microseconds=1):x}-{row_id.hex}"


def read(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The row a cursor names; None for none, or for one that was tampered with."""
    if not cursor:
        return None
    moment, _, row_id = cursor.partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(moment, 16)), UUID(hex=row_id)
    except (ValueError, OverflowError):
        return None


def write_name(name: str, row_id: UUID) -> str:
    """The cursor of the last row of a page in a list by name; the next page begins after it."""
    return urlsafe_b64encode(f"{row_id}{name}".encode()).decode()


def read_name(cursor: str) -> tuple[str, UUID]:
    """The name and row it tells; before everybody for none, or for one that was tampered with."""
    try:
        plain = urlsafe_b64decode(cursor).decode()
        return plain[36:].replace("\x00", ""), UUID(plain[:36])
    except ValueError:
        return "", FIRST
