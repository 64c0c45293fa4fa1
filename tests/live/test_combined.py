"""Pages and streams on one port."""

import http.client
import socket

import pytest
from flask import Flask, request

from portal.live.combined import combined

from .conftest import Place


@pytest.fixture
def place(make_live):
    live = make_live()
    with Place(live, combined(live, pages(), workers=2, patience=0.5)) as place:
        yield place


def pages():
    app = Flask("pages")

    @app.get("/where/<path:rest>")
    def where(rest):
        return {"from": request.remote_addr, "url": request.url}

    @app.post("/length")
    def length():
        return str(len(request.get_data()))

    @app.post("/admin/moving")
    def moving():
        return str(len(request.get_data()))

    @app.get("/mistake")
    def mistake():
        return str(1 / 0)

    @app.get("/half")
    def half():
        return (str(1 / part) for part in (1, 0))

    return app


def ask(place, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=5)
    connection.request(method, path, body, {"Host": "portal.example:8000"})
    return connection.getresponse()


def test_a_stream_and_a_page_come_from_one_port(place):
    reader = place.open()
    assert ask(place, "GET", "/where/now").status == 200
    assert reader.sees() == "2 seats taken (Europe/Berlin)"


def test_flask_knows_who_asked_and_for_what(place):
    answer = ask(place, "GET", "/where/caf%C3%A9%20x?q=%C3%A9").read().decode()
    assert '"from":"127.0.0.1"' in answer
    assert '"url":"http://portal.example:8000/where/caf\\u00e9%20x?q=\\u00e9"' in answer


def test_a_large_body_arrives_whole(place):
    assert ask(place, "POST", "/length", b"x" * 900_000).read() == b"900000"


def test_a_file_is_longer_where_admins_upload_one_and_nowhere_else(place):
    assert ask(place, "POST", "/admin/moving", b"x" * 3_000_000).read() == b"3000000"
    assert ask(place, "POST", "/length", b"x" * 3_000_000).status == 413


def test_a_mistake_in_a_page_is_a_500(place):
    assert ask(place, "GET", "/mistake").status == 500


def test_a_mistake_halfway_through_a_page_harms_nobody_else(place):
    ask(place, "GET", "/half")
    assert [ask(place, "GET", "/where/now").status for _ in range(5)] == [200] * 5


def test_the_other_addresses_under_live_belong_to_the_streams(place):
    assert ask(place, "GET", "/live/elsewhere").read() == b"There is nothing here."


def half_sent(place):
    line = socket.create_connection(("127.0.0.1", place.port), timeout=5)
    line.sendall(b"POST /length HTTP/1.1\r\nHost: portal.example\r\nContent-Length: 2000\r\n\r\nab")
    return line


def test_who_sends_half_a_request_keeps_nobody_waiting(place):
    lines = [half_sent(place) for _more_than_there_are_threads in range(4)]
    assert ask(place, "GET", "/where/now").status == 200
    assert [line.recv(100).split(b" ")[1] for line in lines] == 4 * [b"408"]


def test_a_request_longer_than_any_of_ours_is_refused_unread(place):
    pieces = (b"x" * 100_000 for _piece in range(11))
    assert ask(place, "POST", "/length", pieces).status == 413
