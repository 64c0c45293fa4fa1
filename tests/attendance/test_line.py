"""Seats, the line behind them, and who came: every sentence of the rules, on the real functions."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from psycopg import errors

from tests.conftest import BECOME, TEST_DATA
from tests.support import server
from tests.support.cast import assemble, crowd, invite, plan_meeting
from tests.support.line import Line, one

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def line(as_, superuser, supper, now, people):
    """The line for supper, which has two places."""
    return Line(as_, superuser, supper, now)


@pytest.fixture
def full(line, alice, bob):
    """Supper with Alice and Bob at it, and so full."""
    assert line.accepts(alice, bob) == ["accepted", "accepted"]
    return line


# --- seats -----------------------------------------------------------------------------------------------------------


def test_a_yes_takes_a_seat(line, alice):
    assert line.says(alice, "accepted") == ("accepted", True, None, [])
    assert line.numbers() == (1, 0, 0)


def test_the_last_seat_goes_to_one_of_two(line, alice, bob, charlie):
    assert line.accepts(alice, bob, charlie) == ["accepted", "accepted", "waitlisted"]
    assert line.numbers() == line.counted() == (2, 1, 0)


def test_as_many_come_as_like_where_there_is_no_limit(as_, superuser, quiet, now, people):
    many = crowd(superuser, 60)
    assert set(Line(as_, superuser, quiet, now).accepts(*many)) == {"accepted"}


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


# --- offers ----------------------------------------------------------------------------------------------------------


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
    assert (full.tend(late), full.tend(late)) == ([dora.id], [])
    assert full.of(charlie, "reason") == "The offer ran out."


# --- the last hour ---------------------------------------------------------------------------------------------------


def test_in_the_last_hour_nobody_is_offered_the_seat(full, alice, charlie):
    full.accepts(charlie)
    last_hour = full.meeting.starts_at - HOUR + MINUTE
    assert full.says(alice, "declined", last_hour).offered == []
    assert full.tend(last_hour) == []


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


# --- who is refused --------------------------------------------------------------------------------------------------


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
    full.tend(full.of(charlie, "offer_expires_at") + HOUR)
    assert full.answers([charlie]) == ["offered"]


def test_after_the_end_it_is_over(line, alice):
    assert line.says(alice, "accepted", line.meeting.ends_at - MINUTE).refusal is None
    assert line.says(alice, "declined", line.meeting.ends_at).refusal == "over"


def test_a_private_meeting_does_not_exist_for_the_uninvited(as_, superuser, secret, now, alice, bob):
    invite(superuser, secret, alice)
    line = Line(as_, superuser, secret, now)
    assert line.says(bob, "accepted") is None
    assert line.accepts(alice) == ["accepted"]


def test_an_unknown_wish_is_refused(line, alice):
    with pytest.raises(errors.CheckViolation) as refusal:
        line.says(alice, "attended")
    assert refusal.value.diag.constraint_name == "check_answer"


# --- approval --------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(as_, superuser, circle, now, people):
    """Circle with one place, which wants approval."""
    line = Line(as_, superuser, circle, now)
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


def test_members_do_not_approve(asked, alice, bob):
    asked.accepts(alice)
    with pytest.raises(errors.InsufficientPrivilege):
        asked.decides(bob, alice, accept=True)


# --- more and fewer places -------------------------------------------------------------------------------------------


def test_more_places_are_offered_in_the_order_of_joining(full, charlie, dora, superuser):
    guests = crowd(superuser, 3)
    for minute, person in enumerate([charlie, *guests, dora]):
        full.accepts(person, at=full.now + minute * MINUTE)
    full.change(max_attendees=5)
    assert set(full.tend()) == {charlie.id, guests[0].id, guests[1].id}
    assert full.numbers() == (5, 2, 0)


def test_who_comes_before_an_added_place_is_offered_stands_in_line(full, charlie, dora):
    full.accepts(charlie)
    full.change(max_attendees=3)
    assert full.accepts(dora, at=full.now + MINUTE) == ["waitlisted"]
    assert full.tend(full.now + MINUTE) == [charlie.id]


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
    assert set(full.tend()) == {charlie.id, dora.id}


# --- the race --------------------------------------------------------------------------------------------------------

SEATS, PEOPLE = 50, 64


@pytest.fixture
def storm(server_url):
    """A database of its own with a meeting of fifty places and a crowd at the door, which `rush()` lets in at once."""
    with server.new_database(server_url, TEST_DATA, "storm") as scratch, scratch.connect(autocommit=True) as postgres:
        assemble(postgres)
        yield Storm(scratch, postgres)


class Storm:
    def __init__(self, database, postgres):
        self.database, self.postgres = database, postgres
        self.meeting = plan_meeting(postgres, "Storm", max_attendees=SEATS)
        self.people = crowd(postgres, PEOPLE)
        self.start = threading.Barrier(PEOPLE)

    def rush(self, now):
        """Everybody on a connection of their own, all at the same moment; what each was told, in order of joining."""
        with ThreadPoolExecutor(PEOPLE) as pool:
            return list(pool.map(self._click, self.people, [now + timedelta(seconds=n) for n in range(PEOPLE)]))

    def _click(self, person, at):
        with self.database.connect("portal_web") as db:
            db.execute(BECOME, {"role": "portal_member", "user_id": str(person.id)})
            self.start.wait()
            try:
                return one(db, "select answer from answer_meeting(%s, 'accepted', %s)", self.meeting.id, at)
            except errors.CheckViolation as refusal:
                return refusal.diag.constraint_name

    def change_function(self, name, old, new):
        (source,) = self.postgres.execute("select pg_get_functiondef(%s::regproc)", [name]).fetchone()
        assert source.count(old) == 1
        self.postgres.execute(source.replace(old, new).encode())

    def pause_between_look_and_write(self):
        self.change_function("decide", "answer := becomes;", "perform pg_sleep(0.005); answer := becomes;")

    def forget_the_lock(self):
        self.change_function("answer_meeting", "for no key update", "")

    def rows(self, answer):
        return one(self.postgres, "select count(*) from meeting_attendances where answer = %s", answer)

    def counter(self):
        return one(self.postgres, "select seats_taken from meetings where id = %s", self.meeting.id)


@pytest.mark.parametrize("paused", [False, True], ids=["as it is", "with a pause between look and write"])
def test_fifty_seats_for_a_crowd_at_once(storm, now, paused):
    if paused:
        storm.pause_between_look_and_write()
    told = storm.rush(now)
    assert sorted(set(told)) == ["accepted", "waitlisted"]
    assert told.count("accepted") == storm.rows("accepted") == storm.counter() == SEATS
    waiting = storm.postgres.execute(
        "select user_id from meeting_attendances where answer = 'waitlisted' order by waiting_since, id"
    )
    assert [id_ for (id_,) in waiting] == [
        person.id for person, answer in zip(storm.people, told, strict=True) if answer == "waitlisted"
    ]


def test_without_lock_and_check_the_same_crowd_oversells(storm, now):
    """The control: with the guards off the race must be lost, or the test above proves nothing."""
    storm.pause_between_look_and_write()
    storm.forget_the_lock()
    storm.postgres.execute("alter table meetings drop constraint check_seats")
    storm.rush(now)
    assert storm.rows("accepted") > SEATS


def test_without_the_lock_the_check_still_has_the_last_word(storm, now):
    storm.pause_between_look_and_write()
    storm.forget_the_lock()
    told = storm.rush(now)
    assert told.count("check_seats") > 0
    assert storm.rows("accepted") == storm.counter() == SEATS


# --- through the door, and out again ---------------------------------------------------------------------------------


@pytest.fixture
def door(line):
    return Door(line)


class Door:
    """Supper's door, ten minutes before the start and then on."""

    def __init__(self, line):
        self.line, self.meeting = line, line.meeting

    def opens(self, person, minute, device="desktop"):
        """Knock `minute` minutes after the start; why not, or None."""
        with self.line.as_(person) as db:
            return one(
                db, "select refusal from join_meeting(%s, %s, 10, %s)", self.meeting.id, device, self.time(minute)
            )

    def closes_behind(self, person, minute):
        with self.line.as_(person) as db:
            return one(db, "select leave_meeting(%s, %s)", self.meeting.id, self.time(minute))

    def was_inside(self, person, since, until, device="desktop"):
        """A stay as a provider reports it, whatever our own door saw."""
        self.line.postgres.execute(
            "insert into presences (meeting_id, user_id, joined_at, left_at, device_type) values (%s, %s, %s, %s, %s)",
            [self.meeting.id, person.id, self.time(since), None if until is None else self.time(until), device],
        )

    def time(self, minute):
        return self.meeting.starts_at + minute * MINUTE

    def minutes(self, person):
        return one(self.line.postgres, "select minutes_inside(%s, %s)", self.meeting.id, person.id)

    def settle(self):
        with self.line.as_("worker") as db:
            db.execute("select settle(%s, %s)", [self.meeting.id, self.time(90)])


def test_the_door_opens_ten_minutes_before(door, alice):
    assert door.opens(alice, -11) == "early"
    assert door.opens(alice, -10) is None
    assert door.line.of(alice, "joined_at") == door.time(-10)


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
    assert Door(Line(as_, superuser, circle, now)).opens(alice, 0) == "requested"


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
    assert door.line.of(alice, "join_duration") == 15


def test_leaving_twice_is_once(door, alice, bob):
    door.opens(alice, 0)
    assert [door.closes_behind(alice, 10), door.closes_behind(alice, 30), door.closes_behind(bob, 10)] == [
        True, False, False,
    ]  # fmt: skip
    assert door.line.of(alice, "left_at") == door.time(10)


@pytest.mark.parametrize(
    ("stays", "minutes"),
    [
        ([(0, 30)], 30),
        ([(0, 30), (10, 40)], 40),  # two devices at once do not count double
        ([(0, 10), (20, 30)], 20),
        ([(0, 60), (10, 20)], 60),
        ([(0, 10), (10, 20)], 20),
        ([(-60, 0)], 30),  # from half an hour before
        ([(50, 400)], 250),  # to four hours after
        ([(40, None)], 20),  # an open stay ends with the meeting
        ([(310, 320)], 0),
        ([], 0),
    ],
)
def test_minutes_are_the_union_of_the_stays(door, alice, stays, minutes):
    for since, until in stays:
        door.was_inside(alice, since, until)
    assert door.minutes(alice) == minutes


def test_a_silent_browser_has_left_when_it_was_last_heard(door, alice, bob, superuser):
    door.opens(alice, 0)
    door.opens(bob, 0)
    with door.line.as_(alice) as db:
        db.execute("select still_here(%s, %s)", [door.meeting.id, door.time(7)])
    closed = one(superuser, "select close_presences(%s, null, %s, %s)", door.meeting.id, door.time(10), door.time(20))
    assert closed == 1  # Bob's browser never had a heartbeat, and is believed
    assert door.line.of(alice, "left_at") == door.time(7)


# --- afterwards ------------------------------------------------------------------------------------------------------


def test_who_stayed_five_minutes_came(door, alice, bob):
    door.opens(alice, 0)
    door.opens(bob, 0)
    door.closes_behind(alice, 5)
    door.closes_behind(bob, 4)
    door.line.postgres.execute("update meetings set duration = 60 where id = %s", [door.meeting.id])
    door.was_inside(alice, 30, 60)
    door.settle()
    assert (door.line.of(alice, "status"), door.line.of(bob, "status")) == ("attended", "no_show")


def test_of_a_short_meeting_a_fifth_is_enough(door, alice, bob):
    door.opens(alice, 0)
    door.opens(bob, 0)
    door.closes_behind(bob, 2)
    door.closes_behind(alice, 10)
    door.settle()
    assert (door.line.of(alice, "status"), door.line.of(bob, "status")) == ("attended", "attended")
    assert one(door.line.postgres, "select actual_duration from meetings where id = %s", door.meeting.id) == 10


def test_declined_but_came_keeps_both(door, alice):
    door.opens(alice, 0)
    door.closes_behind(alice, 30)
    door.line.declines(alice, at=door.time(40))
    door.settle()
    assert (door.line.of(alice, "answer"), door.line.of(alice, "status")) == ("declined", "attended")


def test_who_never_answered_and_did_not_come_is_no_no_show(door, alice, bob, superuser):
    invite(superuser, door.meeting, alice)
    door.line.accepts(bob)
    door.settle()
    assert (door.line.of(alice, "status"), door.line.of(bob, "status")) == ("invited", "no_show")


def test_settling_twice_is_once_and_keeps_a_correction(door, alice, superuser):
    door.line.accepts(alice)
    door.settle()
    superuser.execute("update meeting_attendances set outcome = 'attended' where user_id = %s", [alice.id])
    door.settle()
    assert door.line.of(alice, "status") == "attended"


def test_a_cancelled_meeting_has_no_no_shows(door, alice):
    door.line.accepts(alice)
    door.line.change(status="cancelled", cancellation_reason="The host is ill.")
    door.settle()
    assert door.line.of(alice, "status") == "accepted"


def test_settling_ends_the_stays_still_open(door, alice):
    door.opens(alice, 0)
    door.settle()
    assert door.line.of(alice, "left_at") == door.meeting.ends_at
    assert door.line.of(alice, "join_duration") == 60
