"""Stands in for a calendar program: it answers an invitation as one does, with a REPLY by mail (RFC 5546 3.2.3, RFC 6047)."""

from email.message import EmailMessage

from icalendar import Calendar, Event

from portal import clock
from portal.mail.models import Mail

PARTSTATS = {"accepted": "ACCEPTED", "declined": "DECLINED", "maybe": "TENTATIVE"}


def reply(mail: Mail, partstat: str) -> bytes:
    """The mail with which the recipient of `mail`, which carries a calendar object, answers it."""
    asked = Calendar.from_ical(mail.calendar or "").walk("VEVENT")[0]
    attendee = asked["ATTENDEE"]
    attendee.params["PARTSTAT"] = partstat
    event = Event()
    for name in ("UID", "SEQUENCE", "ORGANIZER"):
        event[name] = asked[name]
    event["ATTENDEE"] = attendee
    event.add("dtstamp", clock.now())
    calendar = Calendar()
    calendar.add("prodid", "-//Sandbox//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "REPLY")
    calendar.add_component(event)
    message = EmailMessage()
    message["From"] = mail.recipient
    message["To"] = str(asked["ORGANIZER"]).removeprefix("mailto:")
    message.set_content(calendar.to_ical().decode(), subtype="calendar", params={"method": "REPLY"})
    return bytes(message)
