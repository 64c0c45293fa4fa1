"""What people answer in their calendars, come back by mail: iTIP replies (RFC 5546 3.2.3, RFC 6047).

A reply counts if it was sent to the address of an entry, inbox+TOKEN@…, and its ATTENDEE is the address of that entry's
account; the From of a mail proves nothing. Then the rules are those of a click on the page.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID

from flask import current_app
from icalendar import Calendar, Event
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts.models import User
from portal.attendance import rsvp
from portal.calendar import entries, reply_messages
from portal.calendar.models import CalendarEntry
from portal.config import Settings
from portal.database.identity import WORKER, Role, act_as
from portal.database.transactions import let_go
from portal.mail.addresses import comparable
from portal.mail.models import InboxMessage
from portal.meetings.board import Board, Clock
from portal.meetings.models import Meeting
from portal.problems import Refused

MOST_EVENTS = 10
RESPONSES = {"ACCEPTED": "accepted", "DECLINED": "declined"}


class Reply(NamedTuple):
    """What a calendar object says. `method` and `partstat` are in upper case, `attendee` is a mail address."""

    method: str
    uid: str = ""
    sequence: int = 0
    stamped_at: datetime | None = None
    attendee: str = ""
    partstat: str = ""


def parse(text: str) -> Reply | None:
    """Read a calendar object: its one event, or None if it cannot be read or is about more than one. Never raises."""
    try:
        calendar = Calendar.from_ical(text)
        assert isinstance(calendar, Calendar)  # noqa: S101 - else it is unreadable
        method = str(calendar.get("METHOD", "")).upper()
        events = [each for each in calendar.subcomponents[:MOST_EVENTS] if isinstance(each, Event)]
        if len(events) != 1:
            return Reply(method) if method != "REPLY" else None
        return _of_event(method, events[0])
    except Exception:  # somebody else's text: whatever is wrong with it, it is no answer
        return None


def _of_event(method: str, event: Event) -> Reply | None:
    attendees = event.get("ATTENDEE", [])
    attendees = attendees if isinstance(attendees, list) else [attendees]
    if len(attendees) != 1:  # RFC 5546 3.2.3: the one who replies
        return Reply(method) if method != "REPLY" else None
    stamp, sequence = event.get("DTSTAMP"), int(event.get("SEQUENCE", 0))
    if not 0 <= sequence < 2**31:
        return None
    return Reply(
        method,
        str(event.get("UID", "")),
        sequence,
        _instant(stamp.dt) if stamp is not None else None,
        mail_address(str(attendees[0])),
        str(attendees[0].params.get("PARTSTAT", "NEEDS-ACTION")).upper(),
    )


def _instant(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def mail_address(uri: str) -> str:
    """The address of a mailto URI (RFC 6068), in lower case and ASCII: MAILTO:Ana%2Bclub@Müller.example is
    ana+club@xn--mller-kva.example. What is no address stays as it is.
    """
    scheme, colon, rest = uri.strip().partition(":")
    return comparable(unquote(rest.partition("?")[0] if colon and scheme.lower() == "mailto" else uri))


class Ignored(Exception):  # noqa: N818
    """A reply that counts for nothing: why, for admins."""


class Answered(NamedTuple):
    """What a reply answers: an entry with the SEQUENCE last mailed for it, its meeting and its person."""

    sequence: int
    person: User
    meeting: Meeting


def apply(db: Session, message_id: UUID) -> None:
    """Apply a reply that the inbox recorded, in the name of the person whose entry it answers; a repeat changes nothing."""
    message = db.get(InboxMessage, message_id)
    if message is None or message.calendar is None:
        return
    reply, token, may_answer = parse(message.calendar), message.token, message.may_answer
    result: dict[str, object] = {}
    try:
        if reply is None:
            raise Ignored("It cannot be read as an answer to one meeting.")
        answered = _answered(db, token, reply)
        result = {
            "user_id": answered.person.id,
            "meeting_id": answered.meeting.id,
            "sequence": reply.sequence,
            "stamped_at": reply.stamped_at,
        }
        result |= _take(db, answered, reply, may_answer=may_answer)
    except Ignored as ignored:
        result["outcome"] = str(ignored)
    done = update(InboxMessage).where(InboxMessage.id == message_id)
    db.execute(done.values(calendar=None, token=None, **result))


def _answered(db: Session, token: str | None, reply: Reply) -> Answered:
    """Whose answer it is and to what. Raises Ignored where it is not proved or older than what is known."""
    entry = db.scalar(select(CalendarEntry).where(CalendarEntry.token == token)) if token else None
    if entry is None:
        raise Ignored("It was not sent to the address of a calendar entry.")
    person, meeting = db.get_one(User, entry.user_id), db.get_one(Meeting, entry.meeting_id)
    if reply.attendee != comparable(person.email):
        raise Ignored("It does not answer for the address of the account it was sent to.")
    if reply.uid != f"{meeting.id}@{urlsplit(_settings().public_url).hostname}":
        raise Ignored("It answers another entry than the one it was sent to.")
    if not person.is_active:
        raise Ignored("The account is suspended or closed.")
    # RFC 5546 2.1.5: what is about an older version counts no more, nor what was written before the last answer.
    if reply.sequence < entry.sequence or reply.stamped_at is None:
        raise Ignored("It answers an older version of the entry.")
    later = select(InboxMessage.id).where(
        InboxMessage.user_id == person.id,
        InboxMessage.meeting_id == meeting.id,
        InboxMessage.applied,
        InboxMessage.sequence == reply.sequence,
        InboxMessage.stamped_at > reply.stamped_at,
    )
    if db.scalar(later.limit(1)):
        raise Ignored("A later answer came before it.")
    return Answered(entry.sequence, person, meeting)


def _take(db: Session, answered: Answered, reply: Reply, *, may_answer: bool) -> dict[str, object]:
    """Do what a proved reply says. Returns what is recorded of it. Whoever sent it is written to if it became something else."""
    person, meeting = answered.person, answered.meeting
    response = RESPONSES.get(reply.partstat) if reply.method == "REPLY" else None
    name, board = person.first_name, _board(person, meeting)
    if response is None:
        is_maybe = (reply.method, reply.partstat) == ("REPLY", "TENTATIVE")
        if may_answer:
            _write(
                db,
                answered,
                reply_messages.maybe(name, board) if is_maybe else reply_messages.not_understood(name, board),
            )
        return {"outcome": "Said maybe, which is no answer." if is_maybe else "Asked for what only the page can do."}
    try:
        became = _respond(db, answered, response)
    except Refused as refusal:
        db.rollback()
        if may_answer:
            _write(db, answered, reply_messages.refused(name, board, refusal.sentence))
        return {"outcome": f"Said {WORDS[response]}, which was refused: {refusal.sentence}"}
    if may_answer and (message := reply_messages.became(name, board, became)):
        _write(db, answered, message)
    return {"outcome": OUTCOMES.get(became, f"Said {WORDS[response]}."), "applied": True}


WORDS = {"accepted": "yes", "declined": "no"}
OUTCOMES = {
    "waitlisted": "Said yes, and waits in line: every place is taken.",
    "requested": "Said yes, and so asked for a place.",
    "withdrawn": "Said no, and is no longer on the list.",
}


def _respond(db: Session, answered: Answered, response: str) -> str:
    """Answer as the person, by the rules of a click. Returns the answer that is now stored. Raises Refused."""
    person_id, meeting_id = answered.person.id, answered.meeting.id
    db.expunge_all()  # read as the worker, and kept as it was read
    let_go(db)
    act_as(db, Role(WORKER.name, person_id))
    became = rsvp.respond(db, meeting_id, response)
    entries.replied(db, meeting_id, person_id, response.upper())
    audit.record(db, "reply.applied", "Answered from a calendar, by mail", category="meeting", meeting_id=meeting_id)
    return became


def _write(db: Session, answered: Answered, message: mail.Message) -> None:
    """Write to the address of the account, once a day at most, whatever is sent to us (RFC 3834 2)."""
    person = answered.person
    mail.write(
        db,
        "reply",
        person.email,
        message,
        user_id=person.id,
        meeting_id=answered.meeting.id,
        occasion=f"reply:{person.id}:{clock.now():%Y-%m-%d}",
    )


def _board(person: User, meeting: Meeting) -> Board:
    settings = _settings()
    return Board(meeting, Clock(clock.now(), person.timezone, settings.club_timezone, settings.doors_minutes))


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
