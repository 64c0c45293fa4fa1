"""Planning: an admin's form, and what it makes."""

from datetime import date, datetime, timedelta

import pytest

from tests.support.cast import ISTANBUL
from tests.support.reading import one, plan, said_at, words

INVISIBLE = "There is an invisible character in this. Type it again instead of pasting it."
NO_ZONE = "Choose a time zone from the list, so that every hour you see is right."


def last_sunday(month):
    """When the clocks shift in Berlin, next year."""
    day = date(datetime.now(ISTANBUL).year + 1, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def test_a_meeting_is_planned_and_on_everybodys_page(desk, sign_in, charlie, given):
    assert desk.submit("/admin/meetings/new", **given).location == "/admin/meetings"
    assert "Mending hour is on the programme." in words(desk.get("/admin/meetings"))
    assert "Mending hour" in words(sign_in(charlie).get("/meetings"))


def test_the_form_begins_with_the_clubs_own_hour(desk):
    page = desk.get("/admin/meetings/new").text
    assert 'value="21:00"' in page and '<option selected value="Europe/Istanbul"' in page
    assert 'name="duration"' in page and 'value="60"' in page


def test_planning_is_noted_in_the_log(desk, superuser, dora, given):
    desk.submit("/admin/meetings/new", **given)
    row = superuser.execute(
        "select operation, message, user_id, ip_address is not null, request_id is not null from system_logs"
    ).fetchone()
    assert row == ("meeting.planned", "Planned Mending hour", dora.id, True, True)
    assert one(superuser, "select created_by from meetings") == dora.id


def test_the_host_is_somebody_of_the_club_and_shown_by_name(desk, superuser, alice, given):
    desk.submit("/admin/meetings/new", **{**given, "host_email": "ALICE@club.example"})
    assert one(superuser, "select host_id from meetings") == alice.id
    assert "Alice, 60 min on Google Meet" in words(desk.get("/admin/meetings"))


def test_a_host_nobody_knows_is_said_at_the_field(desk, superuser, given):
    answer = desk.submit("/admin/meetings/new", **{**given, "host_email": "stranger@club.example"})
    assert answer.status_code == 422 and said_at(answer, "host_email") == "Nobody in the club has this address."
    assert one(superuser, "select count(*) from meetings") == 0


def test_an_hour_the_clocks_skip_is_refused_with_one_that_exists(desk, superuser, given):
    sunday = last_sunday(3).isoformat()
    answer = desk.submit(
        "/admin/meetings/new", **{**given, "scheduled_date": sunday, "start_time": "02:30", "timezone": "Europe/Berlin"}
    )
    assert answer.status_code == 422
    assert said_at(answer, "start_time") == "The clocks skip 02:30 on that day there. 03:30 exists."
    assert one(superuser, "select count(*) from meetings") == 0


def test_an_hour_that_comes_twice_is_the_first_of_the_two(desk, superuser, given):
    sunday = last_sunday(10).isoformat()
    desk.submit(
        "/admin/meetings/new", **{**given, "scheduled_date": sunday, "start_time": "02:30", "timezone": "Europe/Berlin"}
    )
    assert one(superuser, "select to_char(starts_at at time zone 'UTC', 'HH24:MI') from meetings") == "00:30"


def test_the_past_is_refused_at_the_field(desk, given, now):
    yesterday = (now - timedelta(days=1)).date().isoformat()
    answer = desk.submit("/admin/meetings/new", **{**given, "scheduled_date": yesterday})
    assert answer.status_code == 422 and said_at(answer, "start_time") == "A meeting starts in the future."


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"title": "  "}, "title", "Give the meeting a title."),
        ({"title": "x" * 121}, "title", "Use at most 120 characters here."),
        ({"title": "a\u202eb"}, "title", INVISIBLE),
        ({"host_email": "nobody"}, "host_email", "Enter an e-mail address with an @, like ana@duarte.pt"),
        ({"scheduled_date": ""}, "scheduled_date", "Choose a day that exists."),
        ({"scheduled_date": "2027-02-30"}, "scheduled_date", "Choose a day that exists."),
        ({"scheduled_date": "9999-12-31"}, "scheduled_date", "Choose a day of this century."),
        ({"scheduled_date": "0001-01-01"}, "scheduled_date", "Choose a day of this century."),
        ({"start_time": ""}, "start_time", "Enter an hour, like 21:00."),
        ({"start_time": "25:00"}, "start_time", "Enter an hour, like 21:00."),
        ({"timezone": "Mars/Olympus"}, "timezone", NO_ZONE),
        ({"duration": "0"}, "duration", "Between 1 minute and 8 hours (480)."),
        ({"duration": "481"}, "duration", "Between 1 minute and 8 hours (480)."),
        ({"duration": "9" * 400}, "duration", "Between 1 minute and 8 hours (480)."),
        ({"duration": "an hour"}, "duration", "Enter a whole number of minutes."),
        ({"max_attendees": "0"}, "max_attendees", "At least one place and at most 100,000, or leave it empty."),
        ({"max_attendees": "some"}, "max_attendees", "At least one place and at most 100,000, or leave it empty."),
        ({"max_attendees": "9" * 30}, "max_attendees", "At least one place and at most 100,000, or leave it empty."),
        ({"description": "x" * 5001}, "description", "Use at most 5,000 characters here."),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_is_kept(desk, superuser, given, wrong, field, said):
    answer = desk.submit("/admin/meetings/new", **{**given, **wrong})
    assert answer.status_code == 422 and said_at(answer, field) == said
    typed = {"title": 'value="Mending hour"', "description": "Bring something *broken*."}
    assert [text for name, text in typed.items() if name != field and text not in answer.text] == []
    assert one(superuser, "select count(*) from meetings") == 0


def test_no_number_of_places_is_no_limit(desk, superuser, given):
    desk.submit("/admin/meetings/new", **{**given, "max_attendees": ""})
    assert one(superuser, "select max_attendees from meetings") is None
    assert "0 coming, no limit" in words(desk.get("/admin/meetings"))


def test_a_private_meeting_with_approval_is_planned_so(desk, sign_in, superuser, charlie, given):
    desk.submit("/admin/meetings/new", **given, is_private="y", requires_approval="y")
    assert superuser.execute("select is_private, requires_approval from meetings").fetchone() == (True, True)
    assert (
        "Mending hour" in words(desk.get("/admin/meetings"))
        and "Mending hour" not in sign_in(charlie).get("/meetings").text
    )


def test_nothing_planned_is_said_in_a_sentence(desk, superuser):
    plan(superuser, "Over", days=-2)
    assert "No meeting is planned. What you plan appears here" in words(desk.get("/admin/meetings"))
