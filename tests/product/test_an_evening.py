"""An evening of a real club: the portal without its sandbox, behind TLS, as a member and an admin meet it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import TEST_DATA
from tests.support import chromium, server
from tests.support.real_club import HOST, ROOM_HOST, RealClub, real_club

pytestmark = pytest.mark.product

PASSWORD = "seven quiet boats"
ROOM = f"https://{ROOM_HOST}/an-evening?code=7"
PATIENCE = 30_000
"""Milliseconds; others may work on this machine too."""


@pytest.fixture(scope="module")
def club(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClub]:
    folder = tmp_path_factory.mktemp("real")
    with server.new_database(server_url, TEST_DATA, "real") as database, real_club(database, folder) as club:
        yield club


@pytest.fixture(scope="module")
def browser(club: RealClub) -> Iterator[Browser]:
    rules = f"MAP {ROOM_HOST} 127.0.0.1:{club.room_port}, MAP {HOST} 127.0.0.1"
    options = [*chromium.ARGS, f"--host-resolver-rules={rules}"]
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium.path(), args=options)
        yield running
        running.close()


def member_joins_the_club(browser: Browser, club: RealClub, name: str) -> Page:
    """From the front page to the meetings, by the link of the mail."""
    page, address = browser.new_context(base_url=club.url, ignore_https_errors=True).new_page(), address_of(name)
    page.goto("/sign-up")
    page.get_by_label("First name").fill(name)
    page.get_by_label("E-mail").fill(address)
    page.get_by_role("button", name="Create account").click()
    (link,) = set(re.findall(r"https://\S+/verify/\S+", club.mail(address, "Confirm your address")))
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Come in").click()
    expect(page).to_have_url(re.compile("/meetings$"))
    return page


def address_of(name: str) -> str:
    return f"{name.lower()}@members-of-goalete.org"


def admin_sets_up_second_factor(page: Page) -> None:
    """What an admin's first visit asks for."""
    page.goto("/admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator("code").inner_text().replace("-", "")
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_role("link", name="I have them").click()


def plan_meeting(page: Page, title: str, host: str, link: str = "", platform: str = "link") -> None:
    """An admin plans a meeting that begins in five minutes, so its doors are open."""
    start = (datetime.now(UTC) + timedelta(minutes=5)).replace(second=0)
    page.goto("/admin/meetings/new")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Host's e-mail").fill(host)
    page.get_by_label("Date").fill(start.date().isoformat())
    page.get_by_label("Start", exact=True).fill(f"{start:%H:%M}")
    page.locator("select[name=timezone]").select_option("UTC")
    page.locator("select[name=platform]").select_option(platform)
    page.get_by_label("Link to the room").fill(link)
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_text(f"{title} is on the programme.")).to_be_visible()


class People(NamedTuple):
    admin: Page
    member: Page


@pytest.fixture(scope="module")
def people(browser: Browser, club: RealClub) -> People:
    """Ana, whom the operator made an admin, and Frida, a member."""
    ana = member_joins_the_club(browser, club, "Ana")
    club.portal("make-admin", address_of("Ana"))
    admin_sets_up_second_factor(ana)
    return People(ana, member_joins_the_club(browser, club, "Frida"))


def open_meeting(page: Page, title: str) -> None:
    page.goto("/meetings")
    page.get_by_role("link", name=title).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_from_a_typed_link_to_who_came(club: RealClub, people: People) -> None:
    ana, frida = people
    plan_meeting(ana, "Typed evening", address_of("Ana"), ROOM)
    open_meeting(frida, "Typed evening")
    assert ROOM_HOST not in frida.content()
    frida.get_by_role("button", name="I’m coming").click()
    expect(frida.get_by_text("You’re coming").first).to_be_visible()
    with frida.context.expect_page() as opened:
        frida.get_by_role("button", name="Join").first.click()
    opened.value.wait_for_load_state()
    assert opened.value.url == ROOM
    assert opened.value.evaluate("document.referrer") == ""
    expect(frida.get_by_text("Here now")).to_be_visible()

    frida.goto("/next")
    expect(frida.get_by_role("heading", level=1)).to_have_text("Typed evening")
    settled(club, "Typed evening")
    frida.goto("/meetings/past")
    expect(frida.get_by_text("Typed evening")).to_be_visible()
    expect(frida.get_by_text("Came", exact=True)).to_be_visible()


def settled(club: RealClub, title: str) -> None:
    """Two hours later, as the worker finds it at its next round."""
    with club.superuser() as postgres:
        postgres.execute(
            "update meetings set starts_at = starts_at - interval '2 hours', start_time = start_time - interval '2 hours'"
            " where title = %s",
            [title],
        )
        postgres.execute("update presences set joined_at = joined_at - interval '2 hours'")
        state = "select status from meetings where title = %s"
        club.until(lambda: postgres.execute(state, [title]).fetchone() == ("completed",), "the meeting is settled", 100)


def test_what_was_typed_is_in_no_log(club: RealClub) -> None:
    logs = "".join(log.read_text() for log in club.folder.glob("*.log"))
    assert "GET /meetings" in logs
    assert ROOM_HOST not in logs
    with club.superuser() as postgres:
        assert postgres.execute("select count(*) from system_logs where details::text ~ 'an-evening'").fetchone() == (
            0,
        )
