"""The stand-in is as strict as Zoom, speaks its words, and has rooms where people sit, without scripts."""

import json
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from portal.rooms.zoom import Zoom
from portal.sandbox.zoom import ACCOUNT, CLIENT, SECRET, Server, World
from portal.sandbox.zoom.world import sign
from tests.support.zoom import WEBHOOK_SECRET, people, plan, zoom_server, zoom_settings

WORDS = json.loads((Path(__file__).parent / "zoom_words.json").read_text())
"""The names the stand-in uses, each looked up in the types of the npm package @zoom/rivet 0.4.0 (meetings/meetings.d.ts)."""


@pytest.fixture
def ask(server):
    """`ask("GET", "/users/me/meetings")`: as an app with a token."""
    form = {"grant_type": "account_credentials", "account_id": ACCOUNT}
    token = requests.post(f"{server.url}/oauth/token", data=form, auth=(CLIENT, SECRET)).json()["access_token"]

    def send(method, path, **more):
        return requests.request(
            method,
            f"{server.url}/v2{path}",
            headers={"Authorization": f"Bearer {token}"},
            allow_redirects=False,
            **more,
        )

    return send


@pytest.fixture
def room(zoom):
    """A room with Alice's address into it."""
    made = zoom.create(plan("Supper"))
    (alice,) = zoom.register(made.provider_id, people("Alice"))
    return made, alice


def told(world):
    """The events so far, in order."""
    return [each["event"].removeprefix("meeting.") for each in world.state["events"].values()]


# --- as strict as the real one ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"topic": "x", "colour": "red"},
        {"topic": "x" * 201},
        {"type": "2"},
        {"duration": "60"},
        {"start_time": "tomorrow"},
        {"settings": {"approval_type": 7}},
        {"settings": {"registrants_confirmation_email": 0}},
        {"settings": {"mail_everybody": False}},
    ],
)
def test_what_zoom_does_not_know_is_refused(ask, world, body):
    answer = ask("POST", "/users/me/meetings", json=body)
    assert answer.status_code == 400 and answer.json()["code"] == 300
    assert world.state["meetings"] == {}


def test_without_a_token_nothing_is_told(server, room):
    for token in ("", "Bearer made-up"):
        answer = requests.get(f"{server.url}/v2/users/me/meetings", headers={"Authorization": token})
        assert answer.status_code == 401 and answer.json()["code"] == 124


def test_a_batch_holds_thirty_and_is_taken_whole_or_not_at_all(ask, world, room):
    number = room[0].provider_id
    crowd = [{"email": f"g{n}@club.example", "first_name": "G"} for n in range(31)]
    assert ask("POST", f"/meetings/{number}/batch_registrants", json={"registrants": crowd}).status_code == 400
    crowd[3] = {"email": "owner@zoom.example", "first_name": "Host"}
    assert ask("POST", f"/meetings/{number}/batch_registrants", json={"registrants": crowd[:5]}).json()["code"] == 3027
    assert len(world.meeting(number)["_registrants"]) == 1


def test_who_forgets_to_say_that_nobody_is_mailed_has_mailed(ask, world, room):
    ask(
        "POST",
        f"/meetings/{room[0].provider_id}/batch_registrants",
        json={"registrants": [{"email": "bob@club.example", "first_name": "Bob"}]},
    )
    assert [mail["to"] for mail in world.sent] == ["bob@club.example"]


def test_a_name_that_begins_with_a_slash_must_be_encoded_twice(ask, world, room):
    world.leave(world.sit(room[0].provider_id, "Bo"))
    uuid = world.meeting(room[0].provider_id)["uuid"]
    once = requests.utils.quote(uuid, safe="")
    assert ask("GET", f"/report/meetings/{once}/participants").status_code == 404
    assert ask("GET", f"/report/meetings/{requests.utils.quote(once, safe='')}/participants").status_code == 200


# --- in its words -----------------------------------------------------------------------------------------------------------


def fields_of(value, name=""):
    """Every field of an answer, with its place."""
    if isinstance(value, list):
        return set().union(*(fields_of(each, name) for each in value)) if value else set()
    if isinstance(value, dict) and value:
        return set().union(*(fields_of(inner, f"{name}.{key}".lstrip(".")) for key, inner in value.items()))
    return {name}


def test_what_it_answers_has_zooms_names(ask, world, room):
    made, alice = room
    world.leave(world.sit(made.provider_id, registrant=alice.registrant_id))
    world.record(made.provider_id)
    number, uuid = (
        made.provider_id,
        requests.utils.quote(requests.utils.quote(world.meeting(made.provider_id)["uuid"], safe=""), safe=""),
    )
    answers = {
        "meeting": ask("GET", f"/meetings/{number}"),
        "list": ask("GET", "/users/me/meetings"),
        "registrant": ask(
            "POST", f"/meetings/{number}/registrants", json={"email": "b@club.example", "first_name": "B"}
        ),
        "instances": ask("GET", f"/past_meetings/{number}/instances"),
        "past": ask("GET", f"/past_meetings/{uuid}/participants"),
        "report": ask("GET", f"/report/meetings/{uuid}/participants?include_fields=registrant_id"),
        "recordings": ask("GET", f"/meetings/{number}/recordings"),
    }
    for name, answer in answers.items():
        assert answer.ok and fields_of(answer.json()) - {*WORDS[name]} == set(), name


def test_what_it_tells_has_zooms_names(zoom, world, room):
    world.hook = "somewhere"
    made, alice = room
    world.switch(host="never")
    world.leave(world.sit(made.provider_id, registrant=alice.registrant_id))
    world.switch()
    world.leave(world.sit(made.provider_id, registrant=alice.registrant_id))
    world.record(made.provider_id)
    zoom.remove(made.provider_id)
    for event in world.state["events"].values():
        body = json.loads(event["body"])
        assert fields_of(body) - {*WORDS[event["event"]]} == set(), event["event"]


# --- rooms -------------------------------------------------------------------------------------------------------------------


def page(browser, url, **form):
    return browser.post(url, data=form) if form else browser.get(url)


def action(answer, word):
    """Where the form with this word in its address leads."""
    start = answer.text.index(f'action="/{word}/') + len('action="')
    return "/".join(answer.url.split("/")[:3]) + answer.text[start : answer.text.index('"', start)]


def test_opening_is_coming_in_leaving_is_told_and_coming_back_is_another_stay(world, room):
    world.hook = "somewhere"
    made, alice = room
    browser = requests.Session()
    inside = browser.get(alice.address)
    assert "You are in the meeting as <b>Alice</b>" in inside.text
    browser.get(alice.address)  # loaded again
    left = browser.post(action(inside, "leave"))
    assert "You left" in left.text
    browser.get(alice.address)
    assert told(world) == [
        "started",
        "participant_joined",
        "participant_left",
        "ended",
        "started",
        "participant_joined",
    ]
    stays = [stay for each in world.meeting(made.provider_id)["_instances"] for stay in each["stays"]]
    assert len({stay["participant_uuid"] for stay in stays}) == 2


def test_by_everybodys_address_one_registers_first(world, room):
    made, _ = room
    browser = requests.Session()
    assert "Register to join" in browser.get(made.address).text
    assert browser.post(made.address, data={"name": "Tom", "email": ""}).status_code == 422
    assert "as <b>Tom</b>" in browser.post(made.address, data={"name": "Tom", "email": "tom@home.example"}).text
    assert world.sent == []


def test_without_registration_a_name_is_enough(zoom, world):
    world.switch(no_registration=True)
    made = zoom.create(plan("Supper"))
    browser = requests.Session()
    assert browser.post(made.address, data={"name": " "}).status_code == 422
    assert "as <b>iPad von Tom</b>" in browser.post(made.address, data={"name": "iPad von Tom"}).text
    assert browser.get(made.address.replace("pwd=", "pwd=0")).status_code == 403


def test_without_the_host_people_wait_and_come_in_with_the_host(zoom, world, room):
    made, alice = room
    world.switch(host="never")
    browser = requests.Session()
    assert "You are in the waiting room" in browser.get(alice.address).text
    host = requests.get(zoom.host_address(made.provider_id).address)
    assert "its host" in host.text and "Alice" in host.text
    assert "You are in the meeting" in browser.get(alice.address).text


def test_the_host_ends_it_for_all(zoom, world, room):
    made, alice = room
    host, guest = requests.Session(), requests.Session()
    guest.get(alice.address)
    host.post(action(host.get(zoom.host_address(made.provider_id).address), "end"))
    assert all(stay["leave_time"] for stay in world.meeting(made.provider_id)["_instances"][0]["stays"])


def test_a_hosts_address_is_dead_after_two_hours(zoom, room, tmp_path, server):
    server.world._clock = tmp_path / "clock"
    address = zoom.host_address(room[0].provider_id).address
    server.world._clock.write_text(str(7300))
    assert requests.get(address).status_code == 410


def test_a_meeting_nobody_ended_is_over_soon_after_its_time(zoom, world, room, tmp_path):
    made, alice = room
    seat = world.sit(made.provider_id, registrant=alice.registrant_id)
    world._clock = tmp_path / "clock"
    world._clock.write_text(str(3 * 86400))
    world.advance()
    _, _, stay = world.stay(seat)
    ends = datetime.fromisoformat(world.meeting(made.provider_id)["start_time"]) + timedelta(minutes=65)
    assert datetime.fromisoformat(stay["leave_time"]) == ends


def test_a_form_from_elsewhere_changes_nothing(server, world):
    answer = requests.post(
        f"{server.url}/switch", data={"api": "down"}, headers={"Origin": "https://elsewhere.example"}
    )
    assert answer.status_code == 403 and world.switches["api"] == "ok"
    assert requests.post(f"{server.url}/_seat", data={"meeting": "1"}).status_code == 415


def test_a_script_seats_people(server, world, room):
    number = room[0].provider_id
    seat = requests.post(f"{server.url}/_seat", json={"meeting": number, "name": "Tom", "at": "2026-12-01T18:00:00Z"})
    uuid = seat.json()["participant_uuid"]
    requests.post(f"{server.url}/_leave", json={"participant_uuid": uuid, "at": "2026-12-01T18:10:00Z"})
    _, _, stay = world.stay(uuid)
    assert (stay["join_time"], stay["leave_time"]) == ("2026-12-01T18:00:00Z", "2026-12-01T18:10:00Z")


def test_the_switches_stand_on_a_page(server, world, room):
    browser = requests.Session()
    assert "Supper" in browser.get(server.url).text
    browser.post(f"{server.url}/switch", data={"api": "busy", "events": "late", "no_reports": "on"})
    assert world.switches == {
        "api": "busy",
        "events": "late",
        "host": "here",
        "no_registration": False,
        "no_reports": True,
    }
    browser.post(f"{server.url}/meetings/{room[0].provider_id}/delete")
    assert "None yet." in browser.get(server.url).text
    assert "Nothing, as it should be." in browser.get(f"{server.url}/_sent").text


def test_it_remembers(tmp_path):
    first = Server(World(tmp_path / "zoom.json")).start()
    made = Zoom(zoom_settings(first.url)).create(plan())
    first.stop()
    assert str(World(tmp_path / "zoom.json").meeting(made.provider_id)["id"]) == made.provider_id


# --- telling -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def listening():
    """Who listens, answers each with the next status (then 200), and checks who tells; what was heard."""
    heard, statuses = [], []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            at = int(self.headers["x-zm-request-timestamp"])
            assert self.headers["x-zm-signature"] == sign(body, WEBHOOK_SECRET, at)["x-zm-signature"]
            heard.append(json.loads(body)["event"])
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()

        def log_message(self, *_args):
            pass

    endpoint = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{endpoint.server_port}/hook", heard, statuses
    endpoint.shutdown(), endpoint.server_close()


def test_events_are_told_signed_and_again_when_they_failed(listening, tmp_path):
    hook, heard, statuses = listening
    with zoom_server(hook) as server:
        world = server.world
        world._clock = tmp_path / "clock"
        number = Zoom(zoom_settings(server.url)).create(plan()).provider_id
        world.sit(number, "Bo")
        statuses[:] = [500, 200]
        assert (server.tell(), server.tell()) == (2, 0)
        world._clock.write_text("301")
        server.tell()
    assert heard == ["meeting.started", "meeting.participant_joined", "meeting.started"]


@pytest.mark.parametrize(("how", "times"), [("lost", 0), ("late", 0), ("doubled", 2)])
def test_events_misbehave_when_told_to(listening, how, times):
    hook, heard, _ = listening
    with zoom_server(hook) as server:
        number = Zoom(zoom_settings(server.url)).create(plan()).provider_id
        server.world.switch(events=how)
        server.world.sit(number, "Bo")
        server.tell()
    assert heard.count("meeting.started") == times


def test_it_asks_whether_the_hook_knows_the_secret(listening):
    with zoom_server(listening[0]) as server:
        assert not server.validate()
