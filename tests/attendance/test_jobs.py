"""What the clock causes: meetings begin, offers run out, attendance is settled; and doing it twice is once."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from portal.attendance import jobs
from portal.calendar.jobs import tell_decision
from tests.support.presence import has_room, seen
from tests.support.reading import do, invite, one, plan

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def tonight(superuser, people):
    """Two places, two days from now, with a room at Zoom."""
    meeting = plan(superuser, "Tonight", days=2, max_attendees=2)
    has_room(superuser, meeting)
    return meeting


@pytest.fixture
def sweep(worker_app, tonight):
    """`sweep(moment)`: the job of each minute, twice, since it must not matter."""

    def minute(moment):
        do(worker_app, jobs.sweep, moment)
        do(worker_app, jobs.sweep, moment)

    return minute


def status(postgres):
    return one(postgres, "select status from meetings")


def of(postgres, person, column="status"):
    return one(postgres, f"select {column} from meeting_attendances where user_id = %s", person.id)


def stayed(postgres, person, meeting, first, last, answer="accepted"):
    """Somebody answered, and the platform saw them inside from minute to minute."""
    if of(postgres, person) is None:
        invite(postgres, person, meeting, answer=answer)
    seen(postgres, person, meeting, first, last)


# --- beginning -------------------------------------------------------------------------------------------------------


def test_a_meeting_is_active_from_its_hour_on(sweep, superuser, tonight):
    sweep(tonight.starts_at - MINUTE)
    assert status(superuser) == "scheduled"
    sweep(tonight.starts_at)
    assert status(superuser) == "active"


def test_a_cancelled_meeting_does_not_begin(sweep, superuser, tonight):
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.'")
    sweep(tonight.starts_at)
    assert status(superuser) == "cancelled"


# --- offers ----------------------------------------------------------------------------------------------------------


def test_an_offer_that_ran_out_goes_to_the_next_in_line_who_is_told(
    sweep, work, mails, superuser, alice, bob, charlie, tonight
):
    superuser.execute("update meetings set max_attendees = 1")
    until = tonight.starts_at - 10 * HOUR
    invite(superuser, alice, tonight, answer="offered", offer_expires_at=until)
    for n, person in enumerate((bob, charlie)):
        invite(superuser, person, tonight, answer="waitlisted", waiting_since=until - HOUR + n * MINUTE)
    sweep(until)
    assert [of(superuser, person) for person in (alice, bob, charlie)] == ["withdrawn", "offered", "waitlisted"]
    assert of(superuser, alice, "reason") == "The offer ran out."
    work()
    assert len(mails(bob.email)) == 1 and mails(alice.email) == mails(charlie.email) == []


def test_an_offer_that_still_runs_is_left_alone(sweep, superuser, alice, tonight):
    until = tonight.starts_at - 10 * HOUR
    invite(superuser, alice, tonight, answer="offered", offer_expires_at=until)
    sweep(until - MINUTE)
    assert of(superuser, alice) == "offered"


def test_a_mail_about_an_offer_that_ran_out_meanwhile_is_not_written(worker_app, superuser, alice, tonight):
    until = tonight.starts_at - 10 * HOUR
    invite(superuser, alice, tonight, answer="offered", offer_expires_at=until)
    for moment in (until, until - MINUTE):
        do(worker_app, jobs.tell_offer, moment, meeting_id=str(tonight.id), user_id=str(alice.id))
    assert one(superuser, "select count(*) from mails") == 1


def test_a_mail_about_an_offer_that_was_taken_meanwhile_is_not_sent(worker_app, superuser, work, alice, tonight):
    invite(superuser, alice, tonight, answer="offered", offer_expires_at=tonight.starts_at - 10 * HOUR)
    do(worker_app, jobs.tell_offer, meeting_id=str(tonight.id), user_id=str(alice.id))
    superuser.execute("update meeting_attendances set answer = 'accepted', offer_expires_at = null")
    work()
    assert superuser.execute("select state, failure from mails where kind = 'offer'").fetchall() == [
        ("dropped", "The place is not held for them any more.")
    ]


def test_news_of_a_meeting_that_is_gone_is_told_to_nobody(worker_app, superuser, alice):
    ids = {"meeting_id": str(alice.id), "user_id": str(alice.id)}
    for job in (jobs.tell_offer, tell_decision):
        do(worker_app, job, **ids)
    assert one(superuser, "select count(*) from mails") == 0


def test_each_meeting_is_tended_in_a_transaction_of_its_own(worker_app, database, superuser, alice, bob, now):
    """Whoever answers in the first is not kept waiting by what keeps the second."""
    both = sorted((plan(superuser, "One"), plan(superuser, "Two")), key=lambda meeting: meeting.id)
    for person, meeting in zip((alice, bob), both, strict=True):
        invite(superuser, person, meeting, answer="offered", offer_expires_at=now)
    with database.connect() as other, ThreadPoolExecutor(1) as worker:
        other.execute("select from meetings where id = %s for update", [both[1].id])
        tending = worker.submit(do, worker_app, jobs.sweep, now + MINUTE)
        for _tenth in range(50):
            if of(superuser, alice, "answer") == "withdrawn":
                break
            time.sleep(0.1)
        assert [of(superuser, person, "answer") for person in (alice, bob)] == ["withdrawn", "offered"]
        other.rollback()
        tending.result()
    assert of(superuser, bob, "answer") == "withdrawn"


# --- settling --------------------------------------------------------------------------------------------------------


def test_half_an_hour_after_the_end_it_is_settled_who_came(sweep, superuser, alice, bob, charlie, dora, eve, tonight):
    stayed(superuser, alice, tonight, 0, 55)
    invite(superuser, bob, tonight, answer="accepted")
    stayed(superuser, charlie, tonight, 10, 60, answer="declined")
    invite(superuser, dora, tonight)
    sweep(tonight.ends_at + 29 * MINUTE)
    assert status(superuser) == "active" and of(superuser, alice) == "accepted"
    sweep(tonight.ends_at + 30 * MINUTE)
    assert status(superuser) == "completed"
    assert [of(superuser, person) for person in (alice, bob, charlie, dora)] == [
        "attended",
        "no_show",
        "attended",
        "invited",
    ]
    assert of(superuser, charlie, "answer") == "declined"
    assert one(superuser, "select actual_duration from meetings") == 60


@pytest.mark.parametrize(("minutes", "said"), [(4, "no_show"), (5, "attended")])
def test_who_came_is_who_stayed_five_minutes(sweep, superuser, alice, bob, tonight, minutes, said):
    stayed(superuser, bob, tonight, 0, 60)
    stayed(superuser, alice, tonight, 0, minutes)
    sweep(tonight.ends_at + HOUR)
    assert of(superuser, alice) == said


@pytest.mark.parametrize(("minutes", "said"), [(1, "no_show"), (2, "attended")])
def test_or_a_fifth_of_a_short_meeting(sweep, superuser, alice, bob, tonight, minutes, said):
    stayed(superuser, bob, tonight, 0, 10)
    stayed(superuser, alice, tonight, 0, minutes)
    sweep(tonight.ends_at + HOUR)
    assert of(superuser, alice) == said


def test_somebody_inside_keeps_it_open_for_four_hours(sweep, superuser, alice, tonight):
    stayed(superuser, alice, tonight, 0, None)
    sweep(tonight.ends_at + 4 * HOUR - MINUTE)
    assert status(superuser) == "active"
    sweep(tonight.ends_at + 4 * HOUR)
    assert status(superuser) == "completed" and of(superuser, alice, "join_duration") == 60
    assert one(superuser, "select count(*) from stays where is_open") == 0


def test_a_late_worker_settles_a_meeting_it_never_saw_begin(sweep, superuser, alice, bob, tonight):
    stayed(superuser, bob, tonight, 0, 60)
    invite(superuser, alice, tonight, answer="accepted")
    sweep(tonight.ends_at + 48 * HOUR)
    assert status(superuser) == "completed" and of(superuser, alice) == "no_show"


def test_a_cancelled_meeting_makes_nobody_a_no_show(sweep, superuser, alice, tonight):
    invite(superuser, alice, tonight, answer="accepted")
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.'")
    sweep(tonight.ends_at + 5 * HOUR)
    assert of(superuser, alice) == "accepted"


def test_who_was_inside_when_it_was_called_off_is_out(sweep, superuser, alice, tonight):
    invite(superuser, alice, tonight, answer="accepted", joined_at=tonight.starts_at)
    superuser.execute(
        "insert into presences (meeting_id, user_id, joined_at, device_type, source) values (%s, %s, %s, 'desktop', 'click')",
        [tonight.id, alice.id, tonight.starts_at],
    )
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.'")
    sweep(tonight.starts_at + 20 * MINUTE)
    assert of(superuser, alice) == "accepted"
    assert of(superuser, alice, "left_at") == tonight.starts_at + 20 * MINUTE


def test_settling_is_noted_once(sweep, superuser, tonight):
    sweep(tonight.ends_at + HOUR)
    assert one(superuser, "select count(*) from system_logs where operation = 'meeting.settled'") == 1


def test_what_was_corrected_afterwards_stays(sweep, superuser, alice, bob, tonight):
    invite(superuser, alice, tonight, answer="accepted")
    stayed(superuser, bob, tonight, 0, 60)
    sweep(tonight.ends_at + HOUR)
    superuser.execute(
        "update meeting_attendances set outcome = 'attended', corrected_at = now(), correction = 'She dialled in.'"
        " where user_id = %s",
        [alice.id],
    )
    superuser.execute("update rooms set reported_at = now()")
    sweep(tonight.ends_at + 2 * HOUR)
    assert of(superuser, alice) == "attended"
    assert one(superuser, "select attendance_record from meetings") == "final"


# --- access that ends ------------------------------------------------------------------------------------------------


def says_yes(as_, meeting, *people):
    for person in people:
        with as_(person) as db:
            db.execute("select rsvp(%s, 'accepted')", [meeting.id])


def test_who_lost_access_holds_no_place_and_the_line_moves(
    worker_app, as_, superuser, tonight, alice, bob, charlie, mails, work
):
    says_yes(as_, tonight, bob, alice, charlie)  # two places: Charlie waits
    superuser.execute("update users set access_until = now() - interval '1 second' where id = %s", [bob.id])
    do(worker_app, jobs.release, tonight.starts_at - 30 * HOUR)
    assert (of(superuser, bob, "answer"), of(superuser, charlie, "answer")) == ("withdrawn", "offered")
    work()
    assert of(superuser, bob, "reason") == "Your access ended before it." and mails(charlie.email)


def test_who_still_has_access_keeps_the_place(worker_app, as_, superuser, tonight, bob):
    says_yes(as_, tonight, bob)
    do(worker_app, jobs.release, tonight.starts_at - 30 * HOUR)
    assert of(superuser, bob, "answer") == "accepted"


def test_what_has_begun_is_left_as_it_is(worker_app, as_, superuser, tonight, bob):
    says_yes(as_, tonight, bob)
    superuser.execute("update users set access_until = now() where id = %s", [bob.id])
    do(worker_app, jobs.release, tonight.starts_at)
    assert of(superuser, bob, "answer") == "accepted"
