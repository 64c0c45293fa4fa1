"""A meeting for one's own calendar: the right hours, the portal's address, the same entry when downloaded again."""

from datetime import date

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
    assert event["dtstart"].params["TZID"] == "Europe/Istanbul"


def test_it_leads_to_the_portal(entry, supper):
    event = entry(supper)
    assert event["url"] == f"https://localhost/meetings/{supper.id}" and event["summary"] == "Supper"


def test_a_second_download_is_the_same_entry(entry, supper):
    assert entry(supper)["uid"] == entry(supper)["uid"] == f"{supper.id}@localhost"


def test_a_moved_meeting_replaces_the_older_entry(entry, superuser, supper):
    before = entry(supper)
    superuser.execute(
        "update meetings set start_time = '20:00', starts_at = starts_at - interval '1 hour', revision = revision + 1"
    )
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
    assert answer.mimetype == "text/calendar"
    assert b"\r\n" in answer.data and max(len(line) for line in answer.data.split(b"\r\n")) <= 75


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Open hour", "open-hour-2026-12-02.ics"),
        ("Çay & kahve!", "cay-kahve-2026-12-02.ics"),
        ("茶の時間", "meeting-2026-12-02-2100.ics"),
        ('"; evil="x', "evil-x-2026-12-02.ics"),
    ],
)
def test_the_file_is_called_like_the_meeting_and_its_day(sign_in, superuser, charlie, title, name):
    meeting = plan(superuser, title, scheduled_date=date(2026, 12, 2), start_time="21:00")
    answer = sign_in(charlie).get(f"/meetings/{meeting.id}.ics")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_no_two_meetings_of_a_day_are_called_alike(sign_in, superuser, charlie):
    browser, day = sign_in(charlie), date(2026, 12, 2)
    both = [plan(superuser, "Open hour", scheduled_date=day, start_time=hour) for hour in ("09:00", "21:00")]
    names = {browser.get(f"/meetings/{one.id}.ics").headers["Content-Disposition"].split('"')[1] for one in both}
    assert names == {"open-hour-2026-12-02-0900.ics", "open-hour-2026-12-02-2100.ics"}


def test_the_address_of_the_page_is_in_the_description_too(entry, supper):
    assert entry(supper)["description"].endswith(f"/meetings/{supper.id}")


def test_a_private_meeting_is_for_who_is_invited(sign_in, superuser, charlie, secret):
    browser = sign_in(charlie)
    assert browser.get(f"/meetings/{secret.id}.ics").status_code == 404
    invite(superuser, charlie, secret)
    assert browser.get(f"/meetings/{secret.id}.ics").status_code == 200
