"""What people decide about rooms: a typed link, another try, a look at the address. None of them commits."""

import logging
from uuid import UUID

from flask import current_app
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, live
from portal.problems import Refused
from portal.rooms.jobs import follow
from portal.rooms.sealing import seal, unseal

SET_LINK = text("select set_room_link(:meeting, :sealed)")
SET_SERIES_LINK = text("select set_series_link(:series, :sealed)")
HAS_SERIES_LINK = text("select has_series_link(:series)")
RETRY = text("select retry_room(:meeting)")
REVEAL = text("select reveal_room(:meeting)")

logger = logging.getLogger("portal.rooms")


class NoLongerAhead(Refused):
    """This meeting is over or cancelled, so its room stays as it is."""


class NothingToRetry(Refused):
    """There is no room to be made again: the meeting is over or cancelled, or its link was typed."""


class NoAddress(Refused):
    """There is no address that could be shown."""


def set_link(db: Session, meeting_id: UUID, address: str | None) -> None:
    """Make a typed address the room of a meeting, by its host or an admin; None takes the typed one away.

    Whoever waits on the page gets the door at once. Raises NoLongerAhead.
    """
    if not db.scalar(SET_LINK, {"meeting": meeting_id, "sealed": _sealed(address)}):
        raise NoLongerAhead
    _note(db, address, "room.link-set", "room.link-removed", meeting_id)
    if address is None:
        follow.enqueue(db, meeting_id=meeting_id)
    live.announce(db, meeting_id)


def set_series_link(db: Session, series_id: UUID, address: str | None) -> None:
    """Make a typed address the room of a series and of its meetings ahead that have none of their own; None takes it away."""
    for meeting_id in db.scalars(SET_SERIES_LINK, {"series": series_id, "sealed": _sealed(address)}).all():
        live.announce(db, meeting_id)
    operation = "series.link-removed" if address is None else "series.link-set"
    message = "A series has no link any more" if address is None else "A series has a link"
    audit.record(db, operation, message, category="meeting", series=str(series_id))


def has_series_link(db: Session, series_id: UUID) -> bool:
    """Whether a link was typed for a series."""
    return bool(db.scalar(HAS_SERIES_LINK, {"series": series_id}))


def retry(db: Session, meeting_id: UUID) -> None:
    """Have the worker make or check the room at its platform again, by the host or an admin. Raises NothingToRetry."""
    if not db.scalar(RETRY, {"meeting": meeting_id}):
        raise NothingToRetry
    audit.record(db, "room.retried", "Another try to make the room", category="meeting", meeting_id=meeting_id)
    follow.enqueue(db, meeting_id=meeting_id)
    live.announce(db, meeting_id)


def reveal(db: Session, meeting_id: UUID) -> str:
    """The address everybody without one of their own is sent to, for an admin; noted in the log. Raises NoAddress."""
    sealed = db.scalar(REVEAL, {"meeting": meeting_id})
    address = opened(sealed, meeting_id) if sealed else None
    if address is None:
        raise NoAddress
    audit.record(db, "room.revealed", "The address of the room was shown", category="security", meeting_id=meeting_id)
    return address


def opened(sealed: str, meeting_id: UUID) -> str | None:
    """A sealed address to send a browser to; None, and an error in the log, when ROOM_KEY is not the one that sealed it."""
    address = unseal(sealed, current_app.config["SETTINGS"].room_key)
    if address is None:
        logger.error(
            "ROOM_KEY does not open the address of meeting %s: type it again, or have it made again.", meeting_id
        )
    return address


def _sealed(address: str | None) -> str | None:
    return None if address is None else seal(address, current_app.config["SETTINGS"].room_key)


def _note(db: Session, address: str | None, is_set: str, removed: str, meeting_id: UUID) -> None:
    operation, message = (removed, "The link was removed") if address is None else (is_set, "A link was typed")
    audit.record(db, operation, message, category="meeting", meeting_id=meeting_id)
