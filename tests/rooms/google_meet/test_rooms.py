"""A room at Google Meet is made once, follows its meeting, and goes."""

from datetime import timedelta
from uuid import uuid4

import pytest

from portal.rooms.platform import ProviderError, RoomGoneError
from portal.sandbox.meet.world import NotAdmittedError
from tests.rooms.google_meet.conftest import EVENING, NINE


def spaces(google):
    with google.books() as books:
        return len(books.rows("select * from spaces"))


def test_a_room_is_a_space_and_an_event_without_guests(meet, google, events):
    room = meet.create(EVENING)
    assert room.address.startswith(google.url)
    [event] = events()
    assert event["summary"] == EVENING.title
    assert event["location"] == room.address
    assert event["start"] == {"dateTime": NINE.isoformat(), "timeZone": "Europe/Istanbul"}
    assert event["visibility"] == "private"
    assert "attendees" not in event


@pytest.mark.parametrize("is_private", [False, True])
def test_members_come_in_without_knocking(meet, google, is_private):
    room = meet.create(EVENING._replace(is_private=is_private))
    assert google.sit(room.address.rpartition("/")[2], "Ana Duarte")


def test_each_meeting_has_a_room_of_its_own(meet, room):
    assert meet.create(EVENING._replace(meeting_id=uuid4())).address != room.address


def test_making_it_again_finds_it(meet, room, events):
    assert meet.create(EVENING) == room
    assert len(events()) == 1


def test_when_the_answer_was_lost_the_next_try_finds_the_room(meet, google, events):
    google.switch(api="lost_answer")
    with pytest.raises(ProviderError) as lost:
        meet.create(EVENING)
    assert lost.value.again
    google.switch()
    room = meet.create(EVENING)
    [event] = events()
    assert event["location"] == room.address
    assert spaces(google) == 1


def test_two_tries_at_once_make_one_room(meet, settings, events, monkeypatch):
    rival = type(meet)(settings)
    first = []

    def beaten(event_id, plan, insert=meet._insert):
        first.append(rival.create(plan))
        return insert(event_id, plan)

    monkeypatch.setattr(meet, "_insert", beaten)
    assert [meet.create(EVENING)] == first
    assert len(events()) == 1


def test_a_moved_meeting_keeps_its_address(meet, room, events):
    later = EVENING._replace(starts_at=NINE + timedelta(hours=1), title="An hour later", minutes=30)
    assert meet.change(room.provider_id, later) == room
    [event] = events()
    assert event["summary"] == "An hour later"
    assert event["end"]["dateTime"] == (NINE + timedelta(minutes=90)).isoformat()


def test_a_later_try_to_make_it_brings_it_to_the_plan(meet, room, events):
    meet.create(EVENING._replace(title="Another title"))
    assert [event["summary"] for event in events()] == ["Another title"]


def test_a_removed_room_lets_nobody_in_and_everybody_out(meet, google, room, code, events):
    google.sit(code, "Ana Duarte")
    meet.remove(room.provider_id)
    assert events() == []
    assert meet.report(room.provider_id).is_whole
    with pytest.raises(NotAdmittedError):
        google.sit(code, "Ana Duarte")


def test_removing_it_twice_is_no_error(meet, room):
    meet.remove(room.provider_id)
    meet.remove(room.provider_id)


def test_removing_what_never_was_is_no_error(meet):
    meet.remove("0123456789abcdef00/Nowhere")


def test_a_room_that_was_removed_is_made_anew(meet, room, events):
    meet.remove(room.provider_id)
    anew = meet.create(EVENING)
    assert anew.address != room.address
    assert [event["location"] for event in events()] == [anew.address]


def test_a_room_removed_again_and_again_is_given_up(meet, room, monkeypatch):
    monkeypatch.setattr("portal.rooms.google_meet.GENERATIONS", 1)
    meet.remove(room.provider_id)
    with pytest.raises(ProviderError, match="deleted too often") as refused:
        meet.create(EVENING)
    assert not refused.value.again


def test_a_room_deleted_by_hand_is_gone(meet, room):
    meet._ask("DELETE", f"{meet._events}/{room.provider_id.partition('/')[0]}")
    with pytest.raises(RoomGoneError):
        meet.change(room.provider_id, EVENING)


def test_an_event_emptied_by_hand_is_gone_and_replaced(meet, room, events):
    event_id = room.provider_id.partition("/")[0]
    meet._ask("PATCH", f"{meet._events}/{event_id}", json={"extendedProperties": {"private": {}}})
    with pytest.raises(RoomGoneError):
        meet.change(room.provider_id, EVENING)
    assert meet.create(EVENING).address != room.address


def test_hosts_and_members_have_no_address_of_their_own(meet, room):
    assert meet.host_address(room.provider_id) is None
    assert meet.register(room.provider_id, []) is None
