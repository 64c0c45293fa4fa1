"""The product served for real, and windows on it. Everything here is marked `browser`."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import TEST_DATA
from tests.support.clean import Cleaner
from tests.support.club_server import ClubServer, free_port, serving
from tests.support.server import Database
from tests.support.windows import Windows, chromium_running


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker("browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed and (windows := getattr(item, "funcargs", {}).get("windows")):
        windows.picture(TEST_DATA / "failed", item.name)
    return report


@pytest.fixture(scope="package")
def club(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClubServer]:
    """The running product."""
    with serving(migrated, tmp_path_factory.mktemp("club")) as served:
        yield served


@pytest.fixture(scope="package")
def room_port() -> int:
    """Where whatever lives at example.test is served on this machine."""
    return free_port()


@pytest.fixture(scope="package")
def chromium(room_port: int) -> Iterator[Browser]:
    with chromium_running(f"--host-resolver-rules=MAP *.example.test 127.0.0.1:{room_port}") as browser:
        yield browser


@pytest.fixture(scope="package")
def cleaner(migrated: Database) -> Iterator[Cleaner]:
    """Leaves the queue alone: the worker that runs all the while keeps its own books there."""
    with migrated.connect(autocommit=True) as connection:
        yield Cleaner(connection, but="procrastinate_")


@pytest.fixture
def database(migrated: Database, cleaner: Cleaner, club: ClubServer) -> Database:
    """The database with every table empty but the queue's, and the product looking at it."""
    cleaner.clean()
    return migrated


@pytest.fixture
def windows(chromium: Browser, club: ClubServer, superuser: psycopg.Connection) -> Iterator[Windows]:
    """All windows of this test. At its end no page may have complained."""
    opened = Windows(chromium, club, superuser)
    yield opened
    opened.close()
    assert opened.complaints == []


Open = Callable[..., Page]


@pytest.fixture
def open_(windows: Windows) -> Open:
    """`open_(alice, "/meetings")`: a window of hers on that page."""
    return windows.open
