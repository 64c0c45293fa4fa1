"""Through the door and out again: when it opens, for whom, with what, and how the minutes add up."""

from datetime import timedelta

import pytest

from portal.attendance import jobs
from portal.clock import at
from tests.support.presence import seen
from tests.support.reading import do, invite, one, plan, words

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
INSIDE = "select count(*) from presences where left_at is null"
ANSWER = "select answer from meeting_attendances where user_id = %s"


@pytest.fixture
def tonight(superuser, database):
    """Two places, two days from now."""
    return plan(superuser, "Tonight", days=2, max_attendees=2)


@pytest.fixture
def press(sign_in, tonight):
    """`press("join", charlie, 5)`: a button of the meeting's page, so many minutes after the start."""
    browsers = {}

    def button(name, person, minutes=0, **headers):
        browser = browsers.setdefault(person, sign_in(person))
        with at(tonight.starts_at + minutes * MINUTE):
            data = {"csrf_token": browser.token()}
            return browser.post(f"/meetings/{tonight.id}/{name}", data=data, headers=headers)

    return button


@pytest.fixture
def room(sign_in, tonight):
    """`room(charlie, 5)`: the sandbox's room as the person sees it then."""

    def look(person, minutes=0):
        with at(tonight.starts_at + minutes * MINUTE):
            return sign_in(person).get(f"/sandbox/rooms/{tonight.id}")

    return look


def mine(postgres, person, column):
    return one(postgres, f"select {column} from meeting_attendances where user_id = %s", person.id)


# --- when the door is open -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-10, -1, 0, 30, 59])
def test_the_door_is_open_from_ten_minutes_before_to_the_end(press, superuser, charlie, tonight, minutes):
    answer = press("join", charlie, minutes)
    assert (answer.status_code, answer.location) == (303, "/sandbox/room")
    assert one(superuser, INSIDE) == 1


def test_before_that_it_is_closed_and_nothing_is_answered(press, superuser, charlie):
    answer = press("join", charlie, -11)
    assert (
        answer.status_code == 409 and "The doors are not open yet." in words(answer) and "Opens 20:50" in words(answer)
    )
    assert one(superuser, "select count(*) from meeting_attendances") == 0


def test_afterwards_it_is_closed(press, superuser, charlie):
    answer = press("join", charlie, 60)
    assert answer.status_code == 409 and "This meeting is over." in words(answer)
    assert one(superuser, "select count(*) from meeting_attendances") == 0


@pytest.mark.parametrize(("minutes", "said"), [(-10, "Join early"), (0, "Join the meeting")])
def test_the_button_is_there_when_the_door_is_open(sign_in, charlie, tonight, minutes, said):
    with at(tonight.starts_at + minutes * MINUTE):
        pages = [sign_in(charlie).get(path) for path in ("/meetings", f"/meetings/{tonight.id}")]
    assert all(f'action="/meetings/{tonight.id}/join"' in page.text and said in words(page) for page in pages)


@pytest.mark.parametrize("minutes", [-11, 60])
def test_the_button_is_not_there_when_it_is_closed(sign_in, charlie, tonight, minutes):
    with at(tonight.starts_at + minutes * MINUTE):
        assert "/join" not in sign_in(charlie).get(f"/meetings/{tonight.id}").text


def test_a_cancelled_meeting_has_no_door(press, superuser, charlie):
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'The host is ill.'")
    answer = press("join", charlie)
    assert answer.status_code == 409 and "This meeting is cancelled." in words(answer)


def test_looking_at_the_door_does_not_open_it(sign_in, charlie, superuser, tonight):
    with at(tonight.starts_at):
        assert sign_in(charlie).get(f"/meetings/{tonight.id}/join").status_code == 405
    assert one(superuser, INSIDE) == 0


# --- for whom --------------------------------------------------------------------------------------------------------


def test_access_that_lapsed_meanwhile_closes_the_door(press, superuser, charlie, tonight):
    invite(superuser, charlie, tonight, answer="accepted")
    superuser.execute("update users set access_until = %s where id = %s", [tonight.starts_at, charlie.id])
    assert press("join", charlie, -1).status_code == 303
    press("leave", charlie, -1)
    answer = press("join", charlie, 0)
    assert answer.status_code == 409 and "You need a plan to take a place." in words(answer)
    assert "/join" not in answer.text


@pytest.mark.parametrize("before", [None, "invited", "declined", "withdrawn", "offered"])
def test_who_has_no_place_yet_takes_a_free_one_at_the_door(press, superuser, charlie, tonight, before):
    if before:
        expires = tonight.starts_at + HOUR if before == "offered" else None
        invite(superuser, charlie, tonight, answer=before, offer_expires_at=expires)
    assert press("join", charlie).status_code == 303
    assert mine(superuser, charlie, "answer") == "accepted"


def test_at_a_full_meeting_the_door_stays_closed(press, superuser, alice, bob, charlie):
    press("join", alice)
    press("join", bob)
    answer = press("join", charlie, 5)
    assert answer.status_code == 409 and "Every place is taken." in words(answer) and "Join the line" in words(answer)
    assert one(superuser, INSIDE) == 2 and mine(superuser, charlie, "answer") is None


def test_who_waits_comes_in_when_somebody_gives_a_place_back(press, superuser, sign_in, alice, bob, charlie, tonight):
    for person in (alice, bob):
        press("join", person)
    invite(superuser, charlie, tonight, answer="waitlisted", waiting_since=tonight.starts_at - HOUR)
    assert press("join", charlie, 1).status_code == 409
    with at(tonight.starts_at + 2 * MINUTE):
        sign_in(alice).submit(f"/meetings/{tonight.id}/answer", answer="declined")
    assert press("join", charlie, 3).status_code == 303


def test_a_request_does_not_open_the_door(press, superuser, charlie, tonight):
    superuser.execute("update meetings set requires_approval = true")
    answer = press("join", charlie)
    assert answer.status_code == 409 and "The host approves each person." in words(answer)
    assert one(superuser, "select count(*) from meeting_attendances") == 0


def test_who_was_refused_stays_outside(press, superuser, charlie, tonight):
    invite(superuser, charlie, tonight, answer="rejected")
    assert "The host has answered that there is no place for you in this meeting." in words(press("join", charlie))


def test_who_asked_waits_for_the_answer_at_the_door(press, superuser, sign_in, charlie, tonight):
    superuser.execute("update meetings set requires_approval = true, host_name = 'Ingrid Moen'")
    invite(superuser, charlie, tonight, answer="requested")
    with at(tonight.starts_at):
        assert "Ingrid Moen has not answered you yet." in words(sign_in(charlie).get(f"/meetings/{tonight.id}"))


# --- with what -------------------------------------------------------------------------------------------------------

SAFARI, CHROME = "AppleWebKit/605.1.15 (KHTML, like Gecko)", "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
IOS = "like Mac OS X) " + SAFARI
DEVICES = {
    "iPhone": (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 {IOS} Version/17.5 Mobile/15E148 Safari/604.1", "mobile"),
    "iPad": (f"Mozilla/5.0 (iPad; CPU OS 12_5 {IOS} Version/12.1 Mobile/15E148 Safari/604.1", "tablet"),
    "iPad-as-a-Mac": (
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI} Version/17.5 Safari/605.1.15",
        "unknown",
    ),
    "Android-tablet": (f"Mozilla/5.0 (Linux; Android 13; SM-X700) {CHROME} Safari/537.36", "tablet"),
    "phone": (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36", "mobile"),
    "phablet": (f"Mozilla/5.0 (Linux; Android 12; SM-N975F) {CHROME} Mobile Safari/537.36", "mobile"),
    "Firefox-phone": ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "mobile"),
    "Windows": (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "desktop"),
    "Linux": ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "desktop"),
    "television": (f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {CHROME} TV Safari/537.36", "unknown"),
    "bot": ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "unknown"),
    "curl": ("curl/8.5.0", "unknown"),
    "nothing": ("", "unknown"),
    "rubbish": ("\x7f\u00ff<script>", "unknown"),
}


@pytest.mark.parametrize(("agent", "kind"), DEVICES.values(), ids=DEVICES)
def test_the_kind_of_device_is_noted(press, superuser, charlie, agent, kind):
    press("join", charlie, **{"User-Agent": agent})
    assert one(superuser, "select device_type from presences") == kind
    assert mine(superuser, charlie, "device_type") == kind


def test_a_browsers_own_hint_comes_before_its_name(press, superuser, charlie):
    press("join", charlie, **{"User-Agent": DEVICES["Windows"][0], "Sec-CH-UA-Mobile": "?1"})
    assert one(superuser, "select device_type from presences") == "mobile"


# --- inside ----------------------------------------------------------------------------------------------------------


def test_the_room_is_for_those_who_came_through_the_door(press, room, charlie, tonight):
    assert room(charlie).location == f"/meetings/{tonight.id}"
    press("join", charlie)
    answer = room(charlie)
    assert "You are in the sandbox room" in words(answer) and "1 person is here now" in words(answer)


def test_the_room_of_somebody_elses_private_meeting_is_nowhere(room, superuser, charlie):
    superuser.execute("update meetings set is_private = true")
    assert room(charlie).status_code == 404


def test_coming_twice_is_once(press, superuser, charlie):
    press("join", charlie, 0)
    press("join", charlie, 5)
    assert one(superuser, "select count(*) from presences") == 1
    assert one(superuser, "select attendee_count from meetings") == 1
    assert one(superuser, "select count(*) from system_logs where operation = 'meeting.joined'") == 1


def test_leaving_is_noted_and_the_door_stays_open(press, room, superuser, charlie, tonight):
    press("join", charlie)
    assert press("leave", charlie, 20).location == f"/meetings/{tonight.id}"
    assert one(superuser, INSIDE) == 0 and mine(superuser, charlie, "left_at") == tonight.starts_at + 20 * MINUTE
    assert room(charlie, 21).status_code == 303
    assert press("join", charlie, 25).status_code == 303


def test_leaving_twice_is_once(press, superuser, charlie, tonight):
    press("join", charlie)
    for minutes in (20, 30):
        assert press("leave", charlie, minutes).status_code == 303
    assert mine(superuser, charlie, "left_at") == tonight.starts_at + 20 * MINUTE
    assert one(superuser, "select count(*) from system_logs where operation = 'meeting.left'") == 1


def test_who_came_can_say_that_they_left(press, sign_in, charlie, tonight):
    def buttons():
        with at(tonight.starts_at + 5 * MINUTE):
            return words(sign_in(charlie).get(f"/meetings/{tonight.id}"), "body").count("I have left")

    assert buttons() == 0
    press("join", charlie)
    assert buttons() == 1


def test_leaving_says_so_on_the_next_page(press, sign_in, charlie, tonight):
    browser = sign_in(charlie)
    with at(tonight.starts_at):
        browser.submit(f"/meetings/{tonight.id}/join")
        answer = browser.get(browser.submit(f"/meetings/{tonight.id}/leave").location)
    assert "You left the room. The door stays open until the end." in words(answer)


def test_minutes_are_those_the_platform_saw_and_not_those_between_clicks(press, superuser, charlie, tonight):
    for minutes, button in ((-5, "join"), (10, "leave"), (20, "join"), (50, "leave")):
        press(button, charlie, minutes)
    assert mine(superuser, charlie, "join_duration") is None
    assert mine(superuser, charlie, "joined_at") == tonight.starts_at - 5 * MINUTE
    assert mine(superuser, charlie, "left_at") == tonight.starts_at + 50 * MINUTE
    for since, until in ((-4, 10), (20, 50)):
        seen(superuser, charlie, tonight, since, until)
    assert mine(superuser, charlie, "join_duration") == 14 + 30
    assert mine(superuser, charlie, "joined_at") == tonight.starts_at - 4 * MINUTE


def test_two_devices_at_once_do_not_count_twice(press, superuser, charlie, tonight):
    press("join", charlie)
    seen(superuser, charlie, tonight, 0, 30)
    seen(superuser, charlie, tonight, 10, 20, device="mobile")
    assert mine(superuser, charlie, "join_duration") == 30


def test_who_was_there_reads_it_afterwards(press, sign_in, superuser, charlie, tonight):
    press("join", charlie)
    seen(superuser, charlie, tonight, 0, 42)
    with at(tonight.ends_at + MINUTE):
        answer = sign_in(charlie).get(f"/meetings/{tonight.id}")
    assert "You stayed 42 minutes." in words(answer) and "1 person came." in words(answer)


def test_who_clicked_and_was_not_measured_reads_that_they_came(press, sign_in, charlie, tonight):
    press("join", charlie)
    with at(tonight.ends_at + MINUTE):
        answer = sign_in(charlie).get(f"/meetings/{tonight.id}")
    assert "You came" in words(answer) and "You stayed" not in words(answer)


# --- the heartbeat ---------------------------------------------------------------------------------------------------


def test_the_page_in_view_tells_that_its_reader_is_there(press, superuser, charlie, tonight):
    press("join", charlie)
    assert press("here", charlie, 10).status_code == 204
    assert one(superuser, "select seen_at from presences") == tonight.starts_at + 10 * MINUTE


def test_a_page_that_fell_silent_is_no_departure(press, worker_app, superuser, charlie, tonight):
    press("join", charlie)
    press("here", charlie, 10)
    do(worker_app, jobs.sweep, tonight.starts_at + 59 * MINUTE)
    assert one(superuser, INSIDE) == 1
    do(worker_app, jobs.sweep, tonight.ends_at + 4 * HOUR)
    assert one(superuser, INSIDE) == 0 and mine(superuser, charlie, "left_at") == tonight.ends_at


def test_a_heartbeat_of_somebody_outside_is_nothing(press, superuser, charlie):
    assert press("here", charlie).status_code == 204
    assert one(superuser, "select count(*) from presences") == 0
