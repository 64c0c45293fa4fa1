"""Calendar objects (RFC 5545) and the messages that carry them (iTIP, RFC 5546): what files, feeds and mails share.

Wherever a meeting stands in a calendar it has one UID, times in the meeting's own zone, and the address of its page on the
portal, never that of its room.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Component, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress

from portal import clock
from portal.mail import Invitation
from portal.mail.addresses import in_ascii

MAILTO = "@!$'*+"
"""What stands as it is in the address of a mailto URI, besides letters, digits and -._~ (RFC 6068 2)."""

HOST = "Host: "
"""How the description of an entry begins where the meeting has a host."""


class CalendarMeeting(Protocol):
    """What a calendar is told of a meeting. `timezone` is the zone of its wall time; the instants are aware."""

    @property
    def id(self) -> UUID: ...
    @property
    def title(self) -> str: ...
    @property
    def host_name(self) -> str | None: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def timezone(self) -> str: ...
    @property
    def status(self) -> str: ...


@dataclass(frozen=True)
class Organizer:
    """The club, as ORGANIZER: its name and where answers go. Without an inbox (`reads_replies` False) calendars are told
    to send none, and the description says to answer on the page.
    """

    name: str
    address: str
    reads_replies: bool


@dataclass(frozen=True)
class Attendee:
    """The one person a message is for. `address` is written as the To of its mail
    has it, since programs compare the two. `partstat` is NEEDS-ACTION, ACCEPTED or DECLINED (RFC 5545 3.2.12)."""

    name: str
    address: str
    partstat: str


class Told(NamedTuple):
    """What a message told a calendar; `partstat` is None for a CANCEL."""

    method: str
    sequence: int
    partstat: str | None
    starts_at: datetime
    ends_at: datetime
    title: str
    host_name: str | None


def organizer(club: str, mail_from: str, inbox: str, token: str) -> Organizer:
    """The club for the entry that `token` names. `inbox` is the address replies are read at, or "" for none: then the
    sender of all mails stands there. inbox@club.example becomes inbox+TOKEN@club.example (RFC 5233).
    """
    if not inbox:
        return Organizer(club, parseaddr(mail_from)[1], reads_replies=False)
    local, _, domain = inbox.rpartition("@")
    return Organizer(club, f"{local}+{token}@{domain}", reads_replies=True)


def uid(meeting_id: UUID, site: str) -> str:
    """The UID of a meeting in files, feeds and mails alike. `site` is the portal's address."""
    return f"{meeting_id}@{urlsplit(site).hostname}"


def calendar(club: str, method: str, components: Iterable[Component]) -> bytes:
    """A VCALENDAR as text in UTF-8. `method` is PUBLISH for files and feeds, REQUEST or CANCEL in mails."""
    whole = Calendar()
    whole.add("prodid", f"-//{club}//Portal//EN")
    whole.add("version", "2.0")
    whole.add("method", method)
    for component in components:
        whole.add_component(component)
    return bytes(whole.to_ical())


def vevent(
    meeting: CalendarMeeting, site: str, *, sequence: int, alarms: Iterable[int] = (), answer_on_page: bool = False
) -> Event:
    """A meeting as VEVENT. `sequence` rises with every change a calendar is told of, so that it takes the newer one;
    `alarms` are minutes before the start; `answer_on_page` adds that no answer from a calendar is read.
    """
    event = Event()
    event.add("uid", uid(meeting.id, site))
    event.add("sequence", sequence)
    event.add("dtstamp", clock.now())
    for name, moment in (("dtstart", meeting.starts_at), ("dtend", meeting.ends_at)):
        event.add(name, _local(moment, meeting.timezone) if _tells_zone(meeting) else moment.astimezone(UTC))
    event.add("summary", meeting.title)
    page = f"{site}/meetings/{meeting.id}"
    event.add("url", page)
    # Several calendars show no URL, so the page's address is in the description too.
    lines = [f"{HOST}{meeting.host_name}"] if meeting.host_name else []
    if answer_on_page:
        lines.append("Please answer on the meeting’s page: answers sent from a calendar do not reach us.")
    event.add("description", "\n".join([*lines, "The Join button is on the meeting’s page:", page]))
    event.add("status", "CANCELLED" if meeting.status == "cancelled" else "CONFIRMED")
    for minutes in sorted(alarms, reverse=True):
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", meeting.title)
        alarm.add("trigger", timedelta(minutes=-minutes))
        event.add_component(alarm)
    return event


def vtimezones(meetings: Iterable[CalendarMeeting]) -> Iterator[Timezone]:
    """The VTIMEZONE of each zone that the meetings' times name, from the first year they are in."""
    first: dict[str, int] = {}
    for meeting in meetings:
        year = meeting.starts_at.year
        if _tells_zone(meeting):
            first[meeting.timezone] = min(first.get(meeting.timezone, year), year)
    for zone, year in sorted(first.items()):
        yield vtimezone(zone, year)


def vtimezone(zone: str, year: int) -> Timezone:
    """The clock changes of a zone that has the same each year, from this one on, by the pinned tzdata.

    An observance begins at a local time by the offset before it (RFC 5545 3.6.5), which icalendar's own VTIMEZONE gets
    wrong by the hour that is skipped.
    """
    component = Timezone()
    component.add("tzid", zone)
    changes = _yearly_changes(zone, year)
    if not changes:
        begins = datetime(year - 1, 1, 1, tzinfo=ZoneInfo(zone))
        component.add_component(_observance(_Change(begins, begins), None))
    for change, rule in changes or ():
        component.add_component(_observance(change, rule))
    return component


def invitation(
    meeting: CalendarMeeting,
    site: str,
    club: Organizer,
    person: Attendee,
    *,
    method: str,
    sequence: int,
    alarms: Iterable[int] = (),
) -> Invitation:
    """A REQUEST (RFC 5546 3.2.2) or CANCEL (3.2.5) to one person. It names no other, so nobody reads who else comes."""
    cancels = method == "CANCEL"
    event = vevent(
        meeting,
        site,
        sequence=sequence,
        alarms=() if cancels else alarms,
        answer_on_page=not (cancels or club.reads_replies),
    )
    if cancels:
        event["status"] = "CANCELLED"
    host = vCalAddress(f"mailto:{club.address}")
    host.params["CN"] = club.name
    event.add("organizer", host)
    attendee = vCalAddress(_mailto(person.address))
    attendee.params["CN"] = person.name
    attendee.params["CUTYPE"] = "INDIVIDUAL"
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = person.partstat
    attendee.params["RSVP"] = "TRUE" if club.reads_replies and not cancels else "FALSE"
    event.add("attendee", attendee)
    return Invitation(method, calendar(club.name, method, [*vtimezones([meeting]), event]).decode())


def read(invitation: Invitation) -> Told:
    """What an invitation that we made says, back from its text."""
    event: Any = Calendar.from_ical(invitation.text).walk("VEVENT")[0]
    host = str(event["description"]).partition("\n")[0]
    return Told(
        invitation.method,
        int(event["sequence"]),
        event["attendee"].params["PARTSTAT"] if invitation.method == "REQUEST" else None,
        event["dtstart"].dt,
        event["dtend"].dt,
        str(event["summary"]),
        host.removeprefix(HOST) if host.startswith(HOST) else None,
    )


def _mailto(address: str) -> str:
    with suppress(ValueError):
        address = in_ascii(address)
    return f"mailto:{quote(address, safe=MAILTO)}"


def _tells_zone(meeting: CalendarMeeting) -> bool:
    """Whether times are written in the meeting's zone: one whose clocks go by a rule of the year, or never change. Others, and
    UTC, need no VTIMEZONE: they are written in UTC, which every program reads alike.
    """
    return meeting.timezone != "UTC" and _yearly_changes(meeting.timezone, meeting.starts_at.year) is not None


def _local(moment: datetime, zone: str) -> datetime:
    """The moment as the zone's clocks show it. In UTC where they show that hour twice: it would mean the first one (RFC 5545
    3.3.5), which not every program knows.
    """
    local = moment.astimezone(ZoneInfo(zone))
    comes_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return moment.astimezone(UTC) if comes_twice else local


class _Change(NamedTuple):
    """A change of clocks, both as aware local times: the second before it, and what they show then."""

    before: datetime
    after: datetime

    @property
    def onset(self) -> datetime:
        """When it is, as the clocks before it show it."""
        return self.before.replace(tzinfo=None) + (self.after.astimezone(UTC) - self.before.astimezone(UTC))


YEARS = 8
"""So many years a rule has to hold: in four there is a month in which the last Sunday is the fourth every time."""


@lru_cache(maxsize=2048)
def _yearly_changes(zone: str, year: int) -> list[tuple[_Change, dict[str, object]]] | None:
    """The changes of clocks in the year before this one, each with its rule (RFC 5545 3.3.10), none for a zone without any;
    None where they do not follow a rule like "the last Sunday in March" in these years. Several programs read rules only, and
    take what is listed day by day for no change at all.
    """
    years = [_changes(ZoneInfo(zone), each) for each in range(year - 1, year - 1 + YEARS)]
    if len({len(changes) for changes in years}) != 1:
        return None
    found = []
    for same in zip(*years, strict=True):
        onsets = [change.onset for change in same]
        months = {(each.month, each.weekday(), each.time()) for each in onsets}
        offsets = {(change.before.utcoffset(), change.after.utcoffset()) for change in same}
        weeks = {(each.day - 1) // 7 + 1 for each in onsets}
        if all((each + timedelta(days=7)).month != each.month for each in onsets):
            weeks = {-1}
        if not len(months) == len(offsets) == len(weeks) == 1:
            return None
        day = f"{weeks.pop()}{WEEKDAYS[onsets[0].weekday()]}"
        found.append((same[0], {"freq": "yearly", "bymonth": onsets[0].month, "byday": day}))
    return found


WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _observance(change: _Change, rule: dict[str, object] | None) -> Component:
    # By what clocks show: to Dublin's own law summer is the standard, which programs do not expect.
    goes_forward = change.after.replace(tzinfo=None) > change.onset
    component = TimezoneDaylight() if goes_forward else TimezoneStandard()
    component.add("dtstart", change.onset)
    component.add("tzoffsetfrom", change.before.utcoffset())
    component.add("tzoffsetto", change.after.utcoffset())
    component.add("tzname", change.after.tzname())
    if rule:
        component.add("rrule", rule)
    return component


def _changes(tz: ZoneInfo, year: int) -> list[_Change]:
    """The changes of a zone's offset in a year, to the second."""
    found, week, second = [], timedelta(days=7), timedelta(seconds=1)
    first, last = (datetime(each, 1, 1, tzinfo=UTC) for each in (year, year + 1))
    while first < last:
        low, high = first, min(first + week, last)
        offset = low.astimezone(tz).utcoffset()
        if high.astimezone(tz).utcoffset() != offset:
            while high - low > second:
                middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
                if middle.astimezone(tz).utcoffset() == offset:
                    low = middle
                else:
                    high = middle
            found.append(_Change(low.astimezone(tz), high.astimezone(tz)))
        first += week
    return found
