"""What a page with a stream sees, and when its stream ends."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal.live.cached_fragments import CachedFragments
from portal.live.token import Audience

from .conftest import Place, Reader, answers, ticket, until


def test_a_stream_begins_with_how_things_stand(place):
    assert place.open().sees() == "2 seats taken (Europe/Berlin)"


def test_it_begins_so_for_the_second_reader_too(place):
    place.open().sees()
    assert place.open().sees() == "2 seats taken (Europe/Berlin)"


def test_a_change_reaches_two_readers_by_itself(place, club):
    readers = [place.open(), place.open()]
    assert {reader.sees() for reader in readers} == {"2 seats taken (Europe/Berlin)"}
    club.meetings["supper"] = "3 seats taken"
    place.tell(place.live.changed, "supper")
    assert {reader.sees() for reader in readers} == {"3 seats taken (Europe/Berlin)"}


def test_a_burst_is_drawn_a_few_times_and_ends_with_the_last_state(place, club):
    reader = place.open()
    reader.sees()
    for seats in range(3, 203):
        club.meetings["supper"] = f"{seats} seats taken"
        place.tell(place.live.changed, "supper")
    while "202" not in reader.sees():
        pass
    assert len(club.drawn) <= 5


def test_what_looks_the_same_is_not_sent_again(place, club):
    reader = place.open()
    reader.sees()
    place.tell(place.live.changed, "supper")
    assert until(lambda: len(club.drawn) == 2)
    club.meetings["supper"] = "3 seats taken"
    place.tell(place.live.changed, "supper")
    assert reader.sees() == "3 seats taken (Europe/Berlin)"


def test_every_audience_is_drawn_once_for_all_its_readers(place, club):
    tokyo = Audience("Asia/Tokyo", names_shown=True)
    readers = [place.open() for _ in range(3)] + [place.open(audience=tokyo)]
    assert [reader.sees()[15:-1] for reader in readers] == ["Europe/Berlin"] * 3 + ["Asia/Tokyo"]
    assert len(club.drawn) == 2


def test_a_change_elsewhere_draws_nothing_here(place, club):
    place.open("choir").sees()
    place.open("supper").sees()
    place.tell(place.live.changed, "choir")
    assert until(lambda: len(club.drawn) == 3)
    assert club.drawn[-1][0] == "choir"


def test_the_clock_alone_changes_a_picture(place, club):
    club.next_change = datetime.now(UTC) + timedelta(seconds=0.3)
    reader = place.open()
    reader.sees()
    club.meetings["supper"] = "open now"
    club.next_change = None
    assert reader.sees() == "open now (Europe/Berlin)"


def test_html_of_many_lines_arrives_whole(place, club):
    club.meetings["supper"] = "<p>\n2 seats\r\n\ntaken</p>"
    assert place.open().sees() == "<p>\n2 seats\n\ntaken</p> (Europe/Berlin)"


def test_an_event_tells_its_revision_and_when_to_come_back(place, club):
    retry, revision, data = place.open().lines()
    assert retry.startswith("retry: ")
    assert revision.startswith("id: ")
    assert place.open().lines()[1:] == [revision, data]


def test_a_quiet_stream_has_a_heartbeat(make_live):
    with Place(make_live(tick_seconds=0.1, heartbeat_seconds=0.2)) as place:
        reader = place.open()
        reader.sees()
        assert reader.response.readline() == b": \n"


def test_maintenance_ends_every_stream_and_opens_none(make_live):
    closed = threading.Event()
    with Place(make_live(tick_seconds=0.1, in_maintenance=closed.is_set)) as place:
        reader = place.open()
        reader.sees()
        closed.set()
        assert reader.lines() == []
        assert place.open().response.status == 503
        closed.clear()
        assert place.open().response.status == 200


def tell_patiently(fragments, readers, message):
    """What must not be done: wait for one reader before the next is served."""

    async def tell(before, readers):
        if before:
            await before
        with suppress(RuntimeError):  # the deaf one hung up in the end
            for reader in readers:
                await reader.send(message)

    fragments.told = asyncio.ensure_future(tell(getattr(fragments, "told", None), list(readers)))


held_up = pytest.mark.xfail(raises=TimeoutError, strict=True)


@pytest.mark.parametrize("tell", [CachedFragments.tell, pytest.param(tell_patiently, marks=held_up)])
def test_a_reader_who_stopped_reading_is_dropped_and_holds_up_nobody(place, club, monkeypatch, tell):
    monkeypatch.setattr(CachedFragments, "tell", tell)
    lively = place.open()
    lively.sees()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", place.port))
        deaf.sendall(f"GET /live/meetings?token={ticket()} HTTP/1.1\r\nHost: portal\r\n\r\n".encode())
        assert until(lambda: place.live.clients == 2)
        for seats in range(40):
            club.meetings["supper"] = f"{seats} " + "x" * 500_000
            place.tell(place.live.changed, "supper")
            assert lively.sees().startswith(f"{seats} ")
            if place.live.clients == 1:
                break
        assert place.live.clients == 1


def test_an_ended_sign_in_ends_its_streams_and_no_others(place, club):
    alice, also_alice, bob = place.open(), place.open("choir"), place.open(sign_in="bob")
    assert all(reader.sees() for reader in (alice, also_alice, bob))
    place.tell(place.live.signed_out, "alice")
    assert alice.lines() == also_alice.lines() == []
    club.meetings["supper"] = "3 seats taken"
    place.tell(place.live.changed, "supper")
    assert bob.sees() == "3 seats taken (Europe/Berlin)"


def test_a_sign_out_in_the_middle_of_admission_is_not_missed(make_live, club):
    async def check(_):
        answer = "alice" not in club.signed_out
        if answer:
            club.signed_out.add("alice")
            live.signed_out("alice")
        return [answer]

    live = make_live(check=check)
    with Place(live) as place:
        assert place.open().response.status == 403


def test_a_sign_out_missed_while_nobody_listened_is_made_good(place, club):
    reader = place.open()
    reader.sees()
    place.tell(place.live.listening, False)
    club.signed_out.add("alice")
    place.tell(place.live.listening, True)
    assert reader.lines() == []


def test_after_a_silence_the_database_is_asked_about_all_in_one_go(place, club):
    readers = [place.open(sign_in=f"member {n}") for n in range(20)]
    assert all(reader.sees() for reader in readers)
    club.asked.clear()
    club.signed_out.add("member 7")
    place.tell(place.live.listening, True)
    assert readers[7].lines() == [] and place.live.clients == 19
    assert club.asked == [20, 1]  # once more about who is out, without names


def test_heartbeats_go_on_while_the_database_thinks(make_live, club):
    with Place(make_live(tick_seconds=0.1, heartbeat_seconds=0.2)) as place:
        reader = place.open()
        reader.sees()
        club.answers_after = 5
        place.tell(place.live.listening, True)
        asked = time.monotonic()
        assert [reader.response.readline() for _ in range(3)] == [b": \n"] * 3
        assert time.monotonic() - asked < 4.5


def test_readers_who_left_are_forgotten(place):
    for n in range(50):
        place.open(sign_in=f"member {n}").sees()
    assert until(lambda: place.live.clients == 50)
    for reader in place.clients:
        reader.leave()
    assert until(lambda: place.live.clients == 0)
    assert place.live._fragments._fragments == {}


def test_a_meeting_that_is_gone_ends_its_streams(place, club):
    reader = place.open()
    reader.sees()
    del club.meetings["supper"]
    place.tell(place.live.changed, "supper")
    assert reader.lines() == []


def test_streams_wait_out_a_database_that_is_away(place, club):
    reader = place.open()
    reader.sees()
    club.broken, club.meetings["supper"] = True, "3 seats taken"
    place.tell(place.live.changed, "supper")
    time.sleep(0.3)
    club.broken = False
    assert reader.sees() == "3 seats taken (Europe/Berlin)"


def health(place) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", place.port)
    connection.request("GET", "/live/healthz")
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_it_is_healthy_while_it_hears_of_changes(place):
    assert until(lambda: health(place) == (200, "alive\n"))
    place.tell(place.live.listening, False)
    assert until(lambda: health(place) == (503, "not hearing of changes\n"))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_another_site_may_not_listen(place, site):
    assert Reader(place.port, ticket(), **{"Sec-Fetch-Site": site}).response.status == 403


def test_the_portal_itself_may(place):
    assert Reader(place.port, ticket(), **{"Sec-Fetch-Site": "same-origin"}).response.status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/live/meetings", 403),
        ("GET", "/live/meetings?token=forged", 403),
        ("GET", "/live/elsewhere", 404),
        ("POST", f"/live/meetings?token={ticket()}", 405),
        ("HEAD", f"/live/meetings?token={ticket()}", 405),
    ],
)
def test_what_is_not_a_stream_is_refused(place, method, path, status):
    connection = http.client.HTTPConnection("127.0.0.1", place.port)
    connection.request(method, path)
    assert connection.getresponse().status == status


def test_who_signed_out_is_refused(place, club):
    club.signed_out.add("alice")
    assert place.open().response.status == 403


def test_a_stream_is_never_stored_and_carries_the_portals_headers(make_live):
    with Place(make_live(headers=[("X-Content-Type-Options", "nosniff")])) as place:
        headers = place.open().response.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-content-type-options"] == "nosniff"


def test_granian_stops_at_once_though_streams_are_open(free_port):
    here = Path(__file__).parent
    paths = {"PYTHONPATH": os.pathsep.join([str(here), *sys.path])}
    command = ["granian", "--interface", "asgi", "--port", str(free_port), "--factory", "conftest:alone"]
    granian = subprocess.Popen([sys.executable, "-m", *command], env={**os.environ, **paths})
    assert until(lambda: answers(free_port), within=10)
    reader = Reader(free_port, ticket())
    reader.sees()
    granian.send_signal(signal.SIGTERM)
    told = time.monotonic()
    assert reader.lines() == []
    assert granian.wait(timeout=10) == 0
    assert time.monotonic() - told < 4


def test_a_sign_in_has_twenty_streams_and_no_more(place):
    pages = [place.open() for _ in range(20)]
    assert (place.open().response.status, place.open(sign_in="bilal").response.status) == (429, 200)
    pages[0].leave()
    assert until(lambda: place.open().response.status == 200)


def test_nor_by_coming_all_at_once(place, club):
    club.answers_after = 0.3
    with ThreadPoolExecutor(30) as crowd:
        pages = list(crowd.map(lambda _: place.open().response.status, range(30)))
    assert sorted(pages) == [200] * 20 + [429] * 10
