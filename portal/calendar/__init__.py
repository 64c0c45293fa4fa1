"""A meeting as a calendar entry (RFC 5545): the portal's address in it, never the room's."""

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from icalendar import Calendar, Event

from portal import clock

if TYPE_CHECKING:
    from portal.calendar.views import Entry


def uid(meeting_id: UUID, site: str) -> str:
    """The UID of a meeting, the same in files, feeds and mails, so that a calendar knows them for one entry."""
    return f"{meeting_id}@{urlsplit(site).hostname}"


def entry(meeting: "Entry", site: str, club: str) -> bytes:
    """One VEVENT in UTC. Its UID stays the same and is of the club's own domain; its sequence rises with every change
    and when the meeting is called off, so that a calendar takes the newer one. `site` is the portal's address.
    """
    event = Event()
    event.add("uid", uid(meeting.id, site))
    event.add("sequence", meeting.revision)
    event.add("dtstamp", clock.now())
    event.add("dtstart", meeting.starts_at)
    event.add("dtend", meeting.ends_at)
    event.add("summary", meeting.title)
    page = f"{site}/meetings/{meeting.id}"
    event.add("url", page)
    # Several calendars show no URL, so the page's address is in the description too.
    event.add("description", f"The Join button is on the meeting’s page:\n{page}")
    event.add("status", "CANCELLED" if meeting.status == "cancelled" else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", f"-//{club}//Portal//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def file_name(meeting: "Entry") -> str:
    """What the file is called: open-hour-2026-12-02.ics. The hour is added where the rest would not tell meetings apart:
    if another of the same title is on that day, or the title has letters that a plain name cannot hold.
    """
    folded = unicodedata.normalize("NFKD", meeting.title)
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    words = re.findall(r"[a-z0-9]+", plain.lower())[:12] or ["meeting"]
    name = "-".join([*words, meeting.scheduled_date.isoformat()])
    alone = plain.isascii() and not meeting.has_namesake
    return f"{name}.ics" if alone else f"{name}-{meeting.start_time:%H%M}.ics"
