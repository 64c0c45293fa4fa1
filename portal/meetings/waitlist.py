"""The waitlist of a meeting: free places are offered to the people who wait, and they are told by mail."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import live
from portal.meetings.events import place_offered

ADVANCE = text("select advance_waitlist(:meeting)")


def advance(db: Session, meeting_id: UUID) -> None:
    """Take back offers that ran out, offer free places to the next people waiting, and tell the open pages."""
    announce_offers(db, meeting_id, db.scalar(ADVANCE, {"meeting": meeting_id}))


def announce_offers(db: Session, meeting_id: UUID, offered: Iterable[UUID] | None) -> None:
    """Mail the people who were just offered a place, and tell the open pages that the meeting changed."""
    tell_offers(db, meeting_id, offered)
    live.announce(db, meeting_id)


def tell_offers(db: Session, meeting_id: UUID, people: Iterable[UUID] | None) -> None:
    """Mail those who were just offered a place; the worker reads their addresses, the viewer may not."""
    for person in people or ():
        place_offered.publish(db, meeting_id=meeting_id, user_id=person)
