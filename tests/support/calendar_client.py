"""A calendar program as far as invitations by mail go, by the rules of RFC 5546 and nothing else."""

from dataclasses import dataclass, field
from datetime import datetime

from icalendar import Calendar, Event


@dataclass
class Kept:
    """What the calendar shows of one UID. `partstat` is its owner's answer."""

    sequence: int
    stamp: datetime
    title: str
    starts_at: datetime
    partstat: str
    cancelled: bool = False


@dataclass
class CalendarClient:
    """The calendar of the person at `address`."""

    address: str
    entries: dict[str, Kept] = field(default_factory=dict)

    def receive(self, message: str) -> None:
        """Take one message. By 2.1.5 one with a lower SEQUENCE than what is kept is obsolete, or with the same and an older
        DTSTAMP; with both the same it is the same message again. By 3.2.5 a CANCEL takes out what is kept, and one for
        nothing that is kept is ignored.
        """
        calendar = Calendar.from_ical(message)
        (event,) = calendar.walk("VEVENT")
        assert isinstance(event, Event)
        attendee = event["attendee"]
        assert attendee == f"mailto:{self.address}", "a message to somebody else"
        uid, starts_at = str(event["uid"]), event.start
        assert isinstance(starts_at, datetime)
        kept = self.entries.get(uid)
        age = (int(str(event["sequence"])), event.DTSTAMP)
        if kept and age <= (kept.sequence, kept.stamp):
            return
        if calendar["method"] == "CANCEL":
            if kept:
                kept.sequence, kept.stamp, kept.cancelled = *age, True
        elif calendar["method"] == "REQUEST":
            self.entries[uid] = Kept(*age, str(event["summary"]), starts_at, attendee.params["partstat"])

    def reply(self, uid: str, partstat: str) -> None:
        """The owner answers in the calendar; 3.2.3: SEQUENCE stays the organizer's."""
        self.entries[uid].partstat = partstat

    def shows(self) -> dict[str, tuple[str, datetime, str]]:
        """Title, start and answer of each entry that is not cancelled."""
        return {
            uid: (kept.title, kept.starts_at, kept.partstat) for uid, kept in self.entries.items() if not kept.cancelled
        }
