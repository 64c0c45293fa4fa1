"""What a page does with what only the browser knows: the visitor's zone, the width, where the focus is."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import expect

from portal.clock import now
from tests.browser.conftest import Open
from tests.conftest import As
from tests.support.cast import ISTANBUL, Meeting, Person, plan_meeting


@pytest.fixture
def tonight(superuser: psycopg.Connection) -> Meeting:
    day = now().astimezone(ISTANBUL).date()
    return plan_meeting(superuser, "Tonight", scheduled_date=day, start_time="23:59")


def test_a_visitor_sees_their_own_hour_beside_the_clubs(open_: Open, tonight: Meeting) -> None:
    page = open_(None, "/", timezone_id="Europe/Lisbon")
    there = tonight.starts_at.astimezone(ZoneInfo("Europe/Lisbon"))
    expect(page.locator(".band .clocks")).to_contain_text("Istanbul, club time")
    expect(page.locator(".band .own-clock")).to_have_text(f"{there:%H:%M}Lisbon, your time")
    expect(page.locator(".week .own-clock")).to_contain_text(f"{there:%H:%M}")


@pytest.mark.parametrize("options", [{"java_script_enabled": False}, {"timezone_id": "Europe/Istanbul"}])
def test_without_scripts_or_in_the_clubs_zone_there_is_one_hour(
    open_: Open, tonight: Meeting, options: dict[str, object]
) -> None:
    page = open_(None, "/", **options)
    expect(page.locator(".band .clocks")).to_contain_text("23:59")
    expect(page.locator(".band .own-clock")).not_to_be_visible()


@pytest.mark.parametrize("name", ["'Etc/Unknown'", "undefined"])
def test_a_browser_that_knows_no_zone_shows_the_clubs_hour_and_runs_every_script(
    open_: Open, tonight: Meeting, name: str
) -> None:
    page = open_()
    page.add_init_script(
        f"const told = Intl.DateTimeFormat.prototype.resolvedOptions;"
        f"Intl.DateTimeFormat.prototype.resolvedOptions = function () {{ return {{ ...told.call(this), timeZone: {name} }} }}"
    )
    page.goto("/")
    expect(page.locator(".band .clocks")).to_contain_text("23:59")
    expect(page.locator(".band .own-clock")).not_to_be_visible()


def test_nothing_moves_when_the_own_hour_comes(open_: Open, tonight: Meeting) -> None:
    page = open_(None, "", timezone_id="Europe/Lisbon", viewport={"width": 320, "height": 800})
    page.route("**/portal.*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto("/")
    before = page.locator("#plans").bounding_box()
    page.unroute("**/portal.*.js")
    page.reload()
    expect(page.locator(".band .own-clock")).to_be_visible()
    assert page.locator("#plans").bounding_box() == before


def test_the_manifest_may_be_read_under_the_policy(open_: Open, people: object) -> None:
    page = open_(None, "/help")
    told = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert told["url"].endswith("/manifest.webmanifest") and not told["errors"] and "Goalete" in told["data"]


def test_a_zone_is_found_as_one_types(open_: Open, people: object) -> None:
    page = open_(None, "/sign-up", timezone_id="Asia/Calcutta")
    zone = page.locator("select[name=timezone]")
    expect(zone).to_have_value("Asia/Kolkata")
    search = page.get_by_label("Find a city or country")
    search.fill("sao pau")
    expect(zone).to_have_value("America/Sao_Paulo")
    expect(page.get_by_text("1 place fits.")).to_be_visible()
    search.fill("portugal")
    expect(page.get_by_text("3 places fit.")).to_be_visible()
    search.fill("nowhere at all")
    expect(page.get_by_text("No places fit.")).to_be_visible()
    search.fill("")
    assert zone.locator("option").count() > 400


CORNERS = """buttons => buttons.map(b => ["TopLeft", "TopRight", "BottomRight", "BottomLeft"].map(
  corner => parseFloat(getComputedStyle(b)[`border${corner}Radius`])))"""


@pytest.mark.parametrize(
    ("width", "corners"), [(320, [[6, 6, 0, 0], [0, 0, 6, 6]]), (375, [[6, 0, 0, 6], [0, 6, 6, 0]])]
)
def test_joined_buttons_are_round_at_their_outer_corners_only(
    open_: Open, superuser: psycopg.Connection, charlie: Person, width: int, corners: list[list[int]]
) -> None:
    for title in ("First", "Second"):
        plan_meeting(superuser, title)
    page = open_(charlie, "/meetings", viewport={"width": width, "height": 800})
    assert page.locator("article .choice button").evaluate_all(CORNERS) == corners


LEFT = """name => { const range = document.createRange(); range.selectNodeContents(name);
  return [...range.getClientRects()].map(box => Math.round(box.left - name.parentElement.getBoundingClientRect().left)) }"""


def test_a_name_from_right_to_left_stands_where_the_others_do(
    open_: Open, superuser: psycopg.Connection, as_: As, charlie: Person, bob: Person
) -> None:
    superuser.execute("update users set first_name = %s where id = %s", ["ياسمين " * 8, bob.id])
    begun = now().astimezone(ISTANBUL) - timedelta(minutes=5)
    live = plan_meeting(superuser, "Live", scheduled_date=begun.date(), start_time=begun.time())
    with as_(bob) as db:
        db.execute("select join_meeting(%s, 'mobile', 10)", [live.id])
    page = open_(charlie, f"/meetings/{live.id}", viewport={"width": 320, "height": 800})
    edges = page.locator(".roster bdi").evaluate(LEFT)
    assert len(edges) > 1 and set(edges) == {0}


def test_after_a_whole_page_was_sent_the_message_has_the_focus(open_: Open, charlie: Person) -> None:
    page = open_(charlie, "/account")
    page.get_by_label("First name").fill("Charles")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[role=status]:has(.flash)")).to_be_focused()
    page.goto("/account")
    assert page.evaluate("document.activeElement === document.body"), "without a message nothing takes the focus"
