"""Events, polling and reports: what a platform tells is asked for at the right time, and taken in once."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from psycopg.types.json import Jsonb

from portal.attendance import jobs
from portal.rooms.platform import Participant, ProviderError, Report, Sighting
from tests.support.presence import has_room, moment, seen
from tests.support.reading import do, invite, one, operations, plan, waited_for

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class Outside:
    """A platform that answers what it is told to, and remembers what it was asked."""

    name = "google-meet"

    def __init__(self):
        self.answers, self.asked = [], []

    def _answer(self, question, provider_id):
        self.asked.append((question, provider_id))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def inside(self, provider_id):
        return self._answer("inside", provider_id)

    def report(self, provider_id):
        return self._answer("report", provider_id)


@pytest.fixture
def outside(worker_app):
    platform = Outside()
    worker_app.extensions["platforms"] = {"google-meet": platform}
    yield platform
    del worker_app.extensions["platforms"]


@pytest.fixture
def tonight(superuser, people, bob):
    """Two days from now at Meet, where Bob is known by his account."""
    meeting = plan(superuser, "Tonight", days=2)
    has_room(superuser, meeting, "google-meet")
    superuser.execute("insert into known_accounts values ('google-meet', 'b-1', %s, now())", [bob.id])
    return meeting


def bobs(meeting, since, until):
    left = None if until is None else moment(meeting, until)
    return Sighting(Participant("users/1", "Bob", account="b-1"), "s1", moment(meeting, since), left)


def minutes(postgres, person):
    return one(postgres, "select join_duration from meeting_attendances where user_id = %s", person.id)


# --- polling ---------------------------------------------------------------------------------------------------------


def test_while_the_room_is_open_the_platform_is_asked_each_minute(outside, worker_app, superuser, bob, tonight):
    outside.answers = [Report([bobs(tonight, 0, None)], False), Report([bobs(tonight, 0, 20)], False)]
    do(worker_app, jobs.poll, moment(tonight, 1))
    assert one(superuser, "select name from rosters(array[%s]::uuid[])", tonight.id) == "Bob"
    do(worker_app, jobs.poll, moment(tonight, 21))
    assert minutes(superuser, bob) == 20 and one(superuser, "select source from presences") == "poll"


@pytest.mark.parametrize(("minute", "asked"), [(-41, 0), (-40, 1), (299, 1), (300, 0)])
def test_from_the_hosts_door_to_four_hours_after(outside, worker_app, tonight, minute, asked):
    do(worker_app, jobs.poll, moment(tonight, minute))
    assert len(outside.asked) == asked


def test_a_platform_that_fails_is_asked_again_and_the_others_are_asked_too(
    outside, worker_app, superuser, bob, tonight
):
    later = plan(superuser, "Later", days=2, start_time="21:10")
    has_room(superuser, later, "google-meet")
    outside.answers = [ProviderError("Google is down."), Report([bobs(later, 0, None)], False)]
    do(worker_app, jobs.poll, moment(tonight, 30))
    assert one(superuser, "select meeting_id from presences") == later.id
    assert "room.unreported" in operations(superuser)


def test_an_answer_nobody_foresaw_keeps_no_other_room_waiting(outside, worker_app, superuser, bob, tonight):
    later = plan(superuser, "Later", days=2, start_time="21:10")
    has_room(superuser, later, "google-meet")
    outside.answers = [KeyError("name"), Report([bobs(later, 0, None)], False), KeyError("name")]
    for minute in (30, 31):
        with pytest.raises(KeyError):
            do(worker_app, jobs.poll, moment(tonight, minute))
    assert one(superuser, "select meeting_id from presences") == later.id


def test_a_report_holds_the_meeting_before_its_room_as_everybody_does(
    outside, worker_app, superuser, database, bob, tonight
):
    outside.answers = [Report([bobs(tonight, 0, None)], False)]
    polling = Thread(target=do, args=(worker_app, jobs.poll, moment(tonight, 1)))
    with database.connect() as typing:
        typing.execute("set lock_timeout = '1s'")
        typing.execute("select from meetings for no key update")
        polling.start()
        waited_for(superuser)
        typing.execute("update rooms set attempts = attempts")
    polling.join()
    assert one(superuser, "select count(*) from presences") == 1


# --- the report ------------------------------------------------------------------------------------------------------


def test_the_report_is_asked_for_until_it_is_whole(outside, worker_app, superuser, bob, tonight):
    invite(superuser, bob, tonight, answer="accepted")
    outside.answers = [
        ProviderError("Not yet."),
        Report([], False),
        Report([bobs(tonight, 0, 42)], True, tonight.starts_at, tonight.ends_at),
    ]
    for after in (29, 30, 31, 60, 120, 359, 360, 600, 1440, 3000):
        do(worker_app, jobs.fetch_reports, tonight.ends_at + after * MINUTE)
        do(worker_app, jobs.sweep, tonight.ends_at + after * MINUTE)
    assert len(outside.asked) == 3 and minutes(superuser, bob) == 42
    assert one(superuser, "select attendance_record from meetings") == "final"
    assert one(superuser, "select outcome from meeting_attendances") == "attended"


def test_four_tries_and_then_it_is_final_with_what_there_is(outside, worker_app, superuser, bob, tonight):
    seen(superuser, bob, tonight, 0, 60)
    for after in (30, 60, 360, 1440, 2880):
        outside.answers = [ProviderError("Google is down.")]
        do(worker_app, jobs.fetch_reports, tonight.ends_at + after * MINUTE)
        do(worker_app, jobs.sweep, tonight.ends_at + after * MINUTE)
    assert len(outside.asked) == 4
    assert one(superuser, "select attendance_record from meetings") == "final"


def test_a_report_outweighs_what_was_polled(outside, worker_app, superuser, bob, tonight):
    outside.answers = [Report([bobs(tonight, 0, None)], False), Report([bobs(tonight, 5, 25)], True)]
    do(worker_app, jobs.poll, moment(tonight, 1))
    do(worker_app, jobs.fetch_reports, tonight.ends_at + HOUR)
    do(worker_app, jobs.sweep, tonight.ends_at + HOUR)
    assert minutes(superuser, bob) == 20


def test_without_credentials_nobody_is_asked(worker_app, superuser, tonight):
    do(worker_app, jobs.poll, moment(tonight, 1))
    do(worker_app, jobs.fetch_reports, tonight.ends_at + HOUR)
    assert one(superuser, "select count(*) from participants") == 0


# --- events ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tells(worker_app, superuser, tonight):
    """`tells("participant_left", 20)`: Zoom tells it of Bob's room; returns what became of it."""
    superuser.execute("delete from rooms")
    has_room(superuser, tonight, "zoom")
    superuser.execute("update meetings set meeting_id = '123'")
    superuser.execute("insert into known_accounts select 'zoom', account, user_id, learnt_at from known_accounts")

    def tell(what, minute=0, room="123", name="1"):
        at = moment(tonight, minute)
        about = {"id": room, "uuid": "u1"}
        if what.startswith("participant"):
            about["participant"] = {
                "user_id": "16",
                "user_name": "Bob",
                "participant_user_id": "b-1",
                "participant_uuid": "p1",
                {"participant_joined": "join_time", "participant_left": "leave_time"}[what]: at.isoformat(),
            }
        body = {"event": f"meeting.{what}", "event_ts": int(at.timestamp() * 1000), "payload": {"object": about}}
        superuser.execute(
            "insert into room_events (id, platform, kind, provider_id, body, occurred_at, received_at)"
            " values (%s, 'zoom', %s, %s, %s, %s, %s) on conflict do nothing",
            [name, what, room, Jsonb(body), at, datetime.now(UTC)],
        )
        do(worker_app, jobs.take_in_event, at, event_id=name)
        return one(superuser, "select outcome from room_events where id = %s", name)

    return tell


def test_coming_and_leaving_are_taken_in(tells, superuser, bob):
    assert tells("participant_joined", 5, name="1") == "taken in"
    assert tells("participant_left", 25, name="2") == "taken in"
    assert minutes(superuser, bob) == 20


def test_an_event_is_taken_in_once(tells, superuser, bob):
    tells("participant_joined", 5)
    superuser.execute("delete from presences")
    assert tells("participant_joined", 5) == "taken in"
    assert one(superuser, "select count(*) from presences") == 0


def test_when_the_room_ends_everybody_is_out(tells, superuser, bob, tonight):
    tells("started", -1, name="1")
    tells("participant_joined", 5, name="2")
    assert tells("ended", 50, name="3") == "taken in"
    assert one(superuser, "select here from boards(array[%s]::uuid[])", tonight.id) == 0
    assert minutes(superuser, bob) == 45
    assert superuser.execute("select started_at, ended_at from rooms").fetchone() == (
        moment(tonight, -1),
        moment(tonight, 50),
    )


def test_a_room_deleted_by_hand_is_nobodys_any_more(tells, superuser):
    superuser.execute("update meetings set provision_state = 'ready', meeting_link = 'sealed'")
    assert tells("deleted", -30) == "taken in"
    assert superuser.execute("select provision_state, meeting_link from meetings").fetchone() == ("gone", None)
    assert one(superuser, "select count(*) from procrastinate_jobs where task_name = 'rooms.follow'") == 1


def test_but_after_the_end_it_is_asked_for_its_report_all_the_same(tells, superuser):
    tells("deleted", 70)
    assert one(superuser, "select meeting_id from meetings") == "123"


def test_a_foreign_room_and_what_we_do_not_know_are_passed_over(tells, superuser):
    assert tells("participant_joined", room="999", name="1") == "not of this club"
    assert tells("sharing_started", name="2") == "ignored"
    assert one(superuser, "select count(*) from participants") == 0
