"""The line of a meeting: free places pass to whoever waits, and who is offered one is told."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import live
from portal.meetings.events import place_offered

TEND = text("select tend_line(:meeting)")


def tend(db: Session, meeting_id: UUID) -> None:
    """Offers that ran out come back, free places go to the next in line, and open pages are told."""
    tell_offers(db, meeting_id, db.scalar(TEND, {"meeting": meeting_id}))
    live.announce(db, meeting_id)


def tell_offers(db: Session, meeting_id: UUID, people: Iterable[UUID] | None) -> None:
    """Mail those who were just offered a place; the worker reads their addresses, the asker may not."""
    for person in people or ():
        place_offered.publish(db, meeting_id=meeting_id, user_id=person)
