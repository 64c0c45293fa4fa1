"""RSVP: what somebody answers to a meeting, alone or for the family, and what the host decides about a request.

Each action runs in the name of the signed-in person and never commits.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit
from portal.attendance.events import answered_for, request_decided
from portal.attendance.jobs import tell_host
from portal.database.identity import ME
from portal.database.query import Query
from portal.meetings.waitlist import announce_offers
from portal.problems import Refused


class RsvpResult(NamedTuple):
    """What an answer became, or why it was refused; `offered` are those who were offered a place because of it."""

    answer: str | None
    changed: bool | None
    refusal: str | None
    offered: list[UUID] | None


class PartyRsvpResult(NamedTuple):
    """The same for the answer of a whole family, and the ids of the people it was given for."""

    answer: str | None
    people: list[UUID]
    refusal: str | None
    offered: list[UUID] | None


class RequestDecision(NamedTuple):
    """What a request became; None if there was none."""

    answer: str | None
    offered: list[UUID] | None


class NoteToHost(NamedTuple):
    """What somebody told the host beside their answer."""

    user_id: UUID
    name: str
    answer: str
    note: str


class Noted(NamedTuple):
    """The meeting whose host was told."""

    meeting_id: UUID


RSVP = Query(RsvpResult, text("select answer, changed, refusal, offered from rsvp(:meeting, :response)"))
RSVP_TOGETHER = Query(PartyRsvpResult, text("select answer, people, refusal, offered from rsvp_together(:meeting)"))
NOTE = Query(Noted, text("select meeting_id from note_to_host(:meeting, :words) meeting_id"))
NOTES_TO_HOST = Query(NoteToHost, text("select user_id, name, answer, note from notes_to_host(:meeting)"))
"""For the host and admins; no rows for others."""
DECIDE = Query(RequestDecision, text("select answer, offered from decide_request(:meeting, :person, :accept, :why)"))


class Cancelled(Refused):
    """This meeting is cancelled. There is nothing left to decide."""


class Over(Refused):
    """This meeting is over."""


class NoAccess(Refused):
    """You need a plan to take a place."""


class Rejected(Refused):
    """The host has answered that there is no place for you in this meeting."""


class Requested(Refused):
    """The host approves each person. You can join as soon as you have a place."""


class Gone(Refused):
    """This meeting is not there any more."""


class TooManyOfUs(Refused):
    """There are fewer places than people in your family. Each of you can answer alone."""


class NotAnswered(Refused):
    """Answer first whether you are coming. The note goes along with your answer."""


REFUSALS: dict[str, type[Refused]] = {
    "cancelled": Cancelled,
    "over": Over,
    "no-access": NoAccess,
    "rejected": Rejected,
    "requested": Requested,
    "unknown": Gone,
    "too-many": TooManyOfUs,
}


FAR = timedelta(hours=2)
"""By so much a meeting may move without asking again who said yes."""


def needs_new_answer(agreed_to: datetime | None, starts_at: datetime, zone: str) -> bool:
    """Whether a meeting is so far from the start somebody said yes to that they are asked again: by more than two hours, or
    on another day of its own zone. They keep their place meanwhile. None (not known) is no reason to ask.
    """
    if agreed_to is None or agreed_to == starts_at:
        return False
    day, agreed_day = (moment.astimezone(ZoneInfo(zone)).date() for moment in (starts_at, agreed_to))
    return abs(starts_at - agreed_to) > FAR or day != agreed_day


def respond(db: Session, meeting_id: UUID, response: str) -> str:
    """Answer a meeting with `accepted` or `declined`, as the signed-in person. Returns the answer that is now stored.

    A yes to a full meeting becomes `waitlisted`, to one with approval `requested`. Repeating a response changes nothing,
    unless the meeting was moved since: then the yes is one to the new time.
    Raises Refused when the meeting is cancelled or over, or when the person may not answer.
    """
    result = RSVP.one_or_none(db, meeting=meeting_id, response=response)
    if result is None:
        raise Gone
    if result.refusal:
        raise REFUSALS[result.refusal]
    if result.changed:
        audit.record(
            db, f"answer.{result.answer}", f"Answered {result.answer}", category="meeting", meeting_id=meeting_id
        )
        if result.answer == "requested":
            tell_host.enqueue(db, meeting_id=meeting_id)
        announce_offers(db, meeting_id, result.offered)
    return str(result.answer)


def note_to_host(db: Session, meeting_id: UUID, words: str | None) -> None:
    """Tell the host something beside one's own answer; None takes it back. Raises NotAnswered, also when it is over."""
    if NOTE.one_or_none(db, meeting=meeting_id, words=words) is None:
        raise NotAnswered


def respond_together(db: Session, meeting_id: UUID) -> None:
    """Answer yes for everybody in the family who allows it: all get a place, or all wait as one party.

    Repeating it changes nothing. Raises Refused.
    """
    result = RSVP_TOGETHER.one(db, meeting=meeting_id)
    if result.refusal == "nobody":
        return
    if result.refusal:
        raise REFUSALS[result.refusal]
    audit.record(
        db,
        "answer.together",
        f"Answered {result.answer} for {len(result.people)}",
        category="meeting",
        meeting_id=meeting_id,
        people=[str(person) for person in result.people],
    )
    actor: UUID = db.scalars(select(ME)).one()
    for person in result.people:
        if person != actor:
            answered_for.publish(db, meeting_id=meeting_id, user_id=person, by=actor)
    announce_offers(db, meeting_id, result.offered)


def decide_request(
    db: Session, meeting_id: UUID, person_id: UUID, accept: bool, reason: str | None = None
) -> str | None:
    """Decide a request, as the host or an admin. Returns what it became: `accepted`, `waitlisted` (the meeting is full),
    `withdrawn` (the person has no access any more), `rejected`; None if there is no open request.
    """
    result = DECIDE.one(db, meeting=meeting_id, person=person_id, accept=accept, why=reason)
    announce_offers(db, meeting_id, result.offered)
    if result.answer is None:
        return None
    audit.record(
        db,
        f"request.{result.answer}",
        f"A request became {result.answer}",
        category="meeting",
        meeting_id=meeting_id,
        subject_id=person_id,
        reason=reason,
    )
    request_decided.publish(db, meeting_id=meeting_id, user_id=person_id)
    return str(result.answer)
