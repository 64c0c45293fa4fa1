"""Calendar objects byte for byte, and as three parsers that know nothing of each other read them.

The golden files are of our own making and named by the rule they keep; which calendar programs a person has tried stands in
docs/decisions/calendar.md.
"""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import vobject
from dateutil.rrule import rrulestr
from icalendar import Calendar

from portal import clock
from portal.calendar import itip
from portal.calendar.replies import mail_address
from portal.config import ROOT
from portal.mail.addresses import comparable

GOLDEN = ROOT / "tests" / "calendar" / "golden"
SITE, NOW = "https://portal.club.example", datetime(2026, 10, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Evening(NamedTuple):
    """A meeting as the database has it."""

    starts_at: datetime = datetime(2026, 10, 20, 18, tzinfo=UTC)
    ends_at: datetime = datetime(2026, 10, 20, 19, tzinfo=UTC)
    timezone: str = "Europe/Berlin"
    title: str = "Supper"
    host_name: str | None = "Dora"
    status: str = "scheduled"
    id: UUID = UUID("01900000-0000-7000-8000-0000000000aa")


SUPPER = Evening()


def evening(starts_at: datetime, zone: str, **more: object) -> Evening:
    return Evening(starts_at, starts_at + timedelta(hours=1), zone, **more)


CLUB = itip.organizer("The Club", "The Club <club@club.example>", "inbox@club.example", "a" * 26)
WITHOUT_INBOX = itip.organizer("The Club", "The Club <club@club.example>", "", "a" * 26)
LONG = "Çay, kahve; “talk” \\ and more: " + "茶" * 40


def invitation(
    meeting: Evening = SUPPER, club: itip.Organizer = CLUB, partstat: str = "ACCEPTED", **more: object
) -> str:
    person = itip.Attendee("Alice Archer", "alice@club.example", partstat)
    return itip.invitation(
        meeting, SITE, club, person, **{"method": "REQUEST", "sequence": 3, "alarms": [60], **more}
    ).text


def file(meeting: Evening) -> str:
    event = itip.vevent(meeting, SITE, sequence=3)
    return itip.calendar("The Club", "PUBLISH", [*itip.vtimezones([meeting]), event]).decode()


SECOND_HOUR = evening(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin")
WRITTEN = {
    # RFC 5546 3.2.2, REQUEST: one organizer, the attendee it is for, the answer as the club knows it.
    "rfc5546-3.2.2-request": invitation,
    # RFC 5546 3.2.2 and RFC 5545 3.2.12: an invitation that wants an answer.
    "rfc5545-3.2.12-needs-action": lambda: invitation(partstat="NEEDS-ACTION"),
    # RFC 5545 3.2.17: no answer is expected where none is read.
    "rfc5545-3.2.17-rsvp-false": lambda: invitation(club=WITHOUT_INBOX),
    # RFC 5546 3.2.5, CANCEL: same UID, status CANCELLED, no alarm.
    "rfc5546-3.2.5-cancel": lambda: invitation(partstat="DECLINED", method="CANCEL", sequence=4),
    # RFC 5546 3.2.1, PUBLISH: no attendee.
    "rfc5546-3.2.1-publish": lambda: file(SUPPER),
    # RFC 5545 3.3.5: a local time that comes twice means the first; both are in UTC, so that nobody has to know.
    "rfc5545-3.3.5-repeated-hour": lambda: file(SECOND_HOUR),
    # RFC 5545 3.3.11 and 3.1: escaped text, lines of at most 75 octets.
    "rfc5545-3.3.11-text": lambda: file(Evening(title=LONG)),
    # RFC 5545 3.6.5 is about zones; UTC needs none (3.3.5, form 2).
    "rfc5545-3.3.5-utc": lambda: file(Evening(timezone="UTC")),
}


@pytest.fixture(autouse=True)
def _fixed_moment():
    with clock.at(NOW):
        yield


def with_icalendar(text: str) -> dict[str, object]:
    calendar = Calendar.from_ical(text)
    (event,) = calendar.walk("VEVENT")
    attendee = event.get("attendee")
    return {
        "method": str(calendar["method"]),
        "uid": str(event["uid"]),
        "sequence": int(event["sequence"]),
        "stamp": event["dtstamp"].dt,
        "start": event["dtstart"].dt.astimezone(UTC),
        "end": event["dtend"].dt.astimezone(UTC),
        "summary": str(event["summary"]),
        "description": str(event["description"]),
        "url": str(event["url"]),
        "status": str(event["status"]),
        "organizer": event.get("organizer") and str(event["organizer"]),
        "attendee": attendee and str(attendee),
        "partstat": attendee and attendee.params["partstat"],
        "rsvp": attendee and attendee.params["rsvp"],
        "alarms": [alarm["trigger"].dt / MINUTE for alarm in event.walk("VALARM")],
    }


def with_vobject(text: str) -> dict[str, object]:
    vars(vobject.icalendar)["__tzidMap"].clear()  # it would keep the zone of the text before, for other years
    calendar = vobject.readOne(text)
    event = calendar.vevent
    attendee = getattr(event, "attendee", None)
    return {
        "method": calendar.method.value,
        "uid": event.uid.value,
        "sequence": int(event.sequence.value),
        "stamp": event.dtstamp.value,
        "start": event.dtstart.value.astimezone(UTC),
        "end": event.dtend.value.astimezone(UTC),
        "summary": event.summary.value,
        "description": event.description.value,
        "url": event.url.value,
        "status": event.status.value,
        "organizer": event.organizer.value if hasattr(event, "organizer") else None,
        "attendee": attendee and attendee.value,
        "partstat": attendee and attendee.partstat_param,
        "rsvp": attendee and attendee.rsvp_param,
        "alarms": [alarm.trigger.value / MINUTE for alarm in event.contents.get("valarm", [])],
    }


def with_ical_js(*texts: str) -> list[dict[str, object]]:
    library = ROOT / "var" / "npm" / "node_modules" / "ical.js" / "dist" / "ical.es5.cjs"
    script = ROOT / "tests" / "calendar" / "read_with_ical_js.mjs"
    done = subprocess.run(
        ["node", str(script), str(library)], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    return [read | {name: datetime.fromisoformat(read[name]) for name in ("stamp", "start", "end")} for read in found]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_the_golden_file(name):
    assert WRITTEN[name]() == (GOLDEN / f"{name}.ics").read_bytes().decode()


def test_every_golden_file_is_one_of_these():
    assert {path.stem for path in GOLDEN.glob("*.ics")} == set(WRITTEN)


def test_three_parsers_read_the_same():
    texts = [(GOLDEN / f"{name}.ics").read_bytes().decode() for name in WRITTEN]
    first = [with_icalendar(text) for text in texts]
    assert [with_vobject(text) for text in texts] == first
    assert with_ical_js(*texts) == first


def test_they_read_what_was_meant():
    read = with_icalendar(invitation())
    assert read["method"] == "REQUEST" and read["sequence"] == 3 and read["stamp"] == NOW
    assert (read["start"], read["end"]) == (SUPPER.starts_at, SUPPER.ends_at)
    assert read["organizer"] == f"mailto:inbox+{'a' * 26}@club.example"
    assert (read["attendee"], read["partstat"], read["rsvp"]) == ("mailto:alice@club.example", "ACCEPTED", "TRUE")
    assert read["url"] == f"{SITE}/meetings/{SUPPER.id}" and read["alarms"] == [-60]


def test_without_an_inbox_one_is_told_to_answer_on_the_page():
    read = with_icalendar(invitation(club=WITHOUT_INBOX))
    assert (read["organizer"], read["rsvp"]) == ("mailto:club@club.example", "FALSE")
    assert "Please answer on the meeting’s page" in str(read["description"])


@pytest.mark.parametrize("address", ["100%41@club.example", "o'neil+x@club.example", "a/b?c=d@müller.example"])
def test_an_address_comes_back_from_its_uri_as_it_was(address):
    person = itip.Attendee("Alice", address, "ACCEPTED")
    text = itip.invitation(SUPPER, SITE, CLUB, person, method="REQUEST", sequence=1).text
    uri = str(Calendar.from_ical(text).walk("VEVENT")[0]["attendee"])
    assert uri.isascii() and mail_address(uri) == comparable(address)


def test_every_line_is_at_most_75_octets():
    assert max(len(line) for line in file(Evening(title=LONG)).encode().split(b"\r\n")) <= 75


CHANGES = {
    "Europe/Berlin": ("2026-10-25T01:00Z", "2027-03-28T01:00Z"),
    "America/New_York": ("2026-11-01T06:00Z", "2027-03-14T07:00Z"),
    "Australia/Lord_Howe": ("2026-10-03T15:30Z", "2027-04-03T15:00Z"),
    "Africa/Casablanca": ("2027-02-07T02:00Z", "2027-03-14T02:00Z"),
    "Europe/Istanbul": ("2026-12-31T21:00Z",),
}
AROUND = [
    evening(datetime.fromisoformat(change) + half * timedelta(minutes=30), zone)
    for zone, changes in CHANGES.items()
    for change in changes
    for half in range(-5, 6)
]


def test_the_hours_around_both_clock_changes_are_right_to_every_parser():
    texts = [invitation(meeting) for meeting in AROUND]
    meant = [(meeting.starts_at, meeting.ends_at) for meeting in AROUND]
    for read in (
        [with_icalendar(text) for text in texts],
        [with_vobject(text) for text in texts],
        with_ical_js(*texts),
    ):
        assert [(one["start"], one["end"]) for one in read] == meant


@pytest.mark.parametrize(
    ("zone", "rules"),
    {
        "Europe/Berlin": ["-1SU", "-1SU"],
        "Europe/Dublin": ["-1SU", "-1SU"],
        "America/New_York": ["2SU", "1SU"],
        "Australia/Lord_Howe": ["1SU", "1SU"],
        "Europe/Istanbul": [],
        "Asia/Kathmandu": [],
    }.items(),
)
def test_a_zone_is_told_by_its_rules_of_the_year(zone, rules):
    """Programs that read no list of days read these (MS-OXCICAL 2.1.3.1.1.19), and want summer to be DAYLIGHT."""
    observances, tz = itip.vtimezone(zone, 2026).subcomponents, ZoneInfo(zone)
    assert [str(observance["rrule"]["byday"]) for observance in observances if "rrule" in observance] == rules
    for observance in observances if rules else ():
        before, after = observance["tzoffsetfrom"].td, observance["tzoffsetto"].td
        assert (observance.name == "DAYLIGHT") == (after > before)
        rule = rrulestr(observance["rrule"].to_ical().decode(), dtstart=observance["dtstart"].dt)
        for onset in ((local - before).replace(tzinfo=UTC) for local in rule[:7]):
            assert (onset - timedelta(seconds=1)).astimezone(tz).utcoffset() == before
            assert onset.astimezone(tz).utcoffset() == after != before


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "Asia/Jerusalem", "America/Santiago"])
def test_a_zone_without_a_rule_of_the_year_is_told_in_utc(zone):
    text = file(evening(datetime(2026, 10, 20, 18, tzinfo=UTC), zone))
    assert "DTSTART:20261020T180000Z\r\nDTEND:20261020T190000Z" in text and "TZID" not in text


def test_a_zone_that_gives_up_summer_time_is_told_with_its_rules_or_not_at_all():
    """Over New Year too, when the rules are those of one year and not yet of the other."""
    for year in range(2024, 2032):
        text = file(evening(datetime(year, 12, 31, 23, 30, tzinfo=UTC), "America/Vancouver"))
        assert ("TZID=America/Vancouver" in text) == ("BEGIN:VTIMEZONE" in text)


def test_the_attendee_is_written_as_the_to_of_the_mail():
    person = itip.Attendee("Ana", "ana@müller.example", "ACCEPTED")
    read = with_icalendar(itip.invitation(SUPPER, SITE, CLUB, person, method="REQUEST", sequence=1).text)
    assert read["attendee"] == "mailto:ana@xn--mller-kva.example"


@pytest.mark.parametrize(("method", "partstat"), [("REQUEST", "NEEDS-ACTION"), ("CANCEL", None)])
@pytest.mark.parametrize("evening", [SUPPER, Evening(host_name=None), Evening(title=LONG, timezone="Europe/Berlin")])
def test_what_an_invitation_told_is_read_back(method, partstat, evening):
    person = itip.Attendee("Ana", "ana@club.example", partstat or "DECLINED")
    invitation = itip.invitation(evening, SITE, WITHOUT_INBOX, person, method=method, sequence=7)
    told = itip.read(invitation)
    assert told == (method, 7, partstat, evening.starts_at, evening.ends_at, evening.title, evening.host_name)
