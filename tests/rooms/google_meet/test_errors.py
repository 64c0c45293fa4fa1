"""What Google's refusals come to: whether to try again, when, and a sentence for whoever may mend it."""

import dataclasses
import json
import logging
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from portal.rooms.google_meet import TIMEOUT, GoogleMeet
from portal.rooms.platform import ProviderError
from portal.sandbox.meet.api import HANDLERS
from tests.rooms.google_meet.conftest import EVENING

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("fault", "again", "after", "sentence"),
    [
        ("500", True, None, "problem of its own"),
        ("down", True, None, "cannot be reached"),
        ("quota", True, MINUTE, "no more requests for the moment"),
        ("used_up", True, timedelta(hours=1), "The quota at Google is used up"),
        ("disabled", False, None, "The Google Calendar API is not enabled"),
        ("revoked", False, None, "no longer lets the service account act"),
    ],
)
def test_what_is_wrong_is_told_apart(meet, google, room, fault, again, after, sentence):
    google.switch(api=fault)
    with pytest.raises(ProviderError) as refused:
        meet.change(room.provider_id, EVENING)
    assert sentence in refused.value.sentence
    assert (refused.value.again, refused.value.after) == (again, after)


def test_meets_own_refusals_have_another_shape(meet, google, room):
    google.switch(api="quota")
    with pytest.raises(ProviderError, match="no more requests") as refused:
        meet.report(room.provider_id)
    assert refused.value.after == MINUTE
    google.switch(api="disabled")
    with pytest.raises(ProviderError, match="The Google Meet REST API is not enabled"):
        meet.report(room.provider_id)


def test_an_organizer_without_a_calendar_is_told(meet):
    meet._events = meet._events.replace("primary", "nobody@aydin.club")
    with pytest.raises(ProviderError, match="no calendar or no Meet for the organizer") as refused:
        meet.create(EVENING)
    assert not refused.value.again


def test_an_answer_that_lacks_the_address_is_an_error(meet, monkeypatch):
    monkeypatch.setitem(HANDLERS, "meet.spaces.create", lambda *_: {"name": "spaces/a"})
    with pytest.raises(ProviderError, match="has no meetingUri"):
        meet.create(EVENING)


def test_a_time_that_is_none_is_an_error(meet, google, room, code):
    google.sit(code, "Ana Duarte")
    with google.books() as books:
        books.run("update sessions set started = 'yesterday'")
    with pytest.raises(ProviderError, match="a time that is none"):
        meet.report(room.provider_id)


def test_a_slow_answer_is_given_up(meet, google, room, monkeypatch):
    monkeypatch.setattr("portal.rooms.google_meet.TIMEOUT", 0.2)
    google.slow_seconds = 1
    google.switch(api="slow")
    with pytest.raises(ProviderError, match="cannot be reached") as slow:
        meet.report(room.provider_id)
    assert slow.value.again


def test_a_slow_answer_of_eight_seconds_is_waited_for():
    assert TIMEOUT > 8


def test_nobody_listening_is_tried_again(settings):
    nobody = GoogleMeet(dataclasses.replace(settings, google_url="http://127.0.0.1:9"))
    with pytest.raises(ProviderError, match="cannot be reached") as refused:
        nobody.create(EVENING)
    assert refused.value.again


def test_an_access_token_that_was_forgotten_is_asked_for_anew(meet, google, room):
    with google.books() as books:
        books.run("delete from tokens")
    assert meet.create(EVENING) == room


@pytest.fixture
def elsewhere():
    """Another server: what it was asked, and its address. It answers everything with what Google might."""
    calls = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            calls.append(self.path)
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/here")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_POST(self):
            self.do_GET()

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.1,), daemon=True).start()
    yield calls, f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_no_redirect_is_followed(meet, elsewhere):
    calls, url = elsewhere
    with pytest.raises(ProviderError, match="something that is not its API"):
        meet._ask("GET", f"{url}/moved")
    assert calls == ["/moved"]


def test_the_token_is_asked_for_nowhere_else(settings, elsewhere):
    calls, url = elsewhere
    meet = GoogleMeet(settings)
    meet._token_url = f"{url}/moved"
    with pytest.raises(ProviderError, match="cannot be reached"):
        meet.create(EVENING)
    assert calls == ["/moved"]


def test_neither_key_nor_token_nor_address_is_logged(meet, google, settings, caplog):
    caplog.set_level(logging.DEBUG)
    room = meet.create(EVENING)
    google.switch(api="revoked")
    with pytest.raises(ProviderError) as refused:
        meet.report(room.provider_id)
    with google.books() as books:
        tokens = [row["token"] for row in books.rows("select token from tokens")]
    secret = json.loads(settings.google_account.read_text())["private_key"].splitlines()[1]
    logged = caplog.text + str(refused.value) + repr(refused.value.__cause__)
    assert tokens
    assert not [word for word in (*tokens, secret, room.address.rpartition("/")[2]) if word in logged]
