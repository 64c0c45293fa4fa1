"""Rooms are made, found again, changed and removed at Zoom."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from portal.clock import at
from portal.rooms.platform import ProviderError, RoomGoneError
from portal.rooms.zoom import Zoom
from tests.support.zoom import STARTS_AT, people, plan, zoom_server, zoom_settings


def the_meeting(world):
    (meeting,) = world.state["meetings"].values()
    return meeting


def test_a_room_is_made_as_planned(zoom, world):
    room = zoom.create(plan("Supper"))
    made = the_meeting(world)
    assert (room.provider_id, room.address) == (str(made["id"]), made["join_url"])
    assert (made["topic"], made["duration"], made["timezone"]) == ("Supper", 60, "Europe/Istanbul")
    assert datetime.fromisoformat(made["start_time"]) == STARTS_AT


def test_nobody_is_mailed_recorded_or_let_in_without_the_host(zoom, world):
    zoom.create(plan())
    settings = the_meeting(world)["settings"]
    assert settings["registrants_confirmation_email"] is settings["registrants_email_notification"] is False
    assert settings["join_before_host"] is settings["use_pmi"] is False and settings["auto_recording"] == "none"


def test_a_try_whose_answer_was_lost_is_found_again(zoom, world):
    wanted = plan()
    assert zoom.create(wanted) == zoom.create(wanted)
    assert len(world.state["meetings"]) == 1


def test_what_is_found_again_is_brought_to_the_plan_of_now(zoom, world):
    wanted = plan("Supper")
    zoom.create(wanted)
    zoom.create(wanted._replace(title="Late supper", starts_at=STARTS_AT + timedelta(hours=1)))
    assert the_meeting(world)["topic"] == "Late supper" and the_meeting(world)["start_time"].endswith("T19:00:00Z")


def test_it_is_found_behind_many_others(zoom, world):
    wanted = plan(starts_at=STARTS_AT + timedelta(days=3))
    room = zoom.create(wanted)
    for _ in range(4):
        zoom.create(plan())
    world.most_rows = 2
    assert zoom.create(wanted) == room


def test_a_room_follows_its_meeting(zoom, world):
    wanted = plan("Supper")
    room = zoom.create(wanted)
    assert zoom.change(room.provider_id, wanted._replace(title="Breakfast", minutes=30)) == room
    assert (the_meeting(world)["topic"], the_meeting(world)["duration"]) == ("Breakfast", 30)


def test_a_room_that_is_as_planned_costs_no_change(zoom, world):
    wanted = plan()
    room = zoom.create(wanted)
    before = dict(world.state["made"])
    zoom.change(room.provider_id, wanted)
    assert world.state["made"] == before


def test_a_removed_room_is_gone_and_removing_it_again_is_no_error(zoom, world):
    room = zoom.create(plan())
    zoom.register(room.provider_id, people("Alice"))
    zoom.remove(room.provider_id)
    zoom.remove(room.provider_id)
    with pytest.raises(RoomGoneError):
        zoom.change(room.provider_id, plan())
    assert world.sent == []


def test_a_room_deleted_by_hand_is_made_anew(zoom, world):
    wanted = plan()
    room = zoom.create(wanted)
    world.delete(room.provider_id, remind=False)
    assert zoom.create(wanted) != room


def test_the_hosts_address_opens_the_meeting_and_is_good_for_a_while(zoom, server):
    room = zoom.create(plan())
    with at(datetime(2026, 12, 1, 18, tzinfo=UTC)):
        host = zoom.host_address(room.provider_id)
    assert host.address.startswith(f"{server.url}/s/{room.provider_id}?zak=")
    assert host.until == datetime(2026, 12, 1, 19, 30, tzinfo=UTC)


def test_rooms_are_spread_over_the_hosts_and_each_stays_with_its_own():
    hosts = ("ana@club.example", "bo@club.example")
    with zoom_server("", *hosts) as server:
        zoom = Zoom(zoom_settings(server.url, *hosts))
        wanted = [plan(meeting_id=UUID(int=n)) for n in range(8)]
        rooms = [zoom.create(each) for each in wanted]
        assert [zoom.create(each) for each in wanted] == rooms
        assert {each["host_email"] for each in server.world.state["meetings"].values()} == {*hosts}


def test_the_hundred_and_first_of_a_day_waits_for_the_next(zoom, world):
    world.state["made"] = {f"{datetime.now(UTC):%Y-%m-%d} owner@zoom.example": 100}
    with pytest.raises(ProviderError, match="daily limit") as refused:
        zoom.create(plan())
    assert refused.value.again and timedelta(0) < refused.value.after <= timedelta(days=1)


def test_where_the_plan_has_no_registration_the_room_is_made_all_the_same(zoom, world):
    world.switch(no_registration=True)
    room = zoom.create(plan())
    assert room.address == the_meeting(world)["join_url"]
    assert zoom.register(room.provider_id, people("Alice")) is None


def test_a_long_title_is_cut_to_what_zoom_takes(zoom, world):
    zoom.create(plan("Ä" * 300))
    assert the_meeting(world)["topic"] == "Ä" * 200
