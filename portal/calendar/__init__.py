"""A meeting as a file for one's own calendar."""

import re
import unicodedata
from typing import TYPE_CHECKING

from portal.calendar import itip

if TYPE_CHECKING:
    from portal.calendar.views import Entry


def entry(meeting: "Entry", site: str, club: str) -> bytes:
    """One VEVENT, published (RFC 5546 3.2.1). Its sequence rises with every change and when the meeting is called off, so
    that a calendar takes the newer one. `site` is the portal's address.
    """
    event = itip.vevent(meeting, site, sequence=meeting.revision)
    return itip.calendar(club, "PUBLISH", [*itip.vtimezones([meeting]), event])


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
