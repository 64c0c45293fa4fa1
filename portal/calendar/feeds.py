"""Personal feeds: an address at which a calendar program reads a person's meetings several times a day.

Whoever knows the address may read it, so only the hash of its random part is kept, and it is shown once. Revoking deletes
the row, and the address leads nowhere from then on. The verbs never commit.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from icalendar import Calendar, Component, vDDDTypes, vDuration, vText
from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from portal import audit
from portal.accounts.member import key_hash, new_key
from portal.attendance.rsvp import needs_new_answer
from portal.calendar import itip
from portal.calendar.models import CalendarFeed
from portal.database.query import Query
from portal.database.rows import row_type
from portal.problems import Refused
from portal.rsvp_states import ASKED_AGAIN, CALLED_OFF, HOSTING, IN_CALENDAR, OPEN_IN_CALENDAR, InCalendar

MOST = 10
"""So many feeds one person may have."""
REFRESH = timedelta(hours=4)
"""How often calendars are asked to look (RFC 7986 5.7); most of them do as they like."""


class TooManyFeeds(Refused):
    """You have ten feeds. Revoke one you no longer use, then make another."""


class Feed(NamedTuple):
    """One of a person's feeds, for the page that lists them."""

    id: UUID
    name: str
    shows: str
    created_at: datetime


@row_type
class FeedRow:
    """A feed and one of its meetings (`itip.CalendarMeeting`); all after `id` is None where that is: it has no meeting, or
    `state` is not open. `sequence` is at least that of the mails and of the file.
    """

    state: str
    shows: str
    made_at: datetime
    id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    host_name: str | None
    status: str
    answer: str | None
    agreed_to: datetime | None
    is_host: bool
    sequence: int
    changed_at: datetime


MINE = Query(
    Feed,
    select(CalendarFeed.id, CalendarFeed.name, CalendarFeed.shows, CalendarFeed.created_at)
    .where(CalendarFeed.user_id == bindparam("user_id"))
    .order_by(CalendarFeed.created_at, CalendarFeed.id),
)
MAKE = text("""
insert into calendar_feeds (user_id, name, shows, token_hash)
select :user_id, :name, :shows, :token_hash where (select count(*) from calendar_feeds where user_id = :user_id) < :most
returning id
""")
REVOKE = text("delete from calendar_feeds where id = :id and user_id = :user_id returning name")
READ = Query(FeedRow, text("select * from read_feed(:hash)"))

CLOSED = {
    "no-access": "You have no plan at the moment, so this calendar is empty. It fills again by itself when you have one.",
    "suspended": "This account is suspended, so this calendar is empty.",
    "closed": "This account is closed. You can remove this calendar.",
}
"""What a feed says instead of meetings, by its state."""


def make(db: Session, user_id: UUID, name: str, shows: str) -> str:
    """A new feed; returns the random part of its address, which nobody can show again. Raises TooManyFeeds."""
    token = new_key()
    params = {"user_id": user_id, "name": name, "shows": shows, "token_hash": key_hash(token), "most": MOST}
    if db.execute(MAKE, params).one_or_none() is None:
        raise TooManyFeeds
    audit.record(db, "feed.made", "A calendar feed was made", category="security")
    return token


def revoke(db: Session, user_id: UUID, feed_id: UUID) -> str | None:
    """End one of one's own feeds at once; its name, or None if there is none such."""
    name: str | None = db.scalar(REVOKE, {"id": feed_id, "user_id": user_id})
    if name is not None:
        audit.record(db, "feed.revoked", "A calendar feed was revoked", category="security")
    return name


def read(db: Session, token: str) -> Sequence[FeedRow]:
    """What the feed at an address shows now: at least one row, or none for an address that leads nowhere."""
    return READ.all(db, hash=key_hash(token))


class Rendered(NamedTuple):
    """A feed as it is sent. `etag` is the same as long as a subscriber would see the same; `changed_at` is when a meeting in it or
    the answer to one last changed, or when the feed was made. What vanished from it leaves no date.
    """

    body: bytes
    etag: str
    changed_at: datetime


def rendered(rows: Sequence[FeedRow], site: str, club: str) -> Rendered:
    """The rows of a feed as iCalendar (RFC 5545), without METHOD: it is published, and nobody is asked to answer in it."""
    first = rows[0]
    calendar = Calendar()
    calendar.add("prodid", f"-//{club}//Portal//EN")
    calendar.add("version", "2.0")
    name = f"{club}: my meetings" if first.shows == "mine" else club
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    if first.state != "open":
        calendar.add("description", CLOSED[first.state])
        calendar.add("x-wr-caldesc", CLOSED[first.state])
    meetings = [row for row in rows if row.id]
    for component in (*itip.vtimezones(meetings), *(_event(row, site) for row in meetings)):
        calendar.add_component(component)
    if not meetings:  # it has to have a component (RFC 5545 3.4), and a zone is no entry
        calendar.add_component(itip.vtimezone("UTC", first.made_at.year))
    body = bytes(calendar.to_ical())
    return Rendered(body, _etag(body), max([first.made_at, *(row.changed_at for row in meetings)]))


def in_calendar(row: FeedRow) -> InCalendar:
    """How a meeting stands in the feed of its subscriber."""
    if row.status == "cancelled":
        return CALLED_OFF
    if row.is_host:
        return HOSTING
    if row.answer == "accepted" and needs_new_answer(row.agreed_to, row.starts_at, row.timezone):
        return ASKED_AGAIN
    return IN_CALENDAR[row.answer] if row.answer else OPEN_IN_CALENDAR


def _event(row: FeedRow, site: str) -> Component:
    shown, event = in_calendar(row), itip.vevent(row, site, sequence=row.sequence)
    # Without METHOD it is when the entry last changed (RFC 5545 3.8.7.2), so it stays the same until it does.
    event["dtstamp"] = vDDDTypes(row.changed_at)
    event["status"] = vText(shown.status)
    event["description"] = vText(f"{shown.sentence}\n{event['description']}")
    event.add("transp", "OPAQUE" if shown.busy else "TRANSPARENT")
    return event


def _etag(body: bytes) -> str:
    """Of all but the moments of change: a meeting's row also changes with every answer of somebody else."""
    told = (line for line in body.splitlines() if not line.startswith(b"DTSTAMP"))
    return hashlib.sha256(b"\n".join(told)).hexdigest()[:32]
