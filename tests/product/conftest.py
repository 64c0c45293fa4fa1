"""A real club, its people, and a Chromium for them; a club of its own for each module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import TEST_DATA
from tests.support import chromium, server
from tests.support.evening import address_of, admin_sets_up_second_factor, member_joins_the_club
from tests.support.real_club import HOST, ROOM_HOST, RealClub, real_club

PATIENCE = 30_000
"""Milliseconds; others may work on this machine too."""


@pytest.fixture(scope="module")
def closed_club(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClub]:
    """A club before its first day; the module's `club` opens it."""
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


@pytest.fixture(scope="module")
def ana(browser: Browser, club: RealClub) -> Page:
    """Whom the operator made an admin."""
    page = member_joins_the_club(browser, club, "Ana")
    club.portal("make-admin", address_of("Ana"))
    admin_sets_up_second_factor(page)
    return page


@pytest.fixture(scope="module")
def frida(browser: Browser, club: RealClub) -> Page:
    return member_joins_the_club(browser, club, "Frida")


@pytest.fixture(scope="module")
def gustav(browser: Browser, club: RealClub) -> Page:
    return member_joins_the_club(browser, club, "Gustav")
