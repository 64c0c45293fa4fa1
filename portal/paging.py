"""Keyset paging: a cursor names the first row of a page, so page 5,000 costs what page 1 costs."""

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
