"""A stand-in Google that runs, with one account of the demo."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.sandbox.meet import Account, Meet, Server, account

ORGANIZER = "rooms@aydin.club"


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("google") / "key.json"


@pytest.fixture
def clock_file(tmp_path: Path) -> Path:
    return tmp_path / "clock"


@pytest.fixture(scope="session")
def ana() -> Account:
    return account("ana@duarte.pt", "Ana Duarte")


@pytest.fixture
def server(tmp_path: Path, key_file: Path, clock_file: Path, ana: Account) -> Iterator[Server]:
    running = Server(Meet(tmp_path / "meet.sqlite3", key_file, ORGANIZER, clock_file, [ana])).start()
    yield running
    running.stop()
