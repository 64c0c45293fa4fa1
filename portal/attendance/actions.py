"""The verbs of attendance, in the asker's own name. None of them commits."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, live
from portal.attendance.jobs import tell_decision, tell_host, tell_together
from portal.database.identity import ME
from portal.database.query import Query
from portal.meetings.line import tell_offers
from portal.problems import Refused
from portal.rooms.actions import opened


class Answered(NamedTuple):
    """What an answer became, or why it was refused; `offered` are those who were offered a place because of it."""

    answer: str | None
    changed: bool | None
    refusal: str | None
    offered: list[UUID] | None


class AnsweredTogether(NamedTuple):
    """The same of an answer for all of us, and for whom it was."""

    answer: str | None
    people: list[UUID]
    refusal: str | None
    offered: list[UUID] | None


class Decided(NamedTuple):
    """What a request became; None if there was none."""

    answer: str | None
    offered: list[UUID] | None


class Came(NamedTuple):
    """Whether a door was refused, or this was the first time through it, and the sealed address behind it."""

    refusal: str | None
    changed: bool | None
    offered: list[UUID] | None
    address: str | None


ANSWER = Query(Answered, text("select answer, changed, refusal, offered from answer_meeting(:meeting, :wish)"))
TOGETHER = Query(AnsweredTogether, text("select answer, people, refusal, offered from answer_together(:meeting)"))
DECIDE = Query(Decided, text("select answer, offered from decide_request(:meeting, :person, :accept, :why)"))
JOIN = Query(Came, text("select refusal, changed, offered, address from join_meeting(:meeting, :device, :doors)"))
CORRECT = text("select correct_attendance(:meeting, :person, :came, :why)")
LEAVE = text("select leave_meeting(:meeting)")
STILL_HERE = text("select still_here(:meeting)")


class Cancelled(Refused):
    """This meeting is cancelled. There is nothing left to decide."""


class Over(Refused):
    """This meeting is over."""


class NoAccess(Refused):
    """You need a plan to take a place."""


class Rejected(Refused):
    """The host has answered that there is no place for you in this meeting."""


class Early(Refused):
    """The doors are not open yet."""


class Full(Refused):
    """Every place is taken. You can wait in the line, and join as soon as a place is yours."""


class Asked(Refused):
    """The host approves each person. You can join as soon as you have a place."""


class RoomNotReady(Refused):
    """The room isn’t open yet. This page lets you in as soon as it is."""


class Gone(Refused):
    """This meeting is not there any more."""


class TooLateToCorrect(Refused):
    """Who came can be corrected for 30 days after the meeting, once it is settled."""


class TooManyOfUs(Refused):
    """There are fewer places than people in your family. Each of you can answer alone."""


REFUSALS: dict[str, type[Refused]] = {
    "cancelled": Cancelled,
    "over": Over,
    "no-access": NoAccess,
    "rejected": Rejected,
    "early": Early,
    "full": Full,
    "requested": Asked,
    "unknown": Gone,
    "too-many": TooManyOfUs,
    "no-room": RoomNotReady,
}


def answer(db: Session, meeting_id: UUID, wish: str) -> str:
    """What the asker wants of this meeting, accepted or declined; returns the answer as it now stands.

    Wishing the same twice changes nothing. Full means the line, approval a request. Raises Refused with the reason
    when the meeting moved on (cancelled, over) or the asker may not.
    """
    said = ANSWER.one_or_none(db, meeting=meeting_id, wish=wish)
    if said is None:
        raise Gone
    if said.refusal:
        raise REFUSALS[said.refusal]
    if said.changed:
        audit.record(db, f"answer.{said.answer}", f"Answered {said.answer}", category="meeting", meeting_id=meeting_id)
        if said.answer == "requested":
            tell_host.enqueue(db, meeting_id=meeting_id)
        _spread(db, meeting_id, said.offered)
    return str(said.answer)


def answer_together(db: Session, meeting_id: UUID) -> None:
    """Yes for all of the asker's family who let it answer for them: places for all, or all wait as one.

    Asking again, with nobody left to ask for, changes nothing. Raises Refused.
    """
    said = TOGETHER.one(db, meeting=meeting_id)
    if said.refusal == "nobody":
        return
    if said.refusal:
        raise REFUSALS[said.refusal]
    audit.record(
        db,
        "answer.together",
        f"Answered {said.answer} for {len(said.people)}",
        category="meeting",
        meeting_id=meeting_id,
        people=[str(person) for person in said.people],
    )
    asker: UUID = db.scalars(select(ME)).one()
    for person in said.people:
        if person != asker:
            tell_together.enqueue(db, meeting_id=meeting_id, user_id=person, by=asker)
    _spread(db, meeting_id, said.offered)


def decide_request(
    db: Session, meeting_id: UUID, person_id: UUID, accept: bool, reason: str | None = None
) -> str | None:
    """The host's or an admin's word on somebody's request: accepted, waitlisted (full), withdrawn (no access any more)
    or rejected. None if nobody asked (any more).
    """
    said = DECIDE.one(db, meeting=meeting_id, person=person_id, accept=accept, why=reason)
    _spread(db, meeting_id, said.offered)
    if said.answer is None:
        return None
    audit.record(
        db,
        f"request.{said.answer}",
        f"A request became {said.answer}",
        category="meeting",
        meeting_id=meeting_id,
        subject_id=person_id,
        reason=reason,
    )
    tell_decision.enqueue(db, meeting_id=meeting_id, user_id=person_id)
    return str(said.answer)


def correct(db: Session, meeting_id: UUID, person_id: UUID, came: bool, reason: str) -> str:
    """An admin's word on whether somebody came, with the reason; their status now. Minutes stay what they were.

    Raises TooLateToCorrect: it is for thirty days after a meeting that was settled.
    """
    given = {"meeting": meeting_id, "person": person_id, "came": came, "why": reason}
    status: str | None = db.scalar(CORRECT, given)
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
    """Through the door, in the window and with access and answer checked again; notes when and with what.

    Returns the address the browser is sent to. Somebody invited who had not answered is accepted on the spot while a
    place is free. Raises Refused.
    """
    came = JOIN.one(db, meeting=meeting_id, device=device, doors=doors_minutes)
    if came.refusal:
        raise REFUSALS.get(came.refusal, Asked)
    address = opened(str(came.address), meeting_id)
    if address is None:
        raise RoomNotReady
    if came.changed:
        audit.record(db, "meeting.joined", f"Came in, device: {device}", category="meeting", meeting_id=meeting_id)
        _spread(db, meeting_id, came.offered)
    return address


def leave(db: Session, meeting_id: UUID) -> None:
    """Out of the room; leaving twice is once."""
    if db.scalar(LEAVE, {"meeting": meeting_id}):
        audit.record(db, "meeting.left", "Left the room", category="meeting", meeting_id=meeting_id)
        live.announce(db, meeting_id)


def still_here(db: Session, meeting_id: UUID) -> None:
    """The room page is still open."""
    db.execute(STILL_HERE, {"meeting": meeting_id})


def _spread(db: Session, meeting_id: UUID, offered: list[UUID] | None) -> None:
    tell_offers(db, meeting_id, offered)
    live.announce(db, meeting_id)
