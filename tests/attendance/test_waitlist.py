"""Seats and the line behind them: every sentence of the rules, on the real functions."""

from datetime import timedelta

import pytest
from psycopg import errors

from tests.support.cast import crowd, invite
from tests.support.waitlist import Waitlist

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


# --- seats ------------------------------------------------------------------------------------------------------------


def test_a_yes_takes_a_seat(line, alice):
    assert line.says(alice, "accepted") == ("accepted", True, None, [])
    assert line.numbers() == (1, 0, 0)


def test_the_last_seat_goes_to_one_of_two(line, alice, bob, charlie):
    assert line.accepts(alice, bob, charlie) == ["accepted", "accepted", "waitlisted"]
    assert line.numbers() == line.counted() == (2, 1, 0)


def test_as_many_come_as_like_where_there_is_no_limit(as_, superuser, quiet, now, people):
    many = crowd(superuser, 60)
    assert set(Waitlist(as_, superuser, quiet, now).accepts(*many)) == {"accepted"}


def test_saying_yes_twice_takes_one_seat(line, alice):
    line.says(alice, "accepted")
    assert line.says(alice, "accepted") == ("accepted", False, None, [])
    assert line.numbers() == (1, 0, 0)


def test_saying_no_twice_is_once(line, alice):
    assert line.says(alice, "declined").changed
    assert line.says(alice, "declined") == ("declined", False, None, [])


def test_who_waits_knows_the_place(full, charlie, dora, alice):
    full.accepts(charlie)
    full.accepts(dora, at=full.now + MINUTE)
    assert [full.place(person) for person in (charlie, dora, alice)] == [1, 2, None]


def test_asking_again_does_not_change_the_place(full, charlie, dora):
    full.accepts(charlie)
    full.accepts(dora, at=full.now + MINUTE)
    assert full.says(charlie, "accepted", full.now + 2 * MINUTE) == ("waitlisted", False, None, [])
    assert full.place(charlie) == 1


def test_leaving_the_line_twice_is_once(full, charlie):
    full.accepts(charlie)
    assert full.says(charlie, "declined") == ("withdrawn", True, None, [])
    assert full.says(charlie, "declined") == ("withdrawn", False, None, [])


def test_who_comes_back_to_the_line_stands_at_its_end(full, charlie, dora):
    full.accepts(charlie)
    full.accepts(dora, at=full.now + MINUTE)
    full.declines(charlie)
    full.accepts(charlie, at=full.now + 2 * MINUTE)
    assert (full.place(dora), full.place(charlie)) == (1, 2)


# --- offers -----------------------------------------------------------------------------------------------------------


def test_a_freed_seat_is_offered_to_the_first_in_line(full, alice, charlie, dora):
    full.accepts(charlie)
    full.accepts(dora, at=full.now + MINUTE)
    assert full.says(alice, "declined") == ("declined", True, None, [charlie.id])
    assert full.answers([charlie, dora]) == ["offered", "waitlisted"]


def test_an_offered_seat_is_held(full, alice, charlie, dora):
    full.accepts(charlie)
    full.declines(alice)
    assert full.accepts(dora) == ["waitlisted"]
    assert full.numbers() == (2, 1, 0)


def test_an_offer_is_taken_by_saying_yes(full, alice, charlie):
    full.accepts(charlie)
    full.declines(alice)
    assert full.says(charlie, "accepted") == ("accepted", True, None, [])
    assert full.of(charlie, "offer_expires_at") is None


def test_an_offer_passed_goes_to_the_next(full, alice, charlie, dora):
    full.accepts(charlie)
    full.accepts(dora, at=full.now + MINUTE)
    full.declines(alice)
    assert full.says(charlie, "declined") == ("withdrawn", True, None, [dora.id])


@pytest.mark.parametrize(
    ("before_start", "lasts"),
    [(20 * HOUR, 12 * HOUR), (6 * HOUR, 5 * HOUR), (65 * MINUTE, 15 * MINUTE), (60 * MINUTE, 15 * MINUTE)],
)
def test_an_offer_lasts_twelve_hours_to_an_hour_before_and_a_quarter_at_least(
    full, alice, charlie, before_start, lasts
):
    full.accepts(charlie)
    moment = full.meeting.starts_at - before_start
    full.declines(alice, at=moment)
    assert full.of(charlie, "offer_expires_at") == moment + lasts


def test_an_offer_that_ran_out_is_free_for_the_next_without_any_job(full, alice, charlie, dora, eve):
    full.accepts(charlie)
    full.accepts(dora, at=full.now + MINUTE)
    full.declines(alice)
    late = full.of(charlie, "offer_expires_at")
    assert full.says(charlie, "accepted", late) == ("waitlisted", True, None, [dora.id])
    assert full.answers([charlie, dora]) == ["waitlisted", "offered"]


def test_an_offer_holds_to_its_last_moment(full, alice, charlie):
    full.accepts(charlie)
    full.declines(alice)
    just_in_time = full.of(charlie, "offer_expires_at") - timedelta(microseconds=1)
    assert full.accepts(charlie, at=just_in_time) == ["accepted"]


def test_tending_the_line_passes_on_what_ran_out_once(full, alice, charlie, dora):
    full.accepts(charlie)
    full.accepts(dora, at=full.now + MINUTE)
    full.declines(alice)
    late = full.of(charlie, "offer_expires_at")
    assert (full.advance(late), full.advance(late)) == ([dora.id], [])
    assert full.of(charlie, "reason") == "The offer ran out."


# --- the last hour ----------------------------------------------------------------------------------------------------


def test_in_the_last_hour_nobody_is_offered_the_seat(full, alice, charlie):
    full.accepts(charlie)
    last_hour = full.meeting.starts_at - HOUR + MINUTE
    assert full.says(alice, "declined", last_hour).offered == []
    assert full.advance(last_hour) == []


def test_in_the_last_hour_the_first_to_click_has_it(full, alice, charlie, dora):
    full.accepts(charlie)
    full.accepts(dora, at=full.now + MINUTE)
    last_hour = full.meeting.starts_at - HOUR + MINUTE
    full.declines(alice, at=last_hour)
    assert full.accepts(dora, charlie, at=last_hour) == ["accepted", "waitlisted"]


def test_in_the_last_hour_a_newcomer_needs_one_click_not_two(full, alice, charlie, dora):
    """Had the newcomer to stand in line first, a second click would change what the first one did."""
    full.accepts(charlie)
    last_hour = full.meeting.starts_at - HOUR + MINUTE
    full.declines(alice, at=last_hour)
    assert full.accepts(dora, dora, charlie, at=last_hour) == ["accepted", "accepted", "waitlisted"]


# --- who is refused ---------------------------------------------------------------------------------------------------


def test_without_access_there_is_no_seat_but_a_no_is_heard(line, eve):
    assert line.says(eve, "accepted") == ("none", False, "no-access", [])
    assert line.declines(eve) == ["declined"]


def test_access_that_ends_before_the_answer_is_no_access(line, charlie, superuser):
    superuser.execute("update users set access_until = %s where id = %s", [line.now, charlie.id])
    assert line.says(charlie, "accepted").refusal == "no-access"


def test_a_cancelled_meeting_takes_no_answers_and_keeps_those_it_has(full, alice, charlie):
    full.change(status="cancelled", cancellation_reason="The host is ill.")
    assert full.says(charlie, "accepted").refusal == "cancelled"
    assert full.says(alice, "declined") == ("accepted", False, "cancelled", [])


def test_a_cancelled_meeting_keeps_an_offer_that_runs_out(full, alice, charlie):
    full.accepts(charlie)
    full.declines(alice)
    full.change(status="cancelled", cancellation_reason="The host is ill.")
    full.advance(full.of(charlie, "offer_expires_at") + HOUR)
    assert full.answers([charlie]) == ["offered"]


def test_after_the_end_it_is_over(line, alice):
    assert line.says(alice, "accepted", line.meeting.ends_at - MINUTE).refusal is None
    assert line.says(alice, "declined", line.meeting.ends_at).refusal == "over"


def test_a_private_meeting_does_not_exist_for_the_uninvited(as_, superuser, secret, now, alice, bob):
    invite(superuser, secret, alice)
    line = Waitlist(as_, superuser, secret, now)
    assert line.says(bob, "accepted") is None
    assert line.accepts(alice) == ["accepted"]


def test_an_unknown_wish_is_refused(line, alice):
    with pytest.raises(errors.CheckViolation) as refusal:
        line.says(alice, "attended")
    assert refusal.value.diag.constraint_name == "check_answer"


# --- more and fewer places --------------------------------------------------------------------------------------------


def test_more_places_are_offered_in_the_order_of_joining(full, charlie, dora, superuser):
    guests = crowd(superuser, 3)
    for minute, person in enumerate([charlie, *guests, dora]):
        full.accepts(person, at=full.now + minute * MINUTE)
    full.change(max_attendees=5)
    assert set(full.advance()) == {charlie.id, guests[0].id, guests[1].id}
    assert full.numbers() == (5, 2, 0)


def test_who_comes_before_an_added_place_is_offered_stands_in_line(full, charlie, dora):
    full.accepts(charlie)
    full.change(max_attendees=3)
    assert full.accepts(dora, at=full.now + MINUTE) == ["waitlisted"]
    assert full.advance(full.now + MINUTE) == [charlie.id]


def test_fewer_places_throw_nobody_out(full, alice, bob, charlie):
    full.accepts(charlie)
    full.change(max_attendees=1)
    assert full.answers([alice, bob]) == ["accepted", "accepted"]
    assert full.says(alice, "declined").offered == []
    assert full.says(bob, "declined").offered == [charlie.id]


def test_who_gives_up_a_kept_seat_cannot_have_it_back(full, alice):
    full.change(max_attendees=1)
    full.declines(alice)
    assert full.accepts(alice) == ["waitlisted"]


def test_no_limit_empties_the_line(full, charlie, dora):
    full.accepts(charlie, dora)
    full.change(max_attendees=None)
    assert set(full.advance()) == {charlie.id, dora.id}
