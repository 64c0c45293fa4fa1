"""A meeting for one's own calendar: the right hours, the portal's address, the same entry when downloaded again."""

from datetime import UTC

import pytest
from icalendar import Calendar

from tests.support.reading import invite, plan


@pytest.fixture
def entry(sign_in, charlie):
    """`entry(meeting)`: the one event in what Charlie downloads."""
    browser = sign_in(charlie)

    def download(meeting):
        answer = browser.get(f"/meetings/{meeting.id}.ics")
        assert answer.status_code == 200 and answer.mimetype == "text/calendar"
        (event,) = Calendar.from_ical(answer.data).walk("VEVENT")
        return event

    return download


def test_the_hours_are_right_wherever_it_is_opened(entry, supper):
    event = entry(supper)
    assert (event.start, event.end) == (supper.starts_at, supper.ends_at)
    assert event.start.utcoffset() == UTC.utcoffset(None)


def test_it_leads_to_the_portal(entry, supper):
    event = entry(supper)
    assert event["url"] == f"https://localhost/meetings/{supper.id}" and event["summary"] == "Supper"


def test_a_second_download_is_the_same_entry(entry, supper):
    assert entry(supper)["uid"] == entry(supper)["uid"] == f"{supper.id}@localhost"


def test_a_moved_meeting_replaces_the_older_entry(entry, superuser, supper):
    before = entry(supper)
    superuser.execute("update meetings set start_time = '20:00', starts_at = starts_at - interval '1 hour', revision = revision + 1")
    after = entry(supper)
    assert after["uid"] == before["uid"] and after.start < before.start
    assert after.get("sequence", 0) > before.get("sequence", 0)


def test_a_cancelled_meeting_says_so_in_a_newer_entry(entry, sign_in, dora, supper):
    before = entry(supper)
    sign_in(dora).submit(f"/admin/meetings/{supper.id}/cancellation", reason="Ill.")
    after = entry(supper)
    assert (before["status"], after["status"]) == ("CONFIRMED", "CANCELLED")
    assert after["sequence"] > before["sequence"]


def test_a_title_cannot_break_out_of_its_line(entry, superuser, database):
    meeting = plan(superuser, "Film; talk, and\\n more: BEGIN:VEVENT")
    assert entry(meeting)["summary"] == "Film; talk, and\\n more: BEGIN:VEVENT"


def test_it_is_offered_as_a_file(sign_in, charlie, supper):
    answer = sign_in(charlie).get(f"/meetings/{supper.id}.ics")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="meeting.ics"'
    assert b"\r\n" in answer.data and max(len(line) for line in answer.data.split(b"\r\n")) <= 75


def test_a_private_meeting_is_for_who_is_invited(sign_in, superuser, charlie, secret):
    browser = sign_in(charlie)
    assert browser.get(f"/meetings/{secret.id}.ics").status_code == 404
    invite(superuser, charlie, secret)
    assert browser.get(f"/meetings/{secret.id}.ics").status_code == 200
