"""Afterwards: who came, who did not, and of whom nobody knows; provisional first, final once the platform has reported."""

from datetime import timedelta

import pytest

from portal.attendance import jobs
from tests.support.presence import has_room, moment, seen
from tests.support.reading import do, invite, one, plan

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def tonight(superuser, people, alice, bob):
    """Two days from now; Alice and Bob said yes."""
    meeting = plan(superuser, "Tonight", days=2)
    for person in (alice, bob):
        invite(superuser, person, meeting, answer="accepted")
    return meeting


@pytest.fixture
def settled(worker_app, superuser, tonight):
    """`settled()`: the record an hour after the end, or so many hours."""

    def act(hours=1):
        do(worker_app, jobs.sweep, tonight.ends_at + hours * HOUR)
        return one(superuser, "select attendance_record from meetings")

    return act


def clicks(postgres, meeting, *people):
    """They pressed Join at the start."""
    for person in people:
        postgres.execute(
            "insert into presences (meeting_id, user_id, joined_at, device_type, source) values (%s, %s, %s, 'desktop', 'click')",
            [meeting.id, person.id, meeting.starts_at],
        )


def outcomes(postgres, *people):
    found = dict(postgres.execute("select user_id, outcome from meeting_attendances").fetchall())
    return [found.get(person.id) for person in people]


# --- a room at a platform --------------------------------------------------------------------------------------------


def test_who_said_yes_and_was_not_seen_did_not_come(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight)
    seen(superuser, alice, tonight, 0, 60)
    assert settled() == "provisional"
    assert outcomes(superuser, alice, bob) == ["attended", "no_show"]


def test_a_stranger_inside_is_enough_for_the_room_to_have_been_open(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight)
    superuser.execute("insert into participants (meeting_id, identity) values (%s, 'iPad')", [tonight.id])
    superuser.execute(
        "insert into presences (meeting_id, participant_id, source, session, joined_at, left_at, device_type)"
        " select meeting_id, id, 'event', '1', %s, %s, 'tablet' from participants",
        [moment(tonight, 0), moment(tonight, 60)],
    )
    assert settled() == "provisional" and outcomes(superuser, alice, bob) == ["no_show", "no_show"]
    assert one(superuser, "select actual_duration from meetings") == 60


def test_clicks_alone_at_a_platform_make_nobody_a_no_show(settled, superuser, alice, bob, charlie, dora, tonight):
    has_room(superuser, tonight)
    clicks(superuser, tonight, alice, charlie, dora)
    settled()
    assert outcomes(superuser, alice, bob, charlie) == ["attended", None, "attended"]


@pytest.mark.parametrize("ready", [None, timedelta(minutes=60)])
def test_a_room_that_never_stood_ready_makes_nobody_a_no_show(settled, superuser, alice, bob, tonight, ready):
    has_room(superuser, tonight, ready_at=ready and tonight.starts_at + ready)
    seen(superuser, alice, tonight, 0, 60)
    settled()
    assert outcomes(superuser, alice, bob) == ["attended", None]


def test_whose_access_had_ended_found_no_open_door(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight)
    superuser.execute("update users set access_until = %s where id = %s", [tonight.starts_at, bob.id])
    seen(superuser, alice, tonight, 0, 60)
    settled()
    assert outcomes(superuser, bob) == [None]


def test_the_host_is_no_no_show(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight)
    superuser.execute("update meetings set host_id = %s", [bob.id])
    seen(superuser, alice, tonight, 0, 60)
    settled()
    assert outcomes(superuser, bob) == [None]


# --- behind a typed link ---------------------------------------------------------------------------------------------


def test_behind_a_link_a_click_is_coming_and_for_how_long_nobody_knows(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight, "link")
    clicks(superuser, tonight, alice)
    assert settled() == "final"
    assert outcomes(superuser, alice, bob) == ["attended", None]
    assert one(superuser, "select join_duration from meeting_attendances where outcome = 'attended'") is None
    assert one(superuser, "select actual_duration from meetings") is None


def test_the_hosts_click_is_enough_for_a_no_show(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight, "link")
    superuser.execute("update meetings set host_id = %s", [alice.id])
    clicks(superuser, tonight, alice)
    settled()
    assert outcomes(superuser, alice, bob) == ["attended", "no_show"]


def test_and_so_are_those_of_two_others(settled, superuser, alice, bob, charlie, tonight):
    has_room(superuser, tonight, "link")
    clicks(superuser, tonight, alice, charlie)
    settled()
    assert outcomes(superuser, alice, bob, charlie) == ["attended", "no_show", "attended"]


# --- nothing to be seen ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made_by", ["link", "zoom", None])
def test_where_nobody_was_seen_nothing_is_recorded(settled, superuser, alice, bob, tonight, made_by):
    if made_by:
        has_room(superuser, tonight, made_by)
    assert settled() == "not_recorded"
    assert outcomes(superuser, alice, bob) == [None, None]
    assert one(superuser, "select status from meetings") == "completed"
    assert one(superuser, "select actual_duration from meetings") is None
    assert one(superuser, "select count(*) from meeting_statistics") == 0
    assert one(superuser, "select meetings_invited from user_engagement where id = %s", alice.id) == 0


# --- more is known later ---------------------------------------------------------------------------------------------


def test_a_late_report_says_who_came_after_all(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight)
    assert settled() == "not_recorded"
    seen(superuser, alice, tonight, 0, 55, source="report")
    superuser.execute("update rooms set reported_at = %s", [tonight.ends_at + HOUR])
    superuser.execute("select settle(%s, now())", [tonight.id])
    assert outcomes(superuser, alice, bob) == ["attended", "no_show"]
    assert one(superuser, "select attendance_record from meetings") == "final"


def test_what_is_provisional_changes_with_the_report(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight)
    seen(superuser, alice, tonight, 0, 60)
    settled()
    seen(superuser, bob, tonight, 10, 60, source="report")
    seen(superuser, alice, tonight, 0, 2, source="report")
    superuser.execute("update rooms set reported_at = %s", [tonight.ends_at + HOUR])
    assert settled(2) == "final"
    assert outcomes(superuser, alice, bob) == ["no_show", "attended"]


def test_after_the_last_try_it_is_final_with_what_there_is(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight, report_attempts=4)
    seen(superuser, alice, tonight, 0, 60)
    assert settled() == "final" and outcomes(superuser, alice, bob) == ["attended", "no_show"]


def test_an_admins_word_stays_whatever_is_reported(settled, superuser, alice, bob, tonight):
    has_room(superuser, tonight)
    seen(superuser, alice, tonight, 0, 60)
    settled()
    superuser.execute(
        "update meeting_attendances set outcome = 'attended', corrected_at = now(), correction = 'Dialled in.' where user_id = %s",
        [bob.id],
    )
    superuser.execute("update rooms set reported_at = now()")
    assert settled(2) == "final" and outcomes(superuser, bob) == ["attended"]
