"""What a demo member sees of the stand-in: a door, a room, and the way out."""

import re
from html import unescape

import pytest
import requests

from portal.sandbox.meet.world import new_space


@pytest.fixture
def browser():
    with requests.Session() as session:
        yield session


@pytest.fixture
def space(server):
    """A room, as its row is kept."""
    with server.world.books() as books:
        name = new_space(books, {"accessType": "OPEN"})
        return books.row("select * from spaces where name = ?", name)


@pytest.fixture
def door(server, space):
    return f"{server.url}/{space['code']}"


def sessions(server):
    """Every stay: what kind of person, whose account, under which name, and whether it is over."""
    with server.world.books() as books:
        rows = books.rows("select * from sessions s join participants p on p.name = s.participant order by s.seq")
    return [(row["kind"], row["account"], row["display"], row["ended"] is not None) for row in rows]


def heading(response):
    return unescape(re.search("<h1>(.*?)</h1>", response.text)[1])


def test_a_guest_says_a_name_comes_in_and_leaves(server, browser, door):
    inside = browser.post(door, data={"name": " Tom  "})
    assert "You are inside as Tom." in inside.text
    assert heading(browser.post(inside.url)) == "You left the room"
    assert sessions(server) == [("anonymousUser", None, "Tom", True)]


def test_a_guest_without_a_name_is_asked_for_one(server, browser, door):
    response = browser.post(door, data={"name": " "})
    assert response.status_code == 422
    assert "Write your name" in response.text
    assert sessions(server) == []


def test_an_account_keeps_its_own_name_and_is_remembered(server, browser, door, ana):
    first = browser.post(door, data={"account": ana.user, "name": "Somebody else"})
    browser.post(first.url)
    assert f'value="{ana.user}" selected' in browser.get(door).text
    browser.post(door, data={"account": ana.user})
    assert sessions(server) == [("signedinUser", ana.user, ana.name, True), ("signedinUser", ana.user, ana.name, False)]


def test_who_is_inside_is_seen_from_the_door(browser, door):
    browser.post(door, data={"name": "Tom"})
    assert "Inside now: Tom" in browser.get(door).text


def test_a_closed_room_lets_nobody_in(server, browser, door, space):
    with server.world.books() as books:
        books.run("""update spaces set config = '{"accessType": "RESTRICTED"}'""")
    response = browser.post(door, data={"name": "Tom"})
    assert response.status_code == 403
    assert "for invited people only" in response.text


@pytest.mark.parametrize("path", ["/abc-mnop-xyz", "/nothing", "/in/conferenceRecords/a", "/recordings/a"])
def test_what_is_not_there_is_said(server, browser, path):
    response = browser.get(server.url + path)
    assert (response.status_code, heading(response)) == (404, "Check the meeting code")


def test_another_sites_form_changes_nothing(server, browser, door):
    assert browser.post(door, data={"name": "Tom"}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert sessions(server) == []


def test_a_name_like_markup_is_text(browser, door):
    assert "<b>Tom" not in browser.post(door, data={"name": "<b>Tom</b>"}).text


def test_the_world_misbehaves_as_told(server, browser):
    form = {"api": "quota", "late_minutes": "30", "delegated": []}
    assert heading(browser.post(f"{server.url}/switches", data=form)) == "The organisation"
    switches = server.world.switches()
    assert (switches["api"], switches["late_minutes"], switches["delegated"]) == ("quota", 30, [])


def test_programs_seat_people_too(server, browser, space, ana):
    seated = browser.post(f"{server.url}/_seat", data={"code": space["code"], "name": "Ana", "user": ana.user}).json()
    browser.post(f"{server.url}/_leave", data=seated)
    assert sessions(server) == [("signedinUser", ana.user, "Ana", True)]


def test_a_recording_has_a_page(server, browser, door):
    inside = browser.post(door, data={"name": "Tom"})
    conference = inside.url.partition("/in/")[2].partition("/participants")[0]
    browser.post(f"{server.url}/record/{conference}")
    browser.post(inside.url)
    with server.world.books() as books:
        file = books.row("select name from recordings")["name"].rpartition("/")[2]
    assert heading(browser.get(f"{server.url}/recordings/{file}")) == "A recording"
