"""Who comes by which address, and what Zoom tells of it afterwards."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from portal.rooms.platform import Participant, ProviderError
from portal.rooms.zoom import Zoom
from portal.sandbox.zoom.world import account_id
from tests.support.zoom import people, plan

NINE = datetime(2026, 12, 1, 18, tzinfo=UTC)
OWNER = "owner@zoom.example"


def minute(number):
    return NINE + timedelta(minutes=number)


@pytest.fixture
def room(zoom):
    return zoom.create(plan()).provider_id


def stays(report):
    """Identity, minute of coming and of going of everybody in a report."""
    return [
        (
            each.participant.identity,
            (each.joined_at - NINE) / timedelta(minutes=1),
            each.left_at and (each.left_at - NINE) / timedelta(minutes=1),
        )
        for each in report.sightings
    ]


# --- addresses of one's own --------------------------------------------------------------------------------------------


def test_everybody_has_an_address_of_their_own_and_nobody_is_mailed(zoom, world, room):
    alice, bob = people("Alice", "Bob")
    found = zoom.register(room, [alice, bob])
    assert [each.user_id for each in found] == [alice.user_id, bob.user_id]
    assert len({each.address for each in found}) == 2 and world.sent == []


def test_a_registration_that_is_there_is_given_again(zoom, room):
    assert zoom.register(room, people("Alice")) == zoom.register(room, people("Alice"))


def test_more_than_thirty_are_registered_too(zoom, room):
    crowd = people(*(f"Guest{number}" for number in range(65)))
    assert len({each.registrant_id for each in zoom.register(room, crowd)}) == 65


def test_whom_zoom_refuses_keeps_nobody_else_out(zoom, world, room):
    host, alice = people("Owner", "Alice")
    found = zoom.register(room, [host._replace(email=OWNER), alice])
    assert [each.user_id for each in found] == [alice.user_id] and world.sent == []


def test_an_address_longer_than_zoom_takes_is_left_out(zoom, room):
    (long,) = people("A" * 130)
    assert zoom.register(room, [long]) == []


def test_an_address_that_was_taken_back_opens_nothing(zoom, world, room):
    (alice,) = zoom.register(room, people("Alice"))
    assert requests.get(alice.address).status_code == 200
    zoom.revoke(room, alice.registrant_id)
    assert requests.get(alice.address).status_code == 403 and world.sent == []


def test_taking_back_from_a_room_that_is_gone_is_no_error(zoom, room):
    zoom.remove(room)
    zoom.revoke(room, "anybody")


def test_a_room_set_to_mail_by_hand_would_be_noticed(zoom, world, room):
    """The stand-in mails as Zoom does, so that the tests above mean something."""
    zoom.register(room, people("Alice"))
    world.meeting(room)["settings"]["registrants_email_notification"] = True
    world.update(room, {"topic": "Moved"})
    assert [mail["to"] for mail in world.sent] == ["alice@club.example"]


# --- who was there ------------------------------------------------------------------------------------------------------


def test_the_report_knows_everybody_over_leaving_and_coming_back(zoom, world, room):
    (alice,) = zoom.register(room, people("Alice"))
    first = world.sit(room, registrant=alice.registrant_id, at=NINE)
    stranger = world.sit(room, "iPad von Tom", at=minute(1))
    world.leave(first, minute(10))
    world.sit(room, "Ally", registrant=alice.registrant_id, at=minute(20))
    world.leave(stranger, minute(30))
    world.end(room, minute(60))
    report = zoom.report(room)
    me = f"registrant:{alice.registrant_id}"
    assert [stay for stay in stays(report) if stay[0] == me] == [(me, 0, 10), (me, 20, 60)]
    assert len({stay.session for stay in report.sightings}) == 3 and report.is_whole
    assert (report.started_at, report.ended_at) == (NINE, minute(60))


def test_an_address_counts_only_with_an_account(zoom, world, room):
    (alice,) = zoom.register(room, people("Alice"))
    world.sit(room, registrant=alice.registrant_id, at=NINE)
    world.sit(room, "Bo", account="bo@home.example", at=NINE)
    world.end(room, minute(60))
    bo = account_id("bo@home.example")
    assert [each.participant for each in zoom.report(room).sightings] == [
        Participant(f"registrant:{alice.registrant_id}", "Alice", alice.registrant_id),
        Participant(f"account:{bo}", "Bo", None, bo, "bo@home.example"),
    ]


def test_nor_with_one_that_registered_by_typing_it():
    who = {"user_id": 7, "participant_user_id": "a-1", "email": "bob@example.org"}
    seen = [Zoom.event(_joined({**who, **registered})).sighting for registered in ({}, {"registrant_id": 5})]
    assert [sighting.participant.email for sighting in seen] == ["bob@example.org", None]
    assert seen[1].participant.registrant == "5"


def _joined(who):
    about = {"id": "81", "uuid": "u", "participant": who}
    return {"event": "meeting.participant_joined", "event_ts": 1796148000000, "payload": {"object": about}}


def test_a_meeting_that_was_opened_again_is_reported_whole(zoom, world, room):
    bo = account_id("bo@home.example")
    for begun in (0, 30):
        world.sit(room, "Bo", account="bo@home.example", at=minute(begun))
        world.end(room, minute(begun + 10))
    assert stays(zoom.report(room)) == [(f"account:{bo}", 0, 10), (f"account:{bo}", 30, 40)]


def test_a_long_report_is_read_to_its_end(zoom, world, room):
    for number in range(5):
        world.sit(room, f"Guest {number}", at=minute(number))
    world.end(room, minute(60))
    world.most_rows = 2
    assert [each.participant.name for each in zoom.report(room).sightings] == [f"Guest {n}" for n in range(5)]


def test_a_stay_that_ends_before_it_begins_lasts_no_time(zoom, world, room):
    world.leave(world.sit(room, "Bo", at=minute(5)), minute(3))
    (stay,) = zoom.report(room).sightings
    assert stay.joined_at == stay.left_at == minute(5)


def test_while_it_runs_and_before_anybody_came_there_is_no_whole_report(zoom, world, room):
    assert (zoom.report(room).sightings, zoom.report(room).is_whole) == ([], False)
    world.sit(room, "Bo")
    assert (zoom.report(room).sightings, zoom.report(room).is_whole) == ([], False)


def test_who_never_got_past_the_waiting_room_was_not_there(zoom, world, room):
    host = world.sit(room, host=True, at=NINE)
    world.sit(room, "Bo", at=NINE)
    world.leave(host, minute(1))
    world.switch(host="never")
    world.sit(room, "Waits", at=minute(2))
    world.end(room, minute(3))
    assert [each.participant.name for each in zoom.report(room).sightings] == ["Owner", "Bo"]


def test_whoever_comes_by_the_hosts_address_is_the_host_and_the_licensed_user_is_nobody(zoom, world, room):
    world.leave(world.sit(room, host=True, at=NINE), minute(40))
    world.end(room, minute(41))
    (host,) = [each.participant for each in zoom.report(room).sightings]
    assert (host.identity, host.is_host, host.account, host.email) == ("host", True, None, None)


def test_an_account_without_reports_tells_by_its_past_meetings(zoom, world, room):
    (alice,) = zoom.register(room, people("Alice"))
    world.sit(room, registrant=alice.registrant_id, at=NINE)
    world.end(room, minute(60))
    told = stays(zoom.report(room))
    world.switch(no_reports=True)
    assert stays(zoom.report(room)) == told == [(f"registrant:{alice.registrant_id}", 0, 60)]


def test_nobody_is_asked_for_who_is_inside(zoom, room):
    assert zoom.inside(room) is None


def test_a_recording_is_told_to_the_host(zoom, world, room):
    assert zoom.recordings(room) == []
    world.leave(world.sit(room, "Bo"))
    address = world.record(room)
    assert [(each.kind, each.address) for each in zoom.recordings(room)] == [
        ("shared_screen_with_speaker_view", address)
    ]


def test_the_daily_limit_of_one_person_keeps_nobody_else_out(zoom, room):
    for _ in range(3):
        zoom.register(room, people("Alice"))
    both = people("Alice", "Bo")
    assert [each.user_id for each in zoom.register(room, both)] == [both[1].user_id]


def test_the_daily_limit_of_registrations_of_one_person_says_when(zoom, room):
    for _ in range(3):
        zoom.register(room, people("Alice"))
    with pytest.raises(ProviderError) as refused:
        zoom.register(room, people("Alice"))
    assert refused.value.again and refused.value.after
