"""A meeting as a calendar entry (RFC 5545): the portal's address in it, never the room's."""

from typing import Any

from icalendar import Calendar, Event

from portal import clock


def entry(meeting: Any, site: str) -> bytes:
    """One VEVENT in UTC, with a UID that stays the same and a sequence that rises when the meeting moves."""
    event = Event()
    event.add("uid", f"{meeting.id}@goalete")
    event.add("sequence", meeting.revision)
    event.add("dtstamp", clock.now())
    event.add("dtstart", meeting.starts_at)
    event.add("dtend", meeting.ends_at)
    event.add("summary", meeting.title)
    event.add("url", f"{site}/meetings/{meeting.id}")
    event.add("status", "CANCELLED" if meeting.status == "cancelled" else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", "-//Goalete Portal//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
