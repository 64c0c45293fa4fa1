"""The room of a running meeting as its host sees it: who is missing, who should leave, whom nobody knows."""

from datetime import timedelta

import pytest

from portal.attendance import jobs
from portal.clock import at
from tests.support.presence import has_room, moment, seen
from tests.support.reading import answers, do, invite, one, operations, plan, words

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def tonight(superuser, people, alice, bob, charlie):
    """Alice leads it, Bob and Charlie said yes."""
    meeting = plan(superuser, "Tonight", days=2, host_id=alice.id, host_name="Alice")
    has_room(superuser, meeting)
    for person in (bob, charlie):
        invite(superuser, person, meeting, answer="accepted")
    return meeting


@pytest.fixture
def board(sign_in, tonight):
    """`board(alice, 10)`: the words of the host's part, so many minutes after the start."""

    def look(person, minutes=10):
        with at(moment(tonight, minutes)):
            answer = sign_in(person).get(f"/meetings/{tonight.id}/host-board")
        return words(answer, "section") if answer.status_code == 200 else answer.status_code

    return look


def stranger(postgres, meeting, name):
    """Somebody is inside whom nobody knows."""
    postgres.execute(
        "insert into participants (meeting_id, identity, name) values (%s, %s, %s)", [meeting.id, name, name]
    )
    postgres.execute(
        "insert into presences (meeting_id, participant_id, source, session, joined_at, device_type)"
        " select meeting_id, id, 'event', '1', %s, 'tablet' from participants where name = %s",
        [meeting.starts_at, name],
    )


def clicks(postgres, meeting, person):
    postgres.execute(
        "insert into presences (meeting_id, user_id, joined_at, device_type, source) values (%s, %s, %s, 'desktop', 'click')",
        [meeting.id, person.id, meeting.starts_at],
    )


def test_who_said_yes_and_has_not_come_is_missing(board, superuser, alice, bob, tonight):
    assert "Said yes, not here yet Bob, Charlie" in board(alice)
    seen(superuser, bob, tonight, 0, None)
    assert "Said yes, not here yet Charlie" in board(alice)


def test_before_the_start_nobody_is_missing(board, alice):
    assert "Once the meeting has started, people who are missing are listed here." in board(alice, -5)


def test_whose_access_ended_or_place_was_taken_back_should_leave(board, superuser, alice, bob, charlie, tonight):
    for person in (bob, charlie):
        seen(superuser, person, tonight, 0, None)
    assert "Should leave" not in board(alice)
    superuser.execute("update users set access_until = now() where id = %s", [bob.id])
    superuser.execute("update meeting_attendances set answer = 'withdrawn' where user_id = %s", [charlie.id])
    assert "Should leave Bob, Charlie Their access has ended" in board(alice)


def test_whom_nobody_knows_goes_by_the_name_in_the_room(board, superuser, alice, tonight):
    stranger(superuser, tonight, "<b>iPad von Tom")
    assert "Not recognised <b>iPad von Tom" in board(alice)


def test_more_heads_than_came_through_the_door_are_an_alarm(board, superuser, alice, bob, tonight):
    clicks(superuser, tonight, bob)
    seen(superuser, bob, tonight, 0, None)
    seen(superuser, bob, tonight, 1, None, device="mobile")  # a second device is no second head
    assert "came through the door" not in board(alice)
    stranger(superuser, tonight, "Tom")
    assert "2 people are in the room, more than came through the door here: 1." in board(alice)


def test_it_is_for_the_host_and_admins_alone(board, sign_in, alice, bob, dora, tonight):
    assert "Said yes" in board(dora) and board(bob) == 404
    with at(tonight.starts_at):
        pages = [sign_in(person).get(f"/meetings/{tonight.id}").text for person in (alice, dora, bob)]
    assert ['id="host-board"' in page for page in pages] == [True, True, False]


def test_a_host_without_access_sees_nothing_of_it(as_, superuser, alice, tonight):
    superuser.execute("update users set access_until = now() where id = %s", [alice.id])
    with as_(alice) as db:
        assert one(db, "select count(*) from host_board(%s)", tonight.id) == 0


# --- reminding -------------------------------------------------------------------------------------------------------


@pytest.fixture
def remind(sign_in, tonight):
    browsers = {}

    def press(person, minutes=10):
        browser = browsers.setdefault(person, sign_in(person))
        with at(moment(tonight, minutes)):
            return browser.submit(f"/meetings/{tonight.id}/reminders")

    return press


def test_one_press_writes_to_those_who_are_missing(remind, work, mails, superuser, alice, bob, charlie, tonight):
    seen(superuser, bob, tonight, 0, None)
    assert remind(alice).status_code == 303
    with at(moment(tonight, 11)):
        work()
    assert len(mails(charlie.email)) == 1 and mails(bob.email) == mails(alice.email) == []
    assert "meeting.reminded" in operations(superuser)


def test_who_has_come_meanwhile_is_not_written_to(remind, work, mails, superuser, alice, charlie, tonight):
    remind(alice)
    seen(superuser, charlie, tonight, 10, None)
    with at(moment(tonight, 11)):
        work()
    assert mails(charlie.email) == []


def test_who_would_read_it_after_the_end_is_not_written_to(
    remind, worker_app, work, mails, superuser, alice, charlie, tonight
):
    remind(alice)
    do(worker_app, jobs.tell_missing, moment(tonight, 11), meeting_id=str(tonight.id))
    with at(moment(tonight, 600)):
        work()
    assert mails(charlie.email) == []
    assert "They came, or the meeting was over before it could be sent." in one(
        superuser, "select failure from mails where kind = 'missing'"
    )


def test_not_again_within_ten_minutes(remind, superuser, alice, tonight):
    remind(alice, 10)
    answer = remind(alice, 19)
    assert answer.status_code == 409 and "They were reminded a few minutes ago." in words(answer)
    assert remind(alice, 20).status_code == 303
    assert one(superuser, "select count(*) from procrastinate_jobs where task_name = 'attendance.tell_missing'") == 2


@pytest.mark.parametrize("minutes", [-5, 60])
def test_only_while_it_runs(remind, superuser, alice, minutes):
    answer = remind(alice, minutes)
    assert answer.status_code == 409 and "Reminders can be sent while the meeting is running" in words(answer)
    assert one(superuser, "select reminded_at from rooms") is None


def test_nobody_elses_press_reminds(remind, superuser, bob):
    assert remind(bob).status_code == 404
    assert one(superuser, "select reminded_at from rooms") is None


def test_the_host_reads_ahead_who_is_coming_and_when_the_own_door_opens(sign_in, superuser, alice, bob):
    meeting = plan(superuser, "Supper", days=2, host_id=alice.id, host_name="Alice")
    answers(superuser, meeting.id, accepted=[alice, bob])
    hers, his = (words(sign_in(person).get(f"/meetings/{meeting.id}")) for person in (alice, bob))
    assert "Who is coming: one person besides you Bob" in hers and "Who is coming" not in his
    assert "The Join button appears here 40 minutes before the start." in hers
    assert "The Join button appears here 10 minutes before the start." in his
