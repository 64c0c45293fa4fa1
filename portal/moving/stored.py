"""What is kept of a move: the pieces of its file, and what the admin said of it."""

from collections.abc import Iterator
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.moving import reading
from portal.moving.files import FIELDS, Wish
from portal.moving.models import Move, MovePart

PIECE = 1_000_000
"""Bytes of a row of `move_parts`."""


def part(db: Session, move_id: UUID, kind: str, number: int) -> bytes | None:
    """A piece of a file, report or archive; None after the last."""
    wanted = (MovePart.move_id == move_id, MovePart.kind == kind, MovePart.number == number)
    return db.scalar(select(MovePart.content).where(*wanted))


def parts(db: Session, move_id: UUID, kind: str) -> Iterator[bytes]:
    """All the pieces, one in memory at a time."""
    number = 0
    while (content := part(db, move_id, kind, number)) is not None:
        yield content
        number += 1


def wish_of(settings: Settings, move: Move) -> Wish:
    """What the admin said of the file, for whoever reads it."""
    options = move.options
    until = options.get("until")
    zone = ZoneInfo(settings.club_timezone)
    return Wish(
        club_zone=settings.club_timezone,
        key=settings.address_key,
        prices={theirs: reading.plan(*ours.split("/")) for theirs, ours in options.get("prices", {}).items()},
        columns={meaning: options["columns"].get(meaning, "") for meaning in FIELDS} if "columns" in options else {},
        dates=(options["dates"],) if options.get("dates") else (),
        until=datetime.combine(date.fromisoformat(until), time(), zone) if until else None,
    )


def source_of(move: Move) -> str:
    """The name under which is remembered what a file brought."""
    return str(move.options.get("name") or move.format)
