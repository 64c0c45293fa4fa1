"""Where the host approves each person: asking, granting, refusing."""

from datetime import timedelta

import pytest
from psycopg import errors

from tests.support.waitlist import Waitlist

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def asked(as_, superuser, circle, now, people):
    """Circle with one place, which wants approval."""
    line = Waitlist(as_, superuser, circle, now)
    line.change(max_attendees=1)
    return line


def test_where_approval_is_wanted_a_yes_is_a_question(asked, alice):
    assert asked.says(alice, "accepted") == ("requested", True, None, [])
    assert asked.says(alice, "accepted") == ("requested", False, None, [])
    assert asked.numbers() == (0, 0, 1)


def test_an_admin_grants_the_request(asked, alice, dora):
    asked.accepts(alice)
    assert asked.decides(dora, alice, accept=True) == "accepted"
    assert asked.numbers() == (1, 0, 0)


def test_a_rejection_has_a_reason_and_is_the_last_word(asked, alice, dora):
    asked.accepts(alice)
    assert asked.decides(dora, alice, accept=False, why="Only for new members.") == "rejected"
    assert asked.of(alice, "reason") == "Only for new members."
    assert asked.says(alice, "accepted") == ("rejected", False, "rejected", [])
    assert asked.declines(alice) == ["rejected"]


def test_who_is_approved_when_it_is_full_waits_and_is_not_asked_again(asked, alice, bob, dora):
    asked.accepts(alice, bob)
    assert [asked.decides(dora, person, accept=True) for person in (alice, bob)] == ["accepted", "waitlisted"]
    assert asked.says(bob, "accepted") == ("waitlisted", False, None, [])
    assert asked.says(alice, "declined").offered == [bob.id]
    assert asked.accepts(bob) == ["accepted"]


def test_who_is_approved_does_not_pass_those_who_wait(asked, alice, bob, charlie, dora):
    asked.accepts(alice, bob, charlie)
    asked.decides(dora, alice, accept=True)
    asked.decides(dora, bob, accept=True)
    asked.change(max_attendees=2)
    assert asked.decides(dora, charlie, accept=True) == "waitlisted"


def test_a_request_is_decided_once(asked, alice, bob, dora):
    asked.accepts(alice)
    asked.decides(dora, alice, accept=True)
    assert asked.decides(dora, alice, accept=False) is None
    assert asked.decides(dora, bob, accept=True) is None
    assert asked.answers([alice, bob]) == ["accepted", None]


def test_a_request_for_a_cancelled_meeting_is_not_granted(asked, alice, dora):
    asked.accepts(alice)
    asked.change(status="cancelled", cancellation_reason="The host is ill.")
    assert asked.decides(dora, alice, accept=True) is None
    assert asked.answers([alice]) == ["requested"]


def test_a_request_takes_the_seat_of_an_offer_that_ran_out(asked, alice, bob, charlie, dora):
    asked.accepts(alice, bob, charlie)
    asked.decides(dora, alice, accept=True)
    asked.decides(dora, bob, accept=True)
    asked.declines(alice)
    asked.now = asked.of(bob, "offer_expires_at")
    assert asked.decides(dora, charlie, accept=True) == "accepted"
    assert asked.answers([bob, charlie]) == ["withdrawn", "accepted"]


def test_a_decision_passes_on_what_is_free(asked, alice, bob, dora):
    asked.accepts(alice, bob)
    for person in (alice, bob):
        asked.decides(dora, person, accept=True)
    asked.change(max_attendees=2)
    assert asked.decides(dora, alice, accept=True) is None
    assert asked.answers([alice, bob]) == ["accepted", "offered"]


def test_who_has_no_access_any_more_is_given_no_place(asked, superuser, alice, dora):
    asked.accepts(alice)
    superuser.execute("update users set access_until = now() - interval '1 second' where id = %s", [alice.id])
    assert asked.decides(dora, alice, accept=True) == "withdrawn"
    assert asked.of(alice, "reason") == "Your access ended before it."


def test_in_the_last_hour_a_request_that_is_granted_passes_the_line(asked, alice, bob, charlie, dora):
    asked.accepts(alice, bob, charlie)
    for person in (alice, bob):
        asked.decides(dora, person, accept=True)
    asked.now = asked.meeting.starts_at - HOUR / 2
    asked.declines(alice)
    assert asked.decides(dora, charlie, accept=True) == "accepted"


def test_members_do_not_approve(asked, alice, bob):
    asked.accepts(alice)
    with pytest.raises(errors.InsufficientPrivilege):
        asked.decides(bob, alice, accept=True)
