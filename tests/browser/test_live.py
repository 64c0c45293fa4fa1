"""What changes on an open page by itself: who is here, what time it is, and that it comes back after a crash."""

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.cast import ISTANBUL, Meeting, Person, plan_meeting
from tests.support.club_server import ClubServer
from tests.support.pages import IN_THIS_TAB
from tests.support.windows import Windows

A_SECOND = 1_000


def meeting_in(superuser: psycopg.Connection, seconds: float, **columns: object) -> Meeting:
    """A meeting that starts so many seconds from now."""
    starts = datetime.now(ISTANBUL) + timedelta(seconds=seconds)
    return plan_meeting(
        superuser, "Tonight", scheduled_date=starts.date(), start_time=starts.time(), max_attendees=5, **columns
    )


@pytest.fixture
def tonight(superuser: psycopg.Connection, people: object) -> Meeting:
    """A meeting that is on."""
    return meeting_in(superuser, -300)


def join(page: Page) -> None:
    page.evaluate(IN_THIS_TAB)
    page.get_by_role("button", name="Join the meeting").click()
    page.wait_for_url("**/sandbox/rooms/*")


DRAWN = "document.addEventListener('htmx:sse:after:message', () => document.documentElement.dataset.drawn = 1, true)"


def streams(page: Page) -> None:
    """Come back when the page's stream is open and has drawn once."""
    page.add_init_script(DRAWN)
    page.reload()
    expect(page.locator("html[data-drawn]")).to_be_attached()


def test_who_comes_and_goes_is_seen_by_the_others_within_a_second(
    open_: Open, alice: Person, bob: Person, tonight: Meeting
) -> None:
    watching, coming = open_(alice, f"/meetings/{tonight.id}"), open_(bob, f"/meetings/{tonight.id}")
    expect(watching.get_by_text("Nobody is here yet")).to_be_visible()
    streams(watching)
    join(coming)
    expect(watching.locator("#live-count")).to_contain_text("1 person is here now", timeout=A_SECOND)
    expect(watching.locator(".roster li")).to_contain_text("Bob", timeout=A_SECOND)
    expect(coming.locator(".roster li")).to_contain_text("Bob")
    coming.get_by_role("button", name="Leave").click()
    expect(watching.locator("#live-count")).to_contain_text("0", timeout=A_SECOND)
    expect(watching.locator(".roster li")).to_have_count(0, timeout=A_SECOND)
    expect(coming.get_by_text("You left the room.")).to_be_visible()
    join(coming)
    expect(watching.locator(".roster li")).to_contain_text("Bob", timeout=A_SECOND)


def test_doors_then_the_start_by_the_clock_alone(open_: Open, alice: Person, superuser: psycopg.Connection) -> None:
    tonight = meeting_in(superuser, 604)
    page = open_(alice, f"/meetings/{tonight.id}")
    expect(page.get_by_text("Opens ", exact=False).first).to_be_visible()
    expect(page.get_by_role("button", name="Join early")).to_be_visible()
    expect(page.locator("[data-phase]")).to_have_attribute("data-phase", "doors")
    soon = meeting_in(superuser, 5)
    page.goto(f"/meetings/{soon.id}")
    expect(page.get_by_text("any moment now")).to_be_visible()
    expect(page.locator("[data-phase]").get_by_text("Live now")).to_be_visible()
    expect(page.get_by_role("button", name="Join the meeting")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.band')).backgroundColor") == "rgb(245, 184, 61)"


def test_after_a_crash_of_the_server_the_page_catches_up_by_itself(
    open_: Open, windows: Windows, club: ClubServer, superuser: psycopg.Connection, alice: Person, tonight: Meeting
) -> None:
    page = open_(alice, f"/meetings/{tonight.id}")
    streams(page)
    club.kill_web()
    try:
        superuser.execute(
            "insert into presences (meeting_id, user_id, joined_at, seen_at, device_type)"
            " select %s, id, now(), now(), 'mobile' from users where first_name = 'Bob'",
            [tonight.id],
        )
    finally:
        club.start_web()
    expect(page.locator(".roster li")).to_contain_text("Bob")
    windows.complaints.clear()  # of the stream that broke


def test_where_streams_do_not_get_through_the_page_asks_now_and_then(
    open_: Open, windows: Windows, superuser: psycopg.Connection, alice: Person, bob: Person, tonight: Meeting
) -> None:
    page = open_(alice)
    page.clock.install()
    page.route("**/live/meetings*", lambda route: route.fulfill(status=403, body="no"))
    page.goto(f"/meetings/{tonight.id}")
    expect(page.get_by_text("Nobody is here yet")).to_be_visible()
    join(open_(bob, f"/meetings/{tonight.id}"))
    expect(page.get_by_text("Nobody is here yet")).to_be_visible()
    page.clock.run_for(16_000)
    expect(page.locator(".roster li")).to_contain_text("Bob")


def test_while_the_stream_runs_nothing_is_polled(open_: Open, alice: Person, tonight: Meeting) -> None:
    page = open_(alice)
    page.clock.install()
    page.goto(f"/meetings/{tonight.id}")
    streams(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(50_000)
    assert [url for url in asked if url.endswith("/live")] == []


def test_the_room_says_every_now_and_then_that_one_is_still_here(
    open_: Open, superuser: psycopg.Connection, alice: Person, tonight: Meeting
) -> None:
    page = open_(alice)
    page.clock.install()
    page.goto(f"/meetings/{tonight.id}")
    join(page)
    streams(page)
    superuser.execute("update presences set seen_at = seen_at - interval '2 minutes'")
    with page.expect_response("**/here") as answer:
        page.clock.run_for(301_000)
    assert answer.value.status == 204
    ((seen,),) = superuser.execute("select seen_at from presences")
    assert datetime.now(UTC) - seen < timedelta(seconds=20)


def test_the_countdown_goes_down_without_being_told(open_: Open, alice: Person, superuser: psycopg.Connection) -> None:
    tonight = meeting_in(superuser, 3 * 3600)
    page = open_(alice)
    page.clock.install()
    page.goto(f"/meetings/{tonight.id}")
    streams(page)
    expect(page.locator("[data-left]")).to_have_text("3 h")
    page.clock.fast_forward(61_000)
    expect(page.locator("[data-left]")).to_have_text("2 h 59 min")


def test_the_list_opens_the_door_by_the_clock_alone(open_: Open, alice: Person, superuser: psycopg.Connection) -> None:
    meeting_in(superuser, 604)
    page = open_(alice, "/meetings")
    expect(page.get_by_role("button", name="Join early")).to_have_count(0)
    expect(page.get_by_role("button", name="Join early")).to_be_visible(timeout=15_000)
    expect(page.locator("#news")).to_contain_text("Doors are open")


def test_the_front_page_says_by_itself_that_it_is_on(
    open_: Open, superuser: psycopg.Connection, people: object
) -> None:
    meeting_in(superuser, 4)
    page = open_(path="/")
    expect(page.get_by_text("Live now")).to_be_visible(timeout=15_000)


def test_a_meeting_moved_while_it_is_open_says_so_everywhere(
    open_: Open, alice: Person, superuser: psycopg.Connection
) -> None:
    tonight = meeting_in(superuser, 3 * 3600)
    page = open_(alice, f"/meetings/{tonight.id}")
    streams(page)
    was = page.locator("#live-when").inner_text()
    superuser.execute("update meetings set starts_at = starts_at + interval '30 minutes'")
    superuser.execute("select pg_notify('meetings', %s)", [str(tonight.id)])
    expect(page.locator("[data-left]")).to_have_text("3 h 30 min")
    expect(page.locator("#live-when")).not_to_have_text(was)


def test_joining_opens_a_tab_of_its_own_and_this_page_marks_the_reader(
    open_: Open, superuser: psycopg.Connection, bob: Person, tonight: Meeting
) -> None:
    superuser.execute("update meetings set host_id = %s", [bob.id])
    page = open_(bob, f"/meetings/{tonight.id}")
    streams(page)
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Join the meeting").click()
    opened.value.wait_for_url("**/sandbox/rooms/*")
    assert opened.value.evaluate("opener") is None
    expect(page).to_have_url(re.compile(f"/meetings/{tonight.id}$"))
    expect(page.locator(".roster li")).to_have_text(re.compile(r"Bob\s+you\s+host\s+\d\d:\d\d"))
    expect(page.get_by_role("button", name="Join the meeting")).to_be_visible()
    page.reload()
    expect(page.locator(".roster .you")).to_have_count(1)
