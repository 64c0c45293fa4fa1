"""Through the door and out again, and afterwards who came; on the real functions."""

from datetime import timedelta

import pytest

from portal import clock
from tests.support.cast import invite
from tests.support.presence import has_room, seen
from tests.support.waitlist import Waitlist, one

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def door(line):
    return Door(line)


class Door:
    """Supper's door, ten minutes before the start and then on."""

    doors_minutes = 10

    def __init__(self, line):
        self.line, self.meeting = line, line.meeting

    def opens(self, person, minute, device="desktop"):
        """Knock `minute` minutes after the start; why not, or None."""
        with clock.at(self.time(minute)), self.line.as_(person) as db:
            return one(db, "select refusal from join_meeting(%s, %s, %s)", self.meeting.id, device, self.doors_minutes)

    def closes_behind(self, person, minute):
        with clock.at(self.time(minute)), self.line.as_(person) as db:
            return one(db, "select leave_meeting(%s)", self.meeting.id)

    def was_inside(self, person, since, until, device="desktop"):
        """A stay as a provider reports it, whatever our own door saw."""
        seen(self.line.postgres, person, self.meeting, since, until, device=device)

    def time(self, minute):
        return self.meeting.starts_at + minute * MINUTE

    def has_room(self, made_by="zoom", **columns):
        has_room(self.line.postgres, self.meeting, made_by, **columns)

    def settle(self):
        with self.line.as_("worker") as db:
            db.execute("select settle(%s, %s)", [self.meeting.id, self.time(90)])


def test_the_door_opens_ten_minutes_before(door, alice):
    assert door.opens(alice, -11) == "early"
    assert door.opens(alice, -10) is None
    assert door.line.of(alice, "joined_at") == door.time(-10)


def test_the_door_is_an_hour_early_at_most_whatever_the_caller_says(door, alice):
    door.doors_minutes = 100_000
    assert door.opens(alice, -61) == "early" and door.opens(alice, -59) is None


def test_an_invited_person_takes_a_seat_at_the_door(door, alice):
    assert door.opens(alice, 0, "tablet") is None
    assert door.line.answers([alice]) == ["accepted"]
    assert door.line.of(alice, "device_type") == "tablet"


def test_at_the_door_of_a_full_room_one_is_told_so(door, alice, bob, charlie):
    door.line.accepts(alice, bob)
    assert door.opens(charlie, 0) == "full"
    assert one(door.line.postgres, "select count(*) from presences") == 0


def test_nobody_without_access_comes_in(door, eve, alice, superuser):
    assert door.opens(eve, 0) == "no-access"
    door.line.accepts(alice)
    superuser.execute("update users set access_until = %s where id = %s", [door.time(-1), alice.id])
    assert door.opens(alice, 0) == "no-access"


def test_nobody_comes_in_unapproved(as_, superuser, circle, now, alice):
    assert Door(Waitlist(as_, superuser, circle, now)).opens(alice, 0) == "requested"


def test_two_devices_are_one_stay(door, alice, superuser):
    door.opens(alice, 0, "desktop")
    door.opens(alice, 1, "mobile")
    assert one(superuser, "select count(*) from presences") == 1
    assert one(superuser, "select attendee_count from meetings where id = %s", door.meeting.id) == 1


def test_who_leaves_and_returns_keeps_the_first_coming_and_the_last_going(door, alice):
    door.opens(alice, 0)
    assert door.closes_behind(alice, 10)
    door.opens(alice, 20)
    assert door.line.of(alice, "left_at") is None
    door.closes_behind(alice, 25)
    assert (door.line.of(alice, "joined_at"), door.line.of(alice, "left_at")) == (door.time(0), door.time(25))
    assert door.line.of(alice, "join_duration") is None  # a click says that she came, not how long she stayed


def test_leaving_twice_is_once(door, alice, bob):
    door.opens(alice, 0)
    assert [door.closes_behind(alice, 10), door.closes_behind(alice, 30), door.closes_behind(bob, 10)] == [
        True,
        False,
        False,
    ]
    assert door.line.of(alice, "left_at") == door.time(10)


@pytest.mark.parametrize(
    ("stays", "minutes"),
    [
        ([(0, 30)], 30),
        ([(0, 30), (10, 40)], 40),  # two devices at once do not count double
        ([(0, 10), (20, 30)], 20),
        ([(0, 60), (10, 20)], 60),
        ([(0, 10), (10, 20)], 20),
        ([(-60, 0)], 40),  # from the host's door
        ([(50, 400)], 250),  # to four hours after
        ([(40, None)], 20),  # an open stay ends with the meeting
        ([(310, 320)], None),
        ([(20, 10)], 0),  # as Zoom's reports have it now and then
        ([], None),
    ],
)
def test_minutes_are_the_union_of_the_stays(door, alice, stays, minutes):
    invite(door.line.postgres, door.meeting, alice)
    for since, until in stays:
        door.was_inside(alice, since, until)
    door.settle()
    assert door.line.of(alice, "join_duration") == minutes


def test_an_open_stay_ends_when_the_room_did(door, alice):
    door.has_room(ended_at=door.time(30))
    door.was_inside(alice, 0, None)
    door.settle()
    assert door.line.of(alice, "join_duration") == 30 and door.line.of(alice, "left_at") == door.time(30)


def test_the_best_source_that_saw_somebody_counts_alone(door, alice, bob):
    for person in (alice, bob):
        door.opens(person, 0)
    door.was_inside(alice, 0, 60)
    seen(door.line.postgres, alice, door.meeting, 5, 25, source="report")
    seen(door.line.postgres, bob, door.meeting, 0, 20)
    seen(door.line.postgres, bob, door.meeting, 10, 30, source="poll")
    door.settle()
    assert [door.line.of(person, "join_duration") for person in (alice, bob)] == [20, 30]
    assert door.line.of(alice, "joined_at") == door.time(5)


def test_a_silent_page_is_no_departure(door, alice, superuser):
    door.opens(alice, 0)
    with clock.at(door.time(7)), door.line.as_(alice) as db:
        db.execute("select touch_presence(%s)", [door.meeting.id])
    assert one(superuser, "select seen_at from presences") == door.time(7)
    with clock.at(door.time(50)), door.line.as_(alice) as db:
        assert one(db, "select here from boards(array[%s]::uuid[])", door.meeting.id) == 1


def test_saying_that_one_left_does_not_outweigh_the_platform(door, alice):
    door.opens(alice, 0)
    door.was_inside(alice, 0, None)
    assert door.closes_behind(alice, 10)
    with clock.at(door.time(20)), door.line.as_(alice) as db:
        assert one(db, "select here from boards(array[%s]::uuid[])", door.meeting.id) == 1


# --- afterwards ------------------------------------------------------------------------------------------------------


def test_who_stayed_five_minutes_came(door, alice, bob):
    door.has_room()
    door.line.accepts(alice, bob)
    door.line.postgres.execute("update meetings set duration = 60 where id = %s", [door.meeting.id])
    door.was_inside(alice, 0, 5)
    door.was_inside(alice, 30, 60)
    door.was_inside(bob, 0, 4)
    door.settle()
    assert (door.line.of(alice, "status"), door.line.of(bob, "status")) == ("attended", "no_show")


def test_of_a_short_meeting_a_fifth_is_enough(door, alice, bob):
    door.has_room()
    door.line.accepts(alice, bob)
    door.was_inside(bob, 0, 2)
    door.was_inside(alice, 0, 10)
    door.settle()
    assert (door.line.of(alice, "status"), door.line.of(bob, "status")) == ("attended", "attended")
    assert one(door.line.postgres, "select actual_duration from meetings where id = %s", door.meeting.id) == 10


def test_declined_but_came_keeps_both(door, alice):
    door.opens(alice, 0)
    door.closes_behind(alice, 30)
    door.line.declines(alice, at=door.time(40))
    door.settle()
    assert (door.line.of(alice, "answer"), door.line.of(alice, "status")) == ("declined", "attended")


def test_who_never_answered_and_did_not_come_is_no_no_show(door, alice, bob, charlie, superuser):
    door.has_room()
    invite(superuser, door.meeting, alice)
    door.line.accepts(bob)
    door.was_inside(charlie, 0, 60)
    door.settle()
    assert (door.line.of(alice, "status"), door.line.of(bob, "status")) == ("invited", "no_show")


def test_settling_twice_is_once_and_keeps_a_correction(door, alice, bob, superuser):
    door.has_room()
    door.line.accepts(alice)
    door.was_inside(bob, 0, 60)
    door.settle()
    assert door.line.of(alice, "status") == "no_show"
    superuser.execute(
        "update meeting_attendances set outcome = 'attended', corrected_at = now(), correction = 'She was.'"
        " where user_id = %s",
        [alice.id],
    )
    door.settle()
    assert door.line.of(alice, "status") == "attended"


def test_a_cancelled_meeting_has_no_no_shows(door, alice):
    door.line.accepts(alice)
    door.line.change(status="cancelled", cancellation_reason="The host is ill.")
    door.settle()
    assert door.line.of(alice, "status") == "accepted"


def test_settling_ends_the_stays_still_open(door, alice, bob):
    door.opens(alice, 0)
    door.was_inside(bob, 0, None)
    door.settle()
    assert [door.line.of(person, "left_at") for person in (alice, bob)] == [door.meeting.ends_at] * 2
    assert [door.line.of(person, "join_duration") for person in (alice, bob)] == [None, 60]
