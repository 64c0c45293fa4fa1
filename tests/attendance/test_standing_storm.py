"""Rules are followed while people answer by hand, on connections of their own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.types.json import Jsonb

from tests.attendance.test_standing import weekday_of
from tests.conftest import BECOME
from tests.support.cast import crowd, plan_meeting
from tests.support.waitlist import one

PEOPLE, PLACES = 40, 25


@pytest.fixture
def scene(superuser, people):
    """A meeting of few places, and a crowd of whom everybody has a rule that says yes to it."""
    meeting, guests = plan_meeting(superuser, "Storm", max_attendees=PLACES), crowd(superuser, PEOPLE)
    superuser.execute(
        "insert into standing_answers (user_id, kind, weekday, response, starts_at)"
        " select unnest(%s::uuid[]), 'weekday', %s, 'accepted', now()",
        [[guest.id for guest in guests], weekday_of(meeting)],
    )
    return meeting, guests


def test_nobodys_own_no_is_lost_and_no_place_is_given_twice(database, superuser, scene):
    meeting, guests = scene
    by_hand, start = guests[::2], threading.Barrier(PEOPLE // 2 + 2)

    def says_no(guest):
        with database.connect("portal_web") as db:
            db.execute(BECOME, {"role": "portal_member", "user_id": str(guest.id)})
            start.wait()
            db.execute("select * from rsvp(%s, 'declined')", [meeting.id])

    def follows(_worker):
        weekdays = Jsonb({"UTC": weekday_of(meeting), "Europe/Istanbul": weekday_of(meeting)})
        with database.connect("portal_worker", autocommit=True) as db:
            start.wait()
            while one(db, "select cardinality(answered) from follow_rules(%s, %s, null, 3)", meeting.id, weekdays):
                pass

    with ThreadPoolExecutor(PEOPLE // 2 + 2) as pool:
        done = [pool.submit(says_no, guest) for guest in by_hand] + [pool.submit(follows, n) for n in range(2)]
        for one_of_them in done:
            one_of_them.result()

    rows = dict(
        superuser.execute(
            "select user_id, (answer, standing_answer_id is null)::text from meeting_attendances"
        ).fetchall()
    )
    assert {rows[guest.id] for guest in by_hand} <= {"(declined,t)", "(withdrawn,t)"}
    assert {rows[guest.id] for guest in guests[1::2]} <= {"(accepted,f)", "(offered,f)", "(waitlisted,f)"}
    taken = one(superuser, "select count(*) from meeting_attendances where answer in ('accepted', 'offered')")
    assert taken == one(superuser, "select seats_taken from meetings") == PEOPLE // 2
