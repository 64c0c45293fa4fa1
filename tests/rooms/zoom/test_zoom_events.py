"""What Zoom tells: taken when it is Zoom's and of a room of ours, kept once, and read as the report reads."""

import io
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal import jobs
from portal.rooms import events
from portal.rooms.zoom import Zoom
from portal.sandbox.zoom.world import digest, sign
from tests.support.reading import one, statements
from tests.support.zoom import WEBHOOK_SECRET, carry_to, people, plan

NOTED = "select count(*) from room_events"
REFUSED = "select count(*) from system_logs where operation = 'provider.refused'"
NINE = datetime(2026, 12, 1, 18, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _secret(app, monkeypatch):
    known = replace(app.config["SETTINGS"], zoom_webhook_secret=WEBHOOK_SECRET)
    monkeypatch.setitem(app.config, "SETTINGS", known)


@pytest.fixture
def room(zoom, superuser, supper):
    """The room of Supper at Zoom."""
    made = zoom.create(plan()).provider_id
    superuser.execute("update meetings set platform = 'zoom', meeting_id = %s where id = %s", [made, supper.id])
    return made


def message(event="meeting.participant_joined", room="81", participant=None, **more):
    who = {"user_id": "16778240", "user_name": "Bo", "participant_uuid": "A1", "join_time": "2026-12-01T18:00:00Z"}
    about = {"id": room, "uuid": "/u==", "topic": "Supper", "participant": {**who, **(participant or {})}}
    return {"event": event, "event_ts": 1796148000000, "payload": {"account_id": "a", "object": about}, **more}


@pytest.fixture
def knock(client, database):
    """`knock(message)`: a delivery as Zoom signs it, unless told otherwise; its status."""

    def post(body, secret=WEBHOOK_SECRET, age=0, **headers):
        raw = body if isinstance(body, str) else json.dumps(body)
        signed = sign(raw, secret, int(time.time()) - age) | headers
        return client.post("/webhooks/zoom", input_stream=io.BytesIO(raw.encode()), headers=signed).status_code

    return post


def noted(superuser):
    """Every message that was kept, as the portal reads it."""
    found = superuser.execute("select id, kind, body from room_events order by occurred_at, received_at").fetchall()
    read = [Zoom.event(body) for _, _, body in found]
    assert [(event.event_id, event.kind) for event in read] == [(id, kind) for id, kind, _ in found]
    return read


# --- the door -----------------------------------------------------------------------------------------------------------


def test_without_a_secret_there_is_no_such_door(app, client, database, monkeypatch):
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], zoom_webhook_secret=""))
    assert client.post("/webhooks/zoom", data=b"{}").status_code == 404


def test_a_true_message_of_our_room_is_noted_once_however_often_it_comes(knock, room, superuser):
    assert [knock(message(room=room)) for _ in range(3)] == [200, 200, 200]
    assert one(superuser, NOTED) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "another"},
        {"age": 301},
        {"age": -301},
        {"x-zm-signature": ""},
        {"x-zm-signature": "v0="},
        {"x-zm-signature": "v0=é"},
        {"x-zm-request-timestamp": ""},
        {"x-zm-request-timestamp": "now"},
        {"x-zm-request-timestamp": "9" * 400},
        {"x-zm-request-timestamp": "9" * 5000},
        {"x-zm-request-timestamp": "-1"},
    ],
)
def test_a_forged_or_old_one_is_refused_noted_as_security_and_changes_nothing(knock, room, superuser, how):
    assert knock(message(room=room), **how) == 400
    assert (one(superuser, NOTED), one(superuser, REFUSED)) == (0, 1)


def test_one_changed_byte_is_a_forgery(client, room, superuser):
    raw = json.dumps(message(room=room))
    headers = sign(raw, WEBHOOK_SECRET)
    assert client.post("/webhooks/zoom", data=raw.replace("Bo", "Bö"), headers=headers).status_code == 400
    assert one(superuser, NOTED) == 0


def test_almost_too_old_is_not_too_old(knock, room, superuser):
    assert knock(message(room=room), age=290) == 200 and one(superuser, NOTED) == 1


def test_who_comes_with_forgeries_again_and_again_is_sent_away(knock, superuser):
    assert [knock(message(), secret="another") for _ in range(22)] == [400] * 20 + [429] * 2
    assert one(superuser, REFUSED) == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no",
        "null",
        "[]",
        "{}",
        '{"event": "meeting.started"}',
        "[" * 90_000,
        message(payload=None),
        message(payload={"object": []}),
        message(event_ts=None),
        message(event_ts=10**30),
        message(event_ts="soon"),
        message(event=None),
        message(event=["meeting.started"]),
        message(room=""),
        message(room="r" * 5000),
        message(participant={"join_time": "never"}),
        message(participant={"join_time": 7}),
        json.dumps(message(participant={"user_name": 0})).replace('"user_name": 0', '"user_name": NaN'),
        "x" * 300_000,
    ],
    ids=range(20),
)
def test_signed_nonsense_is_refused_politely(knock, superuser, body):
    assert knock(body) in (400, 413)
    assert one(superuser, NOTED) == 0


@pytest.mark.parametrize(
    ("named", "kept"), [("Bo\x00", "Bo"), ("Bo\ud83d", "Bo?"), (r"Bo\u0000", r"Bo\u0000")], ids=["nul", "half", "typed"]
)
def test_whatever_somebody_calls_themselves_is_no_reason_to_refuse_zoom(knock, room, superuser, named, kept):
    assert knock(message(room=room, participant={"user_name": named})) == 200
    assert [event.sighting.participant.name for event in noted(superuser)] == [kept]


@pytest.mark.parametrize(
    "event", ["meeting.participant_joined_waiting_room", "meeting.sharing_started", "user.created", "moon.risen"]
)
def test_what_means_nothing_here_is_answered_and_forgotten(knock, room, superuser, event):
    assert knock(message(event, room=room)) == 200
    assert (one(superuser, NOTED), one(superuser, REFUSED)) == (0, 0)


def test_of_other_meetings_of_the_account_nothing_is_kept(knock, room, superuser):
    assert knock(message(room="99999999999")) == 200 and one(superuser, NOTED) == 0


def test_the_challenge_is_answered_with_what_only_the_secret_gives(client, database):
    body = json.dumps(
        {"event": "endpoint.url_validation", "event_ts": 1, "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}}
    )
    answer = client.post("/webhooks/zoom", data=body, headers=sign(body, WEBHOOK_SECRET))
    right = digest("qgg8vlvZRS6UYooatFL8Aw", WEBHOOK_SECRET)
    assert answer.get_json() == {"plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": right}


@pytest.mark.parametrize("token", ["v0:1796148000:{}", "", "a" * 200, 7, None])
def test_a_challenge_never_signs_a_message(knock, token):
    assert knock({"event": "endpoint.url_validation", "event_ts": 1, "payload": {"plainToken": token}}) == 400


def test_a_challenge_that_zoom_did_not_sign_is_not_answered(knock):
    challenge = {"event": "endpoint.url_validation", "event_ts": 1, "payload": {"plainToken": "abc"}}
    assert knock(challenge, secret="another") == 400


def test_of_a_message_only_what_is_needed_is_kept(knock, room, superuser):
    about = {"phone_number": "+905321234567", "leave_reason": "x"}
    recorded = {"id": room, "uuid": "/u==", "share_url": "https://zoom.example/rec/1", "password": "pass-1"}
    knock(message(room=room, participant=about))
    knock({"event": "recording.completed", "event_ts": 2, "download_token": "dt-1", "payload": {"object": recorded}})
    kept = "".join(body for (body,) in superuser.execute("select body::text from room_events").fetchall())
    assert "recording.completed" in kept
    for trace in ("5321234567", "rec/1", "pass-1", "dt-1", "Supper"):
        assert trace not in kept


@pytest.fixture
def followed(jobs_of_tests):
    """A package above that wants to know."""

    def follow(db, event_id: str) -> None:
        """What it does."""

    events.told.subscribe(jobs.Job("tests.follow", follow))
    yield "select args ->> 'event_id' from procrastinate_jobs where task_name = 'tests.follow'"
    events.told.subscribers.pop()


def test_whoever_wants_to_know_is_told_once_by_a_job(knock, room, followed, superuser):
    assert [knock(message(room=room)) for _ in range(2)] == [200, 200]
    assert superuser.execute(followed).fetchall() == superuser.execute("select id from room_events").fetchall()


def test_a_browser_may_hand_in_the_job_that_reads_it(as_):
    with as_(None) as db:
        db.execute(
            "insert into procrastinate_jobs (task_name, queue_name) values ('attendance.take_in_event', 'default')"
        )


# --- what the stand-in tells -----------------------------------------------------------------------------------------------


def test_an_evening_as_it_is_told(zoom, world, room, client, superuser):
    (alice,) = zoom.register(room, people("Alice"))
    world.hook = "the portal"
    seat = world.sit(room, registrant=alice.registrant_id, at=NINE)
    world.leave(seat, NINE + timedelta(minutes=50))
    world.tell(carry_to(client))
    read = noted(superuser)
    assert sorted(event.kind for event in read) == ["ended", "joined", "left", "started"]
    assert {event.provider_id for event in read} == {room}
    came, went = (event.sighting for kind in ("joined", "left") for event in read if event.kind == kind)
    assert came.participant == went.participant and came.session == went.session == seat
    assert (came.joined_at, came.left_at) == (NINE, None)
    assert (went.joined_at, went.left_at) == (None, NINE + timedelta(minutes=50))


def test_events_and_report_know_the_same_people(zoom, world, room, client, superuser):
    (alice,) = zoom.register(room, people("Alice"))
    world.hook = "the portal"
    for who in (
        {"registrant": alice.registrant_id},
        {"person": "Bo", "account": "bo@home.example"},
        {"person": "iPad"},
        {"host": True},
    ):
        for minute in (0, 20):
            world.leave(
                world.sit(room, **who, at=NINE + timedelta(minutes=minute)), NINE + timedelta(minutes=minute + 10)
            )
    world.tell(carry_to(client))
    told = [event.sighting for event in noted(superuser) if event.kind == "left"]
    reported = zoom.report(room).sightings
    assert {each.participant for each in told} == {each.participant for each in reported}
    assert sorted(each.left_at for each in told) == sorted(each.left_at for each in reported)


def test_coming_back_is_another_stay(zoom, world, room, client, superuser):
    (alice,) = zoom.register(room, people("Alice"))
    world.hook = "the portal"
    for _ in range(2):
        world.leave(world.sit(room, registrant=alice.registrant_id))
    world.tell(carry_to(client))
    came = [event.sighting for event in noted(superuser) if event.kind == "joined"]
    assert len({each.session for each in came}) == 2 and len({each.participant.identity for each in came}) == 1


def test_doubled_events_are_kept_once(world, room, client, superuser):
    world.hook = "the portal"
    world.switch(events="doubled")
    world.leave(world.sit(room, "Bo"))
    assert world.tell(carry_to(client)) == 8
    assert one(superuser, NOTED) == 4


def test_a_room_deleted_by_hand_is_told(world, room, client, superuser):
    world.hook = "the portal"
    world.delete(room, remind=False)
    world.tell(carry_to(client))
    assert [event.kind for event in noted(superuser)] == ["deleted"]


def test_a_delivery_costs_few_statements(knock, room, followed):
    knock(message(room=room))
    with statements() as sent:
        knock(message(room=room, participant={"participant_uuid": "A2"}))
    assert len(sent) == 2 + len(events.told.subscribers)
