"""Saying yes and no on the pages: what is shown then, with scripts and without, and when the answer is no."""

from datetime import timedelta

import pytest

from portal.clock import at
from tests.support.reading import invite, one, plain, plan, rows, words

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STANDING = "select answer from meeting_attendances where meeting_id = %s and user_id = %s"


@pytest.fixture
def tonight(superuser, database):
    """Two places, two days from now, and so far from every midnight of today."""
    return plan(superuser, "Tonight", days=2, max_attendees=2, host_name="Ingrid Moen")


@pytest.fixture
def say(sign_in, tonight):
    """`say(alice, "accepted")`: her answer, by the form of the meeting's page, five hours before it starts."""
    browsers = {}

    def answer(person, wish, meeting=tonight, moment=None, **form):
        browser = browsers.setdefault(person, sign_in(person))
        with at(moment or meeting.starts_at - 5 * HOUR):
            return browser.submit(f"/meetings/{meeting.id}/answer", answer=wish, **form)

    return answer


@pytest.fixture
def shown(sign_in, tonight):
    """`shown(alice)`: what her page of the meeting says about her answer."""

    def look(person, meeting=tonight, moment=None):
        with at(moment or meeting.starts_at - 5 * HOUR):
            return my_answer(sign_in(person).get(f"/meetings/{meeting.id}"))

    return look


def my_answer(answer):
    """The leaf about the viewer's own answer."""
    return plain(answer.text.partition('id="my-answer">')[2].partition("</section>")[0])


@pytest.fixture
def full(say, alice, bob):
    """Alice and Bob have the two places."""
    say(alice, "accepted")
    say(bob, "accepted")


# --- yes and no ------------------------------------------------------------------------------------------------------


def test_a_yes_is_kept_and_said(say, shown, charlie):
    assert (
        shown(charlie)
        == "My answer No answer yet Tell us whether you are coming. Your answer to Tonight I’m coming Not this time"
    )
    assert say(charlie, "accepted").status_code == 303
    assert "You’re coming You said yes today at 16:00. You can change that any time before the end." in shown(charlie)


def test_a_no_is_kept_and_said(say, shown, charlie):
    say(charlie, "declined")
    assert "You said no You said no today at 16:00." in shown(charlie)


def test_an_answer_may_be_changed_until_the_end(say, superuser, charlie, tonight):
    for wish, moment in (("accepted", None), ("declined", tonight.starts_at), ("accepted", tonight.ends_at - MINUTE)):
        say(charlie, wish, moment=moment)
        assert one(superuser, STANDING, tonight.id, charlie.id) == wish


def test_the_same_answer_twice_is_once(say, superuser, charlie, tonight):
    say(charlie, "accepted")
    say(charlie, "accepted", moment=tonight.starts_at)
    assert one(superuser, "select seats_taken from meetings") == 1
    assert one(superuser, "select responded_at from meeting_attendances") == tonight.starts_at - 5 * HOUR
    assert one(superuser, "select count(*) from system_logs where operation = 'answer.accepted'") == 1


def test_who_was_invited_to_a_private_meeting_is_asked(shown, superuser, charlie, tonight):
    superuser.execute("update meetings set is_private = true")
    invite(superuser, charlie, tonight)
    assert "Invited" in shown(charlie)


@pytest.mark.parametrize("wish", ["", "maybe", "offered", "ACCEPTED", "requested"])
def test_any_other_word_is_no_answer(say, superuser, charlie, wish):
    assert say(charlie, wish).status_code == 422
    assert one(superuser, "select count(*) from meeting_attendances") == 0


def test_an_answer_needs_the_token_of_its_form(sign_in, superuser, charlie, tonight):
    answer = sign_in(charlie).post(f"/meetings/{tonight.id}/answer", data={"answer": "accepted"})
    assert answer.status_code == 400 and one(superuser, "select count(*) from meeting_attendances") == 0


def test_an_answer_is_noted_in_the_log_in_ones_own_name(say, superuser, charlie, tonight):
    say(charlie, "accepted")
    row = superuser.execute("select operation, category, user_id, meeting_id from system_logs").fetchall()
    assert row == [("answer.accepted", "meeting", charlie.id, tonight.id)]


# --- the line --------------------------------------------------------------------------------------------------------


def test_in_a_full_meeting_one_joins_the_line(say, shown, full, charlie):
    assert "Every place is taken. You can join the line." in shown(charlie) and "Join the line" in shown(charlie)
    say(charlie, "accepted")
    assert "Waiting, first in line We write to you the moment a place opens." in shown(charlie)
    assert shown(charlie).endswith("Leave the line")


def test_the_place_in_the_line_is_each_readers_own(say, shown, full, charlie, dora, tonight):
    say(charlie, "accepted")
    say(dora, "accepted", moment=tonight.starts_at - 4 * HOUR)
    assert "first in line" in shown(charlie) and "second in line" in shown(dora, moment=tonight.starts_at - 3 * HOUR)
    say(charlie, "declined")
    assert "first in line" in shown(dora) and "No longer on the list" in shown(charlie)


def test_a_freed_place_is_offered_and_mailed(say, shown, full, work, mails, alice, charlie, tonight):
    say(charlie, "accepted")
    say(alice, "declined")
    assert "A place is yours until 20:00 today Take it, or pass it on to the next person." in shown(charlie)
    with at(tonight.starts_at - 5 * HOUR):
        work()
    (mail,) = mails(charlie.email)
    assert mail["subject"] == "A place is yours: Tonight" and f"https://localhost/meetings/{tonight.id}" in mail["text"]
    assert "until 20:00 in Istanbul" in mail["text"] and "Alice" not in mail["text"] + mail["html"]


def test_an_offer_is_mailed_once(say, full, work, mails, alice, charlie, tonight):
    say(charlie, "accepted")
    say(alice, "declined")
    for _ in range(2):
        with at(tonight.starts_at - 5 * HOUR):
            work()
    assert len(mails(charlie.email)) == 1


def test_an_offer_that_was_answered_meanwhile_is_not_mailed(say, full, work, mails, alice, charlie, tonight):
    say(charlie, "accepted")
    say(alice, "declined")
    say(charlie, "accepted")
    work()
    assert mails(charlie.email) == []


def test_an_offer_is_taken(say, shown, full, alice, charlie):
    say(charlie, "accepted")
    say(alice, "declined")
    say(charlie, "accepted")
    assert "You’re coming" in shown(charlie)


def test_an_offer_passed_on_is_the_next_persons(say, shown, full, alice, charlie, dora, tonight):
    say(charlie, "accepted")
    say(dora, "accepted", moment=tonight.starts_at - 299 * MINUTE)
    say(alice, "declined")
    say(charlie, "declined")
    assert "No longer on the list" in shown(charlie) and "A place is yours" in shown(dora)


def test_in_the_last_hour_the_first_to_click_has_the_place(say, shown, full, alice, charlie, tonight):
    late = tonight.starts_at - 40 * MINUTE
    say(charlie, "accepted")
    say(alice, "declined", moment=late)
    assert "A place is free now It goes to whoever takes it first." in shown(charlie, moment=late)
    say(charlie, "accepted", moment=late)
    assert "You’re coming" in shown(charlie, moment=late)


def test_in_the_last_hour_a_newcomer_is_shown_the_free_place_and_the_door(
    say, shown, sign_in, full, alice, charlie, dora, tonight
):
    late = tonight.starts_at - 5 * MINUTE
    say(charlie, "accepted")
    say(alice, "declined", moment=late)
    text = shown(dora, moment=late)
    assert "Every place is taken" not in text and "I’m coming" in text
    with at(late):
        hers = sign_in(dora)
        assert f"/meetings/{tonight.id}/join" in hers.get(f"/meetings/{tonight.id}").text
        assert hers.submit(f"/meetings/{tonight.id}/join").location.startswith("/sandbox/room")


def test_before_the_last_hour_a_free_place_is_the_lines(say, shown, superuser, full, charlie, dora, tonight):
    say(charlie, "accepted")
    superuser.execute("update meetings set max_attendees = 3")
    assert "Join the line" in shown(dora, moment=tonight.starts_at - HOUR)


# --- approval --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(superuser, database):
    """A meeting whose host answers each request; one place."""
    return plan(superuser, "Small", days=2, requires_approval=True, max_attendees=1, host_name="Ingrid Moen")


def test_where_the_host_approves_one_asks(say, shown, charlie, small):
    assert "Ingrid Moen approves each person." in shown(charlie, small) and "Ask for a place" in shown(charlie, small)
    say(charlie, "accepted", small)
    assert "Asked, waiting for Ingrid We write to you as soon as Ingrid has answered." in shown(charlie, small)


def test_a_request_may_be_taken_back_and_made_again(say, shown, superuser, charlie, small):
    say(charlie, "accepted", small)
    say(charlie, "declined", small)
    assert "No longer on the list" in shown(charlie, small)
    say(charlie, "accepted", small)
    assert one(superuser, "select request_count from meetings where title = 'Small'") == 1


@pytest.fixture
def decide(sign_in, superuser, dora, small):
    """`decide(charlie, "accept")`: the admin's word on a request, with a code that is fresh at that hour."""
    browser = sign_in(dora)
    superuser.execute("update sign_ins set proved_at = %s where user_id = %s", [small.starts_at - 4 * HOUR, dora.id])

    def word(person, decision, **form):
        with at(small.starts_at - 4 * HOUR):
            return browser.submit(f"/meetings/{small.id}/requests/{person.id}", decision=decision, **form)

    return word


def test_a_request_is_accepted_and_mailed(say, shown, decide, work, mails, charlie, small):
    say(charlie, "accepted", small)
    decide(charlie, "accept")
    assert "You’re coming" in shown(charlie, small)
    work()
    assert mails(charlie.email)[0]["subject"] == "You have a place: Small"


def test_a_request_is_refused_with_its_reason(say, shown, decide, work, mails, charlie, small):
    say(charlie, "accepted", small)
    decide(charlie, "reject", reason="Kept to people who came last week.")
    assert shown(charlie, small).startswith("My answer No place this time Kept to people who came last week.")
    work()
    (mail,) = mails(charlie.email)
    assert mail["subject"] == "No place this time: Small" and "Kept to people who came last week." in mail["text"]


def test_who_was_refused_cannot_ask_again(say, decide, charlie, small):
    say(charlie, "accepted", small)
    decide(charlie, "reject")
    answer = say(charlie, "accepted", small)
    assert (
        answer.status_code == 409
        and "The host has answered that there is no place for you in this meeting." in words(answer)
    )


def test_a_request_accepted_when_full_stands_in_the_line(say, shown, decide, work, mails, bob, charlie, small):
    for person in (bob, charlie):
        say(person, "accepted", small)
        decide(person, "accept")
    assert "Waiting, first in line" in shown(charlie, small)
    work()
    assert mails(charlie.email)[0]["subject"] == "You are in the line: Small"


# --- with scripts and without ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("view", "back"), [("row", "#answer-"), ("band", "#answer-"), ("page", "/"), ("", "/")])
def test_without_scripts_one_comes_back_to_the_page_one_was_on(say, charlie, tonight, view, back):
    answer = say(charlie, "accepted", view=view)
    assert (answer.status_code, answer.location) == (303, f"/meetings{back}{tonight.id}")


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ("row", "You’re coming Change your answer to Tonight"),
        ("band", "You said yes today at 16:00."),
        ("page", "1 of 2 places taken"),
    ],
)
def test_with_scripts_the_piece_comes_back_alone(say, charlie, tonight, view, said):
    answer = say(charlie, "accepted", htmx=True, view=view)
    assert answer.status_code == 200 and "<html" not in answer.text
    assert answer.text.count(f'id="answer-{tonight.id}"') == 1 and said in plain(answer.text)


def test_the_meetings_page_gets_its_door_along(say, charlie, tonight):
    answer = say(charlie, "accepted", htmx=True, view="page", moment=tonight.starts_at)
    assert '<hx-partial hx-target="#mine"' in answer.text and "Join the meeting" in answer.text


def test_a_boosted_request_gets_the_whole_page(sign_in, charlie, tonight):
    browser = sign_in(charlie)
    headers = {"HX-Request": "true", "HX-Request-Type": "full"}
    data = {"csrf_token": browser.token(), "answer": "accepted", "view": "row"}
    assert browser.post(f"/meetings/{tonight.id}/answer", data=data, headers=headers).status_code == 303


def test_a_settled_answer_in_a_list_can_be_changed_there(say, sign_in, charlie, tonight, superuser):
    plan(superuser, "Before", days=1)
    say(charlie, "declined", view="row")
    with at(tonight.starts_at - 30 * HOUR):
        row = rows(sign_in(charlie).get("/meetings"))[0]
    assert "You said no Change your answer to Tonight" in row


def test_what_depends_on_the_reader_is_asked_for_again(say, sign_in, charlie, tonight):
    say(charlie, "accepted")
    with at(tonight.starts_at):
        answer = sign_in(charlie).get(f"/meetings/{tonight.id}/mine")
    assert "Join the meeting" in answer.text and "You’re coming" in plain(answer.text) and "<html" not in answer.text


# --- when something came in between ----------------------------------------------------------------------------------


def cancel(postgres, _meeting, _person):
    postgres.execute("update meetings set status = 'cancelled', cancellation_reason = 'The host is ill.'")


def settle(postgres, _meeting, _person):
    postgres.execute("update meetings set status = 'completed'")


def lapse(postgres, meeting, person):
    postgres.execute("update users set access_until = %s where id = %s", [meeting.starts_at - 6 * HOUR, person.id])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (cancel, "This meeting is cancelled. There is nothing left to decide."),
        (settle, "This meeting is over."),
        (lapse, "You need a plan to take a place."),
    ],
)
@pytest.mark.parametrize(("htmx", "view"), [(False, "page"), (True, "row"), (True, "band"), (True, "page"), (True, "")])
def test_what_came_in_between_is_told_with_how_it_stands(
    say, superuser, charlie, tonight, change, sentence, htmx, view
):
    change(superuser, tonight, charlie)
    answer = say(charlie, "accepted", htmx=htmx, view=view)
    assert answer.status_code == 409 and sentence in plain(answer.text)
    assert ("<html" in answer.text) is (not htmx or not view) and 'value="accepted"' not in answer.text
    assert one(superuser, "select count(*) from meeting_attendances") == 0


def test_the_hour_is_over_by_the_clock(say, charlie, tonight):
    assert say(charlie, "accepted", moment=tonight.ends_at - MINUTE).status_code == 303
    answer = say(charlie, "declined", moment=tonight.ends_at)
    assert answer.status_code == 409 and "This meeting is over." in words(answer)


def test_a_place_is_given_back_without_access(say, superuser, charlie, tonight):
    say(charlie, "accepted")
    lapse(superuser, tonight, charlie)
    assert say(charlie, "declined").status_code == 303
    assert one(superuser, STANDING, tonight.id, charlie.id) == "declined"


def test_full_in_between_is_the_line_and_no_error(say, full, charlie):
    answer = say(charlie, "accepted", htmx=True, view="row")
    assert answer.status_code == 200 and "Waiting, first in line" in plain(answer.text)


LAST_PLACE_WENT = "The last place went a moment ago, so you are in the line."


def test_whose_yes_became_a_wait_is_told_why(say, full, charlie):
    answer = say(charlie, "place", htmx=True, view="row")
    assert answer.status_code == 200 and LAST_PLACE_WENT in plain(answer.text)
    assert "Waiting, first in line" in plain(answer.text)


def test_without_scripts_too(sign_in, full, charlie, tonight):
    hers = sign_in(charlie)
    with at(tonight.starts_at - 5 * HOUR):
        hers.submit(f"/meetings/{tonight.id}/answer", answer="place", view="row")
        assert LAST_PLACE_WENT in plain(hers.get("/meetings").text)


def test_who_meant_to_join_the_line_is_told_nothing_of_the_kind(say, sign_in, full, charlie, tonight):
    with at(tonight.starts_at - 5 * HOUR):
        assert 'value="place"' not in sign_in(charlie).get(f"/meetings/{tonight.id}").text
    assert LAST_PLACE_WENT not in plain(say(charlie, "accepted", htmx=True, view="row").text)


def test_an_answer_in_a_list_brings_the_count_beside_it(say, charlie, tonight):
    answer = say(charlie, "accepted", htmx=True, view="row")
    assert f'hx-target="#words-{tonight.id}"' in answer.text and "1 of 2 places" in plain(answer.text)


def test_what_is_asked_for_again_says_when_it_is_now(say, sign_in, superuser, charlie, tonight):
    superuser.execute("update meetings set start_time = '22:30', starts_at = starts_at + interval '90 minutes'")
    with at(tonight.starts_at - 5 * HOUR):
        moved = plain(sign_in(charlie).get(f"/meetings/{tonight.id}/mine").text)
    assert "22:30 to 23:30" in moved and "Opens 22:20" in moved and "Download for your calendar" in moved


def test_what_is_called_off_leaves_no_entry_for_a_calendar(sign_in, superuser, charlie, tonight):
    cancel(superuser, tonight, charlie)
    again = sign_in(charlie).get(f"/meetings/{tonight.id}/mine").text
    assert "live-when" in again and ".ics" not in again


def test_a_refusal_leaves_no_trace(say, superuser, charlie, tonight):
    cancel(superuser, tonight, charlie)
    say(charlie, "accepted")
    assert one(superuser, "select count(*) from system_logs") == 0
    assert one(superuser, "select count(*) from procrastinate_jobs") == 0


def test_who_signed_out_meanwhile_is_asked_to_sign_in(client, tonight):
    plainly = client.submit(f"/meetings/{tonight.id}/answer", answer="accepted")
    assert (plainly.status_code, plainly.location) == (303, "/sign-in")
    scripted = client.submit(f"/meetings/{tonight.id}/answer", htmx=True, answer="accepted")
    assert (scripted.status_code, scripted.headers["HX-Redirect"]) == (200, "/sign-in")
