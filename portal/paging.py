"""Keyset paging: a cursor names the first row of a page, so page 5,000 costs what page 1 costs."""

from datetime import UTC, datetime
from uuid import UUID

FIRST = UUID(int=0)
LAST = UUID(int=2**128 - 1)
END = datetime(9000, 1, 1, tzinfo=UTC)


def write(moment: datetime, row_id: UUID) -> str:
    """The cursor of a row, fit for an address."""
    return f"{int(moment.timestamp() * 1_000_000):x}-{row_id.hex}"


def read(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The row a cursor names; None for none, or for one that was tampered with."""
    if not cursor:
        return None
    moment, _, row_id = cursor.partition("-")
    try:
        seconds, micro = divmod(int(moment, 16), 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro), UUID(hex=row_id)
    except (ValueError, OverflowError, OSError):
        return None
