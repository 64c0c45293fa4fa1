"""The stand-in Google: as strict as Google's own description of its APIs, and the same after a restart."""

import json
from datetime import timedelta

import pytest
import requests

from portal.rooms.google_meet import SCOPES
from portal.sandbox.meet import Meet, discovery
from portal.sandbox.meet.api import HANDLERS
from portal.sandbox.meet.store import SCOPES as DELEGATED
from tests.sandbox.meet.conftest import ORGANIZER


@pytest.fixture
def ask(server):
    """`ask("POST", "/v2/spaces", {…})` with a token for everything."""
    token = server.world.new_token(DELEGATED)

    def call(method, path, body=None, token=token, **params):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, server.url + path, json=body, params=params, headers=headers, timeout=30)

    return call


def event(**more):
    times = {"start": {"dateTime": "2026-11-30T18:00:00Z"}, "end": {"dateTime": "2026-11-30T19:00:00Z"}}
    return {"id": "abcde00", "summary": "Grand slam stories", **times, **more}


def test_every_method_of_the_extract_is_served():
    assert set(HANDLERS) == set(discovery.document()["methods"])


def test_the_two_scopes_the_portal_asks_for_are_enough_for_every_method():
    for method in discovery.document()["methods"].values():
        assert set(SCOPES) & set(method["scopes"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v2/spaces", {"config": {"accessTyp": "OPEN"}}),
        ("POST", "/v2/spaces", {"config": {"accessType": "EVERYBODY"}}),
        ("POST", "/v2/spaces", {"config": "OPEN"}),
        ("POST", "/calendar/v3/calendars/primary/events", event(sumary="misspelt")),
        ("POST", "/calendar/v3/calendars/primary/events", event(id="WXYZ0")),
        ("POST", "/calendar/v3/calendars/primary/events", event(end={"dateTime": "2026-11-30T17:00:00Z"})),
    ],
)
def test_a_body_google_does_not_know_is_refused(ask, method, path, body):
    assert ask(method, path, body).status_code == 400


def test_a_parameter_google_does_not_know_is_refused(ask):
    assert ask("GET", "/v2/conferenceRecords", page_size=10).status_code == 400


def test_an_address_google_does_not_have_is_not_found(ask):
    assert ask("DELETE", "/v2/spaces/abc").status_code == 404


def test_a_token_for_another_scope_is_refused(server, ask):
    other = server.world.new_token([SCOPES[0]])
    assert ask("POST", "/v2/spaces", {}, token=other).json()["error"]["status"] == "PERMISSION_DENIED"


def test_no_token_opens_nothing(ask):
    assert ask("GET", "/v2/conferenceRecords", token="ya29.guessed").status_code == 401


def test_an_answer_google_would_not_give_does_not_leave(server, ask, monkeypatch):
    monkeypatch.setitem(HANDLERS, "meet.spaces.create", lambda *_: {"name": "spaces/a", "adress": "misspelt"})
    assert ask("POST", "/v2/spaces", {}).status_code == 500


def test_the_id_of_a_deleted_event_stays_taken(ask):
    events = "/calendar/v3/calendars/primary/events"
    assert ask("POST", events, event()).status_code == 200
    assert ask("DELETE", f"{events}/abcde00").status_code == 204
    assert ask("DELETE", f"{events}/abcde00").status_code == 410
    assert ask("POST", events, event()).status_code == 409
    assert ask("GET", f"{events}/abcde00").json()["status"] == "cancelled"


def test_a_space_is_found_by_its_code(ask):
    space = ask("POST", "/v2/spaces", {}).json()
    assert ask("GET", f"/v2/spaces/{space['meetingCode']}").json() == space


def test_it_is_the_same_after_a_restart(server, ask, tmp_path, key_file):
    space = ask("POST", "/v2/spaces", {"config": {"accessType": "OPEN"}}).json()
    session = server.world.sit(space["meetingCode"], "Ana Duarte")
    again = Meet(tmp_path / "meet.sqlite3", key_file, ORGANIZER)
    again.leave(session)
    [record] = ask("GET", "/v2/conferenceRecords", filter=f'space.name = "{space["name"]}"').json()["conferenceRecords"]
    assert record["endTime"]


def test_time_is_what_the_clock_file_says(server, ask, clock_file):
    clock_file.write_text("86400")
    space = ask("POST", "/v2/spaces", {"config": {"accessType": "OPEN"}}).json()
    server.world.sit(space["meetingCode"], "Ana Duarte")
    [record] = ask("GET", "/v2/conferenceRecords").json()["conferenceRecords"]
    assert record["startTime"][:13] == f"{server.world.now():%Y-%m-%dT%H}"


def test_a_conference_ends_after_a_day(server, ask, clock_file):
    space = ask("POST", "/v2/spaces", {"config": {"accessType": "OPEN"}}).json()
    server.world.sit(space["meetingCode"], "Ana Duarte", at=server.world.now() - timedelta(hours=25))
    [record] = ask("GET", "/v2/conferenceRecords").json()["conferenceRecords"]
    assert record["endTime"]


def test_the_key_file_is_its_owners_alone_and_stays(tmp_path, key_file, server):
    before = key_file.read_text()
    Meet(tmp_path / "meet.sqlite3", key_file, ORGANIZER)
    assert key_file.stat().st_mode & 0o077 == 0
    assert json.loads(key_file.read_text()) == json.loads(before)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"},
        {"grant_type": "password"},
    ],
)
def test_no_token_is_given_for_what_the_key_did_not_sign(server, form):
    response = requests.post(f"{server.url}/token", data=form, timeout=30)
    assert response.status_code == 400
    assert "access_token" not in response.json()
