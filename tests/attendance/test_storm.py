"""A crowd at the door at once, with controls: without the guards it oversells."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import errors

from tests.conftest import BECOME, TEST_DATA
from tests.support import server
from tests.support.cast import assemble, crowd, plan_meeting
from tests.support.waitlist import one

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

    def rush(self):
        """Everybody on a connection of their own, all at the same moment; what each was told."""
        with ThreadPoolExecutor(PEOPLE) as pool:
            return list(pool.map(self._click, self.people))

    def _click(self, person):
        with self.database.connect("portal_web") as db:
            db.execute(BECOME, {"role": "portal_member", "user_id": str(person.id)})
            self.start.wait()
            try:
                return one(db, "select answer from rsvp(%s, 'accepted')", self.meeting.id)
            except errors.CheckViolation as refusal:
                return refusal.diag.constraint_name

    def change_function(self, name, old, new):
        (source,) = self.postgres.execute("select pg_get_functiondef(%s::regproc)", [name]).fetchone()
        assert source.count(old) == 1
        self.postgres.execute(source.replace(old, new).encode())

    def pause_between_look_and_write(self):
        self.change_function("decide_rsvp", "answer := becomes;", "perform pg_sleep(0.005); answer := becomes;")

    def forget_the_lock(self):
        self.change_function("rsvp", "for no key update", "")

    def rows(self, answer):
        return one(self.postgres, "select count(*) from meeting_attendances where answer = %s", answer)

    def counter(self):
        return one(self.postgres, "select seats_taken from meetings where id = %s", self.meeting.id)


@pytest.mark.parametrize("paused", [False, True], ids=["as it is", "with a pause between look and write"])
def test_fifty_seats_for_a_crowd_at_once(storm, now, paused):
    if paused:
        storm.pause_between_look_and_write()
    told = storm.rush()
    assert sorted(set(told)) == ["accepted", "waitlisted"]
    assert told.count("accepted") == storm.rows("accepted") == storm.counter() == SEATS
    waiting = storm.postgres.execute("select user_id from meeting_attendances where answer = 'waitlisted'")
    assert {id_ for (id_,) in waiting} == {
        person.id for person, answer in zip(storm.people, told, strict=True) if answer == "waitlisted"
    }


def test_without_lock_and_check_the_same_crowd_oversells(storm):
    """The control: with the guards off the race must be lost, or the test above proves nothing."""
    storm.pause_between_look_and_write()
    storm.forget_the_lock()
    storm.postgres.execute("alter table meetings drop constraint check_seats")
    storm.rush()
    assert storm.rows("accepted") > SEATS


def test_without_the_lock_the_check_still_has_the_last_word(storm):
    storm.pause_between_look_and_write()
    storm.forget_the_lock()
    told = storm.rush()
    assert told.count("check_seats") > 0
    assert storm.rows("accepted") == storm.counter() == SEATS
