"""A person's entry of a meeting: what their calendar was told last, what is true now, and the message that is due between.

Whatever mail about a meeting goes to a person carries that message, and only what no mail carried is mailed by itself, so
nothing is told twice. Each step locks the entry first: of two workers the second finds nothing due.
"""

import base64
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock, mail
from portal.attendance.rsvp import needs_new_answer
from portal.calendar import itip
from portal.database.query import Query
from portal.mail import Invitation, Message
from portal.mail.models import Mail

AGAIN_AFTER = timedelta(days=1)
"""So much later a calendar is told what a mail that was not delivered should have told it."""


class Entry(NamedTuple):
    """A meeting, a person, their answer (None: not invited) and what they chose about mails; and, each None as long as
    nothing was mailed, what their calendar knows: `method`, `partstat`, `known_…`, `mailed_at`. `reminders` are minutes.
    """

    id: UUID
    title: str
    host_name: str | None
    starts_at: datetime
    ends_at: datetime
    timezone: str
    status: str
    is_private: bool
    is_host: bool
    revision: int
    user_id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    zone: str
    is_active: bool
    answer: str | None
    agreed_to: datetime | None
    reason: str | None
    party_id: UUID | None
    invited_at: datetime | None
    wants_mails: bool
    reminders: list[int]
    token: str | None
    sequence: int
    method: str | None
    partstat: str | None
    known_starts_at: datetime | None
    known_ends_at: datetime | None
    known_title: str | None
    known_host_name: str | None
    answered_at: datetime | None
    mailed_at: datetime | None

    @property
    def is_asked_again(self) -> bool:
        """Whether the meeting moved so far since the person said yes that they have to say so again."""
        return self.answer == "accepted" and needs_new_answer(self.agreed_to, self.starts_at, self.timezone)

    @property
    def wanted(self) -> str | None:
        """The PARTSTAT with which the meeting should stand in the person's calendar; None: it should not.

        Who is invited by name has it there unanswered until they have a place or say no; a host needs no invitation.
        """
        if self.status == "cancelled" or not self.is_active:
            return None
        if self.answer == "accepted":
            return "NEEDS-ACTION" if self.is_asked_again else "ACCEPTED"
        named = self.is_private and not self.is_host
        pending = self.answer in ("invited", "requested", "waitlisted", "offered")
        return "NEEDS-ACTION" if named and pending else None

    @property
    def is_mailed(self) -> bool:
        """Whether a mail put it into the person's calendar and none took it out."""
        return self.method == "REQUEST"

    @property
    def has_moved(self) -> bool:
        """Whether the calendar shows another time."""
        if self.known_starts_at is None:
            return False
        return self.is_mailed and (self.known_starts_at, self.known_ends_at) != (self.starts_at, self.ends_at)

    @property
    def was_taken_out_by_us(self) -> bool:
        """Whether the last CANCEL followed from the meeting's being called off, not from an answer of the person."""
        if self.method != "CANCEL" or self.answered_at is None or self.mailed_at is None:
            return False
        return self.answered_at <= self.mailed_at

    @property
    def due(self) -> str | None:
        """The method of the message that is due, None if the calendar knows it all or is not told by mail.

        A CANCEL follows only a REQUEST, and not a no that came from the calendar itself. Who does without such mails gets no
        new entry; one they have is still changed and taken out, and put back if we took it out.
        """
        if self.ends_at <= clock.now():
            return None
        if self.wanted is None:
            return "CANCEL" if self.is_mailed and self.partstat != "DECLINED" else None
        known = (self.partstat, self.known_starts_at, self.known_ends_at, self.known_title, self.known_host_name)
        if self.is_mailed:
            return (
                "REQUEST" if known != (self.wanted, self.starts_at, self.ends_at, self.title, self.host_name) else None
            )
        may_be_put_in = self.wants_mails or self.was_taken_out_by_us
        return "REQUEST" if may_be_put_in and self.starts_at > clock.now() else None

    @property
    def next_sequence(self) -> int:
        """The SEQUENCE of the next message: higher than every one mailed, and than the meeting's revision, which files carry."""
        return max(self.sequence, self.revision) + 1


# Made where there may be something for a calendar, with a new token each; one that is there stays.
MAKE = text("""
insert into calendar_entries (meeting_id, user_id, token)
select m.id, u.id, :token from meetings m cross join users u
  join meeting_attendances a on a.meeting_id = :meeting and a.user_id = u.id
 where m.id = :meeting and u.id = :person and u.is_active and (a.answer = 'accepted' or m.is_private)
    on conflict do nothing
""")
LOCK = text("select 1 from calendar_entries where meeting_id = :meeting and user_id = :person for no key update")
READ = Query(
    Entry,
    text("""
select m.id, m.title, m.host_name, m.starts_at, m.ends_at, m.timezone, m.status, m.is_private,
       coalesce(m.host_id = u.id, false) as is_host, m.revision,
       u.id as user_id, u.email, u.first_name, u.last_name, u.timezone as zone, u.is_active,
       a.answer, a.agreed_to, a.reason, a.party_id, a.invited_at,
       coalesce(p.calendar_mails and not 'confirmation' = any (p.switched_off), true) as wants_mails,
       case when 'reminder' = any (p.switched_off) then '{}' else coalesce(p.reminders, '{60}') end as reminders,
       e.token, coalesce(e.sequence, 0) as sequence, e.method, e.partstat,
       e.starts_at as known_starts_at, e.ends_at as known_ends_at, e.title as known_title, e.host_name as known_host_name,
       coalesce(a.responded_at, a.invited_at) as answered_at, e.mailed_at
  from meetings m cross join users u
  left join meeting_attendances a on a.meeting_id = m.id and a.user_id = u.id
  left join mail_preferences p on p.user_id = u.id
  left join calendar_entries e on e.meeting_id = m.id and e.user_id = u.id
 where m.id = :meeting and u.id = :person and (u.is_active or (:even_suspended and u.closed_at is null))
"""),
)
KNOWS = text("""
update calendar_entries
   set method = :method, partstat = :partstat, starts_at = :starts_at, ends_at = :ends_at, title = :title,
       host_name = :host_name, mailed_at = :at
 where meeting_id = :meeting and user_id = :person
""")
RAISE = text("update calendar_entries set sequence = :sequence where meeting_id = :meeting and user_id = :person")
# With the entry locked: what is written meanwhile waits.
ON_THE_WAY = text("""
select method, calendar, created_at from mails
 where meeting_id = :meeting and user_id = :person and state in ('queued', 'sent') and calendar is not null
""")
TELL_LATER = text("""
insert into calendar_changes (meeting_id, user_id, by_rule, due_at) values (:meeting, :person, true, :due)
    on conflict on constraint uq_calendar_changes_meeting_id do nothing
""")
REPLIED = text("update calendar_entries set partstat = :partstat where meeting_id = :meeting and user_id = :person")
WRITTEN = text("select exists (select from mails where occasion = :occasion)")


def lock(db: Session, meeting_id: UUID, user_id: UUID, *, even_suspended: bool = False) -> Entry | None:
    """Lock the entry until the transaction ends. None if meeting or person are gone, or the person suspended: of what
    they lost their calendar is told (`even_suspended`), of nothing else.
    """
    key = {"meeting": meeting_id, "person": user_id}
    token = base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
    db.execute(MAKE, {**key, "token": token})
    db.execute(LOCK, key)
    return READ.one_or_none(db, **key, even_suspended=even_suspended)


def write(db: Session, kind: str, entry: Entry, message: Message, *, occasion: str | None = None) -> None:
    """Mail something about a meeting to a person, with the message for their calendar if one is due. `entry` is locked. With
    an `occasion` it is mailed once.
    """
    if occasion and db.scalar(WRITTEN, {"occasion": occasion}):
        return
    mail.write(
        db,
        kind,
        entry.email,
        message,
        user_id=entry.user_id,
        meeting_id=entry.id,
        occasion=occasion,
        invitation=_invitation(entry),
    )
    if entry.due:
        what = {
            "meeting": entry.id,
            "person": entry.user_id,
            "method": entry.due,
            "partstat": entry.wanted,
            "starts_at": entry.starts_at,
            "ends_at": entry.ends_at,
            "title": entry.title,
            "host_name": entry.host_name,
            "at": clock.now(),
        }
        db.execute(RAISE, {"meeting": entry.id, "person": entry.user_id, "sequence": entry.next_sequence})
        db.execute(KNOWS, what)


def not_delivered(db: Session, mail: Mail) -> None:
    """A mail never came to its recipient's calendar, which therefore knows what the last one told it that did come or is on its way.
    It is told in a day, if there is something to tell; the SEQUENCE stays, so that the next one is above this one too.
    """
    if mail.meeting_id is None or mail.user_id is None:
        return
    key = {"meeting": mail.meeting_id, "person": mail.user_id}
    db.execute(LOCK, key)
    rows = db.execute(ON_THE_WAY, key).all()
    told = max(
        ((itip.read(Invitation(row.method, row.calendar)), row.created_at) for row in rows),
        key=lambda each: each[0].sequence,
        default=None,
    )
    if told:
        message, at = told
        known = {**message._asdict(), "at": at}
    else:  # no mail is that old any more; a CANCEL followed a REQUEST
        known = {
            **dict.fromkeys(itip.Told._fields),
            "method": "REQUEST" if mail.method == "CANCEL" else None,
            "at": None,
        }
    db.execute(KNOWS, {**key, **known})
    db.execute(TELL_LATER, {**key, "due": clock.now() + AGAIN_AFTER})


def replied(db: Session, meeting_id: UUID, user_id: UUID, partstat: str) -> None:
    """Note that the person answered from their calendar, which so knows already: a no is not answered with a CANCEL (RFC 5546
    3.2.3). `partstat` is ACCEPTED or DECLINED. Called in the transaction that takes the answer.
    """
    db.execute(REPLIED, {"meeting": meeting_id, "person": user_id, "partstat": partstat})


def _invitation(entry: Entry) -> Invitation | None:
    if entry.due is None or entry.token is None:
        return None
    settings = current_app.config["SETTINGS"]
    club = itip.organizer(settings.club_name, settings.mail_from, getattr(settings, "inbox_address", ""), entry.token)
    name = " ".join(part for part in (entry.first_name, entry.last_name) if part) or entry.email
    return itip.invitation(
        entry,
        settings.public_url,
        club,
        itip.Attendee(name, entry.email, entry.wanted or "DECLINED"),
        method=entry.due,
        sequence=entry.next_sequence,
        alarms=entry.reminders,
    )
