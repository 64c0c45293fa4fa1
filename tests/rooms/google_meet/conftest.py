"""The adapter in front of a stand-in Google, over real sockets."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from portal.config import Settings
from portal.rooms.google_meet import GoogleMeet
from portal.rooms.platform import Plan, Room
from portal.sandbox.meet import Meet, Server

ORGANIZER = "rooms@aydin.club"
NINE = datetime(2026, 11, 30, 18, tzinfo=UTC)
EVENING = Plan(UUID("018f6d5c-3b7a-7c11-9d2e-5f0a1b2c3d4e"), "Grand slam stories", NINE, 60, "Europe/Istanbul", False)


def after(minutes: float) -> datetime:
    """So many minutes after nine."""
    return NINE + timedelta(minutes=minutes)


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("google") / "key.json"


@pytest.fixture
def server(tmp_path: Path, key_file: Path) -> Iterator[Server]:
    running = Server(Meet(tmp_path / "meet.sqlite3", key_file, ORGANIZER)).start()
    yield running
    running.stop()


@pytest.fixture
def google(server: Server) -> Meet:
    """The world behind the stand-in."""
    return server.world


@pytest.fixture
def settings(server: Server, key_file: Path) -> Settings:
    return Settings(google_account=key_file, google_organizer=ORGANIZER, google_url=server.url)


@pytest.fixture
def meet(settings: Settings) -> GoogleMeet:
    return GoogleMeet(settings)


@pytest.fixture
def room(meet: GoogleMeet) -> Room:
    """The evening's room."""
    return meet.create(EVENING)


@pytest.fixture
def code(room: Room) -> str:
    """The last part of the room's address."""
    return room.address.rpartition("/")[2]


@pytest.fixture
def events(google: Meet) -> Callable[[], list[dict[str, Any]]]:
    """What stands in the organizer's calendar."""

    def standing() -> list[dict[str, Any]]:
        with google.books() as books:
            bodies = [json.loads(row["body"]) for row in books.rows("select body from events order by id")]
        return [body for body in bodies if body["status"] != "cancelled"]

    return standing
