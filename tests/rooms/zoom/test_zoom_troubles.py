"""Whatever goes wrong at Zoom is a sentence, and says whether and when another try may help."""

import socket
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest

from portal.rooms import zoom_client
from portal.rooms.platform import ProviderError
from portal.rooms.zoom import Zoom, _lacking
from tests.support.zoom import people, plan, zoom_settings

MARKETPLACE = "Zoom App Marketplace"


@contextmanager
def one_answer(answer):
    """A server that says this to whoever comes first; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def say():
            line, _ = listening.accept()
            with line:
                line.recv(4096)
                line.sendall(answer.encode())

        saying = threading.Thread(target=say)
        saying.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        saying.join()


def refusal(zoom):
    """What making a room ends with."""
    with pytest.raises(ProviderError) as refused:
        zoom.create(plan())
    return refused.value


@pytest.mark.parametrize(
    ("fault", "again", "words"),
    [
        ("error", True, "fault of its own just now (status 500)"),
        ("down", True, "cannot be reached"),
        ("busy", True, "asked too often"),
        ("limit", True, "daily limit"),
        ("revoked", False, "ZOOM_CLIENT_ID"),
        ("disabled", False, "not activated"),
        ("contended", True, "took the app's token back"),
        ("scopes", False, "lacks a scope: meeting:read:list_meetings, meeting:read:list_meetings:admin"),
    ],
)
def test_a_fault_is_a_sentence(zoom, world, fault, again, words):
    world.switch(api=fault)
    refused = refusal(zoom)
    assert words in refused.sentence and refused.again is again


def test_too_many_requests_wait_as_long_as_zoom_says(zoom, world):
    world.switch(api="busy")
    assert refusal(zoom).after == timedelta(seconds=2)


@pytest.mark.parametrize("fault", ["revoked", "disabled"])
def test_credentials_taken_back_while_a_token_lives_are_noticed(zoom, world, fault):
    zoom.create(plan())
    world.switch(api=fault)
    assert MARKETPLACE in refusal(zoom).sentence


def test_a_token_that_died_early_is_replaced_once(zoom, world):
    zoom.create(plan())
    world.state["tokens"].clear()
    zoom.create(plan())
    assert len(world.state["tokens"]) == 1


def test_one_token_serves_until_its_end(zoom, world):
    for _ in range(3):
        zoom.create(plan())
    assert len(world.state["tokens"]) == 1


def test_nobody_listening_is_a_sentence():
    assert "cannot be reached" in refusal(Zoom(zoom_settings("http://127.0.0.1:9"))).sentence


def test_who_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(zoom_client, "TIMEOUTS", (1, 0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert refusal(Zoom(zoom_settings(f"http://127.0.0.1:{silent.getsockname()[1]}"))).again


def test_slow_is_not_broken(zoom, world):
    world.switch(api="slow")
    assert zoom.create(plan()).address


def test_a_host_zoom_does_not_know_is_named_by_the_setting(server):
    refused = refusal(Zoom(zoom_settings(server.url, "nobody@club.example")))
    assert "ZOOM_HOSTS" in refused.sentence and "nobody@" not in refused.sentence and not refused.again


def test_a_refused_field_is_not_tried_again(zoom):
    with pytest.raises(ProviderError) as refused:
        zoom.create(plan(minutes=-1))
    assert "code 300" in refused.value.sentence and not refused.value.again


def test_a_plan_without_both_reports_says_so(zoom, world):
    room = zoom.create(plan()).provider_id
    world.leave(world.sit(room, "Bo"))
    world.switch(no_reports=True, api="scopes")
    with pytest.raises(ProviderError) as refused:
        zoom.report(room)
    assert "lacks a scope" in refused.value.sentence and not refused.value.again


def test_an_address_elsewhere_is_not_followed():
    """A redirect would carry what is asked to whoever it names."""
    with one_answer("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n") as url:
        assert "status 302" in refusal(Zoom(zoom_settings(url))).sentence


@pytest.mark.parametrize("body", ["", "[]", "<html>"])
def test_an_answer_nobody_can_read_is_a_sentence(body):
    with one_answer(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}") as url:
        assert "cannot read" in refusal(Zoom(zoom_settings(url))).sentence


def test_no_secret_and_no_address_stands_in_what_is_told(zoom, world, caplog):
    caplog.set_level("DEBUG")
    room = zoom.create(plan())
    zoom.register(room.provider_id, people("Alice"))
    (token,) = world.state["tokens"]
    for secret in (token, room.address, "tk=", "zak=", "sandbox-secret", "alice@club.example"):
        assert secret not in caplog.text


# --- what keeps it from working ------------------------------------------------------------------------------------------


def test_nothing_is_missing_where_all_is_there(zoom):
    assert zoom.missing() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"zoom_secret": "wrong"}, "ZOOM_CLIENT_SECRET"),
        ({"zoom_client": "wrong"}, "ZOOM_CLIENT_ID"),
        ({"zoom_account": "wrong"}, "ZOOM_ACCOUNT_ID"),
        ({"zoom_webhook_secret": ""}, "ZOOM_WEBHOOK_SECRET"),
        ({"zoom_hosts": ("nobody@club.example",)}, "ZOOM_HOSTS"),
        ({"zoom_url": "http://127.0.0.1:9"}, "cannot be reached"),
    ],
)
def test_what_is_missing_is_a_sentence(server, changes, words):
    (sentence,) = Zoom(zoom_settings(server.url, **changes)).missing()
    assert words in sentence


def test_all_missing_scopes_are_named_at_once(zoom, world):
    world.switch(api="scopes")
    (sentence,) = zoom.missing()
    for scope in ("meeting:write:meeting", "meeting:write:batch_registrants", "report:read:list_meeting_participants"):
        assert scope in sentence


def test_the_classic_scopes_are_enough():
    classic = "meeting:write:admin meeting:read:admin report:read:admin recording:read:admin"
    assert _lacking(frozenset(classic.split())) == []
