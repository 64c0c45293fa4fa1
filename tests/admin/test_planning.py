"""Planning, changing and calling off: an admin's forms, and who is told."""

from datetime import date, datetime, timedelta

import pytest

from portal.clock import at
from tests.support.cast import ISTANBUL
from tests.support.reading import invite, link, one, plain, plan, rows, words

HOUR = timedelta(hours=1)
INVISIBLE = "There is an invisible character in this. Type it again instead of pasting it."
NO_ZONE = "Choose a time zone from the list, so that every hour you see is right."


def said_at(answer, field):
    """The error at one field of a form."""
    return plain(answer.text.partition(f'id="{field}-error">')[2].partition("</p>")[0])


def last_sunday(month):
    """When the clocks shift in Berlin, next year."""
    day = date(datetime.now(ISTANBUL).year + 1, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def operations(postgres):
    return sorted(row[0] for row in postgres.execute("select operation from system_logs").fetchall())


# --- planning --------------------------------------------------------------------------------------------------------


def test_a_meeting_is_planned_and_on_everybodys_page(desk, sign_in, charlie, given):
    assert desk.submit("/admin/meetings/new", **given).location == "/admin/meetings"
    assert "Mending hour is on the programme." in words(desk.get("/admin/meetings"))
    assert "Mending hour" in words(sign_in(charlie).get("/meetings"))


def test_the_form_begins_with_the_clubs_own_hour(desk):
    page = desk.get("/admin/meetings/new").text
    assert 'value="21:00"' in page and '<option selected value="Europe/Istanbul">' in page
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
    assert "Alice, 60 min, Google Meet" in words(desk.get("/admin/meetings"))


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
        ({"duration": "an hour"}, "duration", "Enter a whole number of minutes."),
        ({"max_attendees": "0"}, "max_attendees", "At least one place and at most 100,000, or leave it empty."),
        ({"max_attendees": "some"}, "max_attendees", "At least one place and at most 100,000, or leave it empty."),
        ({"max_attendees": "9" * 30}, "max_attendees", "At least one place and at most 100,000, or leave it empty."),
        ({"description": "x" * 5001}, "description", "Use at most 5,000 characters here."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_is_kept(desk, superuser, given, wrong, field, said):
    answer = desk.submit("/admin/meetings/new", **{**given, **wrong})
    assert answer.status_code == 422 and said_at(answer, field) == said
    assert "Bring something *broken*." in answer.text or field == "description"
    assert 'value="Mending hour"' in answer.text or field == "title"
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


# --- changing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def mending(desk, superuser, given):
    """The meeting of the form, planned."""
    desk.submit("/admin/meetings/new", **given)
    superuser.execute("delete from system_logs")
    return superuser.execute("select id, starts_at, revision from meetings").fetchone()


@pytest.fixture
def mending_id(mending):
    return mending[0]


def test_the_form_shows_the_meeting_as_it_stands(desk, superuser, alice, mending_id):
    superuser.execute("update meetings set host_id = %s, max_attendees = null, requires_approval = true", [alice.id])
    page = desk.get(f"/admin/meetings/{mending_id}/edit").text
    assert (
        'value="Mending hour"' in page and 'value="alice@club.example"' in page and "Bring something *broken*." in page
    )
    assert page.count("checked") == 1 and 'value="12"' not in page


def test_new_words_tell_nobody(desk, work, mails, superuser, alice, given, mending_id):
    invite_all(superuser, mending_id, accepted=[alice])
    desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, "title": "Mending and making"})
    work()
    assert mails(alice.email) == [] and operations(superuser) == ["meeting.changed"]
    assert one(superuser, "select revision from meetings") == 0


def test_a_new_time_is_mailed_to_those_who_hold_a_place_or_wait(
    desk, work, mails, superuser, alice, bob, charlie, eve, given, mending_id
):
    given["max_attendees"] = "1"
    invite_all(superuser, mending_id, accepted=[alice], waitlisted=[bob], declined=[charlie], invited=[eve])
    superuser.execute("update users set timezone = 'Asia/Tokyo' where id = %s", [bob.id])
    desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, "start_time": "20:00"})
    work()
    assert [len(mails(person.email)) for person in (alice, bob, charlie, eve)] == [1, 1, 0, 0]
    (mail,) = mails(bob.email)
    assert (
        mail["subject"] == "New time: Mending hour"
        and "02:00 in Tokyo" in mail["text"]
        and "20:00 in Istanbul" in mail["text"]
    )
    assert operations(superuser) == ["meeting.moved"]
    assert one(superuser, "select revision from meetings") == 1


def test_moved_twice_is_told_twice_and_each_once(desk, work, mails, superuser, alice, given, mending_id):
    invite_all(superuser, mending_id, accepted=[alice])
    for hour in ("20:00", "19:00"):
        desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, "start_time": hour})
        work()
        work()
    assert len(mails(alice.email)) == 2


def test_answers_are_kept_when_the_time_moves(desk, superuser, alice, given, mending_id):
    invite_all(superuser, mending_id, accepted=[alice])
    desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, "start_time": "20:00"})
    assert one(superuser, "select answer from meeting_attendances") == "accepted"


def test_more_places_are_offered_at_once(desk, work, mails, superuser, alice, bob, given, mending_id):
    superuser.execute("update meetings set max_attendees = 1")
    invite_all(superuser, mending_id, accepted=[alice], waitlisted=[bob])
    desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, "max_attendees": "2"})
    assert one(superuser, "select answer from meeting_attendances where user_id = %s", bob.id) == "offered"
    work()
    assert mails(bob.email)[0]["subject"] == "A place is yours: Mending hour"


def test_fewer_places_throw_nobody_out(desk, superuser, alice, bob, given, mending_id):
    invite_all(superuser, mending_id, accepted=[alice, bob])
    assert desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, "max_attendees": "1"}).status_code == 303
    assert one(superuser, "select seats_taken from meetings") == 2


def test_what_has_begun_is_not_changed_any_more(desk, superuser, given, mending):
    with at(mending[1] + timedelta(minutes=1)):
        answer = desk.submit(f"/admin/meetings/{mending[0]}/edit", **{**given, "title": "Too late"})
    assert answer.status_code == 422 and "This meeting has begun, is over or is cancelled" in said_at(
        answer, "start_time"
    )
    assert one(superuser, "select title from meetings") == "Mending hour" and 'value="Too late"' in answer.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"host_email": "stranger@club.example"}, "host_email"),
        ({"title": ""}, "title"),
        ({"scheduled_date": "2020-01-01"}, "start_time"),
    ],
)
def test_a_change_that_cannot_be_is_said_at_the_field(desk, superuser, given, mending_id, wrong, field):
    answer = desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, **wrong})
    assert answer.status_code == 422 and said_at(answer, field) and operations(superuser) == []


def invite_all(postgres, meeting_id, **answers):
    """Rows for a meeting, by answer."""
    meeting = type("Row", (), {"id": meeting_id})
    for answer, people in answers.items():
        for person in people:
            waiting = datetime.now(ISTANBUL) if answer == "waitlisted" else None
            invite(postgres, person, meeting, answer=answer, waiting_since=waiting)


# --- calling off -----------------------------------------------------------------------------------------------------


def test_who_is_told_is_counted_first(desk, superuser, alice, bob, charlie, mending_id):
    invite_all(superuser, mending_id, accepted=[alice], requested=[bob], declined=[charlie])
    assert "2 people are told at once" in words(desk.get(f"/admin/meetings/{mending_id}/cancellation"))


def test_calling_off_needs_a_reason(desk, superuser, mending_id):
    answer = desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason=" ")
    assert answer.status_code == 422 and said_at(answer, "reason") == "Say why, in a sentence everybody may read."
    assert one(superuser, "select status from meetings") == "scheduled"


def test_a_cancelled_meeting_is_told_to_all_who_were_coming(
    desk, work, mails, superuser, alice, bob, charlie, mending_id
):
    invite_all(superuser, mending_id, accepted=[alice], waitlisted=[bob], declined=[charlie])
    answer = desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    assert answer.location == "/admin/meetings"
    work()
    assert [len(mails(person.email)) for person in (alice, bob, charlie)] == [1, 1, 0]
    (mail,) = mails(alice.email)
    assert (
        mail["subject"] == "Cancelled: Mending hour"
        and "The host is ill." in mail["text"]
        and "The host is ill." in mail["html"]
    )
    assert one(superuser, "select answer from meeting_attendances where user_id = %s", alice.id) == "accepted"


def test_a_cancellation_is_noted_with_its_reason(desk, superuser, dora, mending_id):
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    row = superuser.execute("select operation, user_id, meeting_id, metadata ->> 'reason' from system_logs").fetchone()
    assert row == ("meeting.cancelled", dora.id, mending_id, "The host is ill.")


def test_calling_off_twice_is_refused_and_told_once(desk, work, mails, superuser, alice, mending_id):
    invite_all(superuser, mending_id, accepted=[alice])
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    again = desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="Still ill.")
    work()
    assert again.status_code == 409 and "This meeting has begun, is over or is cancelled" in words(again)
    assert (
        one(superuser, "select cancellation_reason from meetings") == "The host is ill."
        and len(mails(alice.email)) == 1
    )


def test_what_is_over_cannot_be_called_off(desk, superuser, mending):
    with at(mending[1] + 2 * HOUR):
        answer = desk.submit(f"/admin/meetings/{mending[0]}/cancellation", reason="The host is ill.")
    assert answer.status_code == 409 and one(superuser, "select status from meetings") == "scheduled"


def test_a_meeting_under_way_can_be_called_off(desk, superuser, mending):
    with at(mending[1] + HOUR / 2):
        assert desk.submit(f"/admin/meetings/{mending[0]}/cancellation", reason="The line broke.").status_code == 303


def test_a_cancelled_meeting_stays_on_the_list_without_buttons(desk, superuser, mending_id):
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    answer = desk.get("/admin/meetings")
    assert "Cancelled" in rows(answer)[0] and f"/admin/meetings/{mending_id}/edit" not in answer.text


def test_a_mail_to_somebody_who_left_the_club_is_not_written(desk, work, mails, superuser, alice, mending_id):
    invite_all(superuser, mending_id, accepted=[alice])
    superuser.execute("update users set is_active = false where id = %s", [alice.id])
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    work()
    assert mails(alice.email) == []


def test_a_move_that_was_called_off_meanwhile_is_told_as_that(desk, work, mails, superuser, alice, given, mending_id):
    invite_all(superuser, mending_id, accepted=[alice])
    desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, "start_time": "20:00"})
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    work()
    assert [mail["subject"] for mail in mails(alice.email)] == ["Cancelled: Mending hour"]


def test_a_meeting_nobody_planned_is_nowhere(desk):
    for path in ("edit", "cancellation", "requests"):
        assert desk.get(f"/admin/meetings/00000000-0000-0000-0000-000000000001/{path}").status_code == 404


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(superuser, alice, bob):
    """Alice asked for a place, then Bob."""
    meeting = plan(superuser, "Circle", days=3, requires_approval=True, max_attendees=1)
    for n, person in enumerate((alice, bob)):
        invite(superuser, person, meeting, answer="requested", responded_at=meeting.starts_at - (30 - n) * HOUR)
    return meeting


def test_who_asks_is_listed_in_order(desk, asked):
    answer = desk.get(f"/admin/meetings/{asked.id}/requests")
    assert words(answer, "h1") == "2 people ask to join"
    assert [row.split()[0] for row in rows(answer, "li") if "Asked" in row] == ["Alice", "Bob"]
    assert link(desk.get("/admin/meetings"), "Answer them") == f"/admin/meetings/{asked.id}/requests"


@pytest.mark.parametrize(("asking", "said"), [(1, "1 person asks to join"), (0, "Nobody asks to join")])
def test_the_heading_counts_them(desk, superuser, alice, bob, asked, asking, said):
    superuser.execute("delete from meeting_attendances where user_id = any (%s)", [[alice.id, bob.id][asking:]])
    assert words(desk.get(f"/admin/meetings/{asked.id}/requests"), "h1") == said


@pytest.mark.parametrize(
    ("decision", "flash", "operation"),
    [("accept", "They have a place.", "request.accepted"), ("reject", "They are told no.", "request.rejected")],
)
def test_a_decision_is_said_and_noted(desk, superuser, alice, asked, decision, flash, operation):
    answer = desk.submit(
        f"/admin/meetings/{asked.id}/requests/{alice.id}", decision=decision, reason=" Come\x00 next  week. "
    )
    assert flash in words(desk.get(answer.location))
    row = superuser.execute("select operation, subject_id, metadata ->> 'reason' from system_logs").fetchone()
    assert row[:2] == (operation, alice.id)


def test_accepting_beyond_the_places_is_the_line(desk, alice, bob, asked):
    desk.submit(f"/admin/meetings/{asked.id}/requests/{alice.id}", decision="accept")
    answer = desk.submit(f"/admin/meetings/{asked.id}/requests/{bob.id}", decision="accept")
    assert "It is full; they are in the line." in words(desk.get(answer.location))


def test_a_request_that_was_answered_meanwhile_is_left_alone(desk, superuser, alice, charlie, asked):
    for person in (alice, alice, charlie):
        answer = desk.submit(f"/admin/meetings/{asked.id}/requests/{person.id}", decision="reject")
    assert "Somebody was quicker: this request is answered already." in words(desk.get(answer.location))
    assert operations(superuser) == ["request.rejected"]


def test_a_decision_is_yes_or_no(desk, alice, asked):
    assert desk.submit(f"/admin/meetings/{asked.id}/requests/{alice.id}", decision="perhaps").status_code == 422


def test_a_reason_is_one_plain_line(desk, superuser, alice, asked):
    desk.submit(
        f"/admin/meetings/{asked.id}/requests/{alice.id}",
        decision="reject",
        reason=" Come\n\u202enext  week. " + "x" * 400,
    )
    reason = one(superuser, "select reason from meeting_attendances where user_id = %s", alice.id)
    assert reason.startswith("Come next week.") and len(reason) == 300
