"""A meeting as a calendar entry (RFC 5545): the portal's address in it, never the room's."""

from typing import Any
from urllib.parse import urlsplit

from icalendar import Calendar, Event

from portal import clock


def entry(meeting: Any, site: str, club: str) -> bytes:
    """One VEVENT in UTC. Its UID stays the same and is of the club's own domain; its sequence rises with every change
    and when the meeting is called off, so that a calendar takes the newer one. `site` is the portal's address.
    """
    event = Event()
    event.add("uid", f"{meeting.id}@{urlsplit(site).hostname}")
    event.add("sequence", meeting.revision)
    event.add("dtstamp", clock.now())
    event.add("dtstart", meeting.starts_at)
    event.add("dtend", meeting.ends_at)
    event.add("summary", meeting.title)
    event.add("url", f"{site}/meetings/{meeting.id}")
    event.add("status", "CANCELLED" if meeting.status == "cancelled" else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", f"-//{club}//Portal//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
