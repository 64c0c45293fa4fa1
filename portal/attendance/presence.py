"""Presence: joining and leaving a meeting, staying in it, and an admin's correction of who came. Nothing here commits."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, live
from portal.attendance import rsvp
from portal.database.query import Query
from portal.meetings.waitlist import announce_offers
from portal.problems import Refused
from portal.rooms.actions import opened


class JoinResult(NamedTuple):
    """Why joining was refused (None if it was not), whether a new presence began, and the sealed address of the room."""

    refusal: str | None
    changed: bool | None
    offered: list[UUID] | None
    address: str | None


class Early(Refused):
    """The doors are not open yet."""


class Full(Refused):
    """Every place is taken. You can wait in the line, and join as soon as a place is yours."""


class RoomNotReady(Refused):
    """The room isn’t open yet. This page lets you in as soon as it is."""


class TooLateToCorrect(Refused):
    """Who came can be corrected for 30 days after the meeting, once it is settled."""


REFUSALS: dict[str, type[Refused]] = {**rsvp.REFUSALS, "early": Early, "full": Full, "no-room": RoomNotReady}

JOIN = Query(JoinResult, text("select refusal, changed, offered, address from join_meeting(:meeting, :device, :doors)"))
CORRECT = text("select correct_attendance(:meeting, :person, :came, :why)")
LEAVE = text("select leave_meeting(:meeting)")
TOUCH = text("select touch_presence(:meeting)")


def correct(db: Session, meeting_id: UUID, person_id: UUID, came: bool, reason: str) -> str:
    """As an admin or the host: correct whether somebody came. Returns their status now; the minutes stay what they were.

    Raises TooLateToCorrect before the meeting is settled and later than 30 days after it.
    """
    params = {"meeting": meeting_id, "person": person_id, "came": came, "why": reason}
    status: str | None = db.scalar(CORRECT, params)
    if status is None:
        raise TooLateToCorrect
    audit.record(
        db,
        "attendance.corrected",
        f"Corrected to {status}",
        category="meeting",
        meeting_id=meeting_id,
        subject_id=person_id,
        reason=reason,
    )
    return status


def join(db: Session, meeting_id: UUID, device: str, doors_minutes: int) -> str:
    """Join a meeting: checks the time, the entitlement and the RSVP again, and begins a presence with its device.

    Returns the address the browser is sent to. Whoever had not answered is accepted on the spot while a place is free.
    Raises Refused.
    """
    result = JOIN.one(db, meeting=meeting_id, device=device, doors=doors_minutes)
    if result.refusal:
        raise REFUSALS.get(result.refusal, rsvp.Requested)
    address = opened(str(result.address), meeting_id)
    if address is None:
        raise RoomNotReady
    if result.changed:
        audit.record(db, "meeting.joined", f"Came in, device: {device}", category="meeting", meeting_id=meeting_id)
        announce_offers(db, meeting_id, result.offered)
    return address


def leave(db: Session, meeting_id: UUID) -> None:
    """End the open presence of the signed-in person. Repeating it changes nothing."""
    if db.scalar(LEAVE, {"meeting": meeting_id}):
        audit.record(db, "meeting.left", "Left the room", category="meeting", meeting_id=meeting_id)
        live.announce(db, meeting_id)


def touch_presence(db: Session, meeting_id: UUID) -> None:
    """Note that the room page of the signed-in person is still open."""
    db.execute(TOUCH, {"meeting": meeting_id})
