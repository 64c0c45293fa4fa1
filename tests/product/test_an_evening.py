"""An evening of a real club: the portal without its sandbox, behind TLS, as a member and an admin meet it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import TEST_DATA
from tests.support import chromium, server
from tests.support.real_club import HOST, ROOM_HOST, RealClub, real_club

pytestmark = pytest.mark.product


@pytest.fixture(scope="module")
def club(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClub]:
    with (
        server.new_database(server_url, TEST_DATA, "real") as database,
        real_club(database, tmp_path_factory.mktemp("real")) as club,
    ):
        yield club


@pytest.fixture(scope="module")
def browser(club: RealClub) -> Iterator[Browser]:
    rules = f"MAP {HOST} 127.0.0.1, MAP {ROOM_HOST}:443 127.0.0.1:{club.room_port}, MAP {ROOM_HOST} 127.0.0.1"
    with sync_playwright() as playwright:
        options = [*chromium.ARGS, f"--host-resolver-rules={rules}"]
        running = playwright.chromium.launch(executable_path=chromium.path(), args=options)
        yield running
        running.close()


def window(browser: Browser, club: RealClub) -> Page:
    return browser.new_context(base_url=club.url, ignore_https_errors=True).new_page()


def join_the_club(browser: Browser, club: RealClub, name: str) -> Page:
    """From the front page to the meetings, by the link of the mail."""
    page, address = window(browser, club), f"{name.lower()}@members-of-goalete.org"
    page.goto("/sign-up")
    page.get_by_label("First name").fill(name)
    page.get_by_label("E-mail").fill(address)
    page.get_by_role("button", name="Create account").click()
    (link,) = set(re.findall(r"https://\S+/verify/\S+", club.mail(address, "Confirm your address")))
    page.goto(link)
    page.get_by_label("Password").fill("seven quiet boats")
    page.get_by_role("button", name="Come in").click()
    expect(page).to_have_url(re.compile("/meetings$"))
    return page


def test_a_stranger_becomes_a_member(browser: Browser, club: RealClub) -> None:
    page = join_the_club(browser, club, "Frida")
    page.goto("/account")
    expect(page.get_by_text("frida@members-of-goalete.org").first).to_be_visible()
