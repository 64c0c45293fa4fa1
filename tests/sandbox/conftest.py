"""The demo club, planted once for all who look at it."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask

from portal import clock, create_app
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations import check
from portal.sandbox import club
from portal.sandbox import jobs as life
from portal.sandbox.people import PEOPLE, SELIN
from tests.conftest import TEST_DATA
from tests.support import server
from tests.support.server import Database
from tests.support.web import Browser, settings_for, work_off


@dataclass
class Planted:
    """The club as it stands: its pages, its worker, and a look behind them."""

    database: Database
    web: Flask
    worker: Flask
    postgres: psycopg.Connection
    seconds: float

    def one(self, statement: str, *values: object) -> Any:
        """The first value of the first row, or None."""
        found = self.postgres.execute(statement.encode(), values).fetchone()
        return found[0] if found else None

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Every row."""
        return self.postgres.execute(statement.encode(), values).fetchall()

    def work(self) -> None:
        """Do every job that is due: the mails, above all."""
        work_off(self.worker, self.database)

    def broken(self) -> list[check.Finding]:
        """The promises the data breaks."""
        with self.worker.app_context():
            act_as(db.session(), WORKER)
            return [finding for finding in check.findings(db.session(), at_rest=True) if finding.broken]

    def browser(self, email: str) -> Browser:
        """Somebody of the club, signed in by the form; the admin also with the code the demo shows."""
        browser: Browser = self.web.test_client()
        assert browser.submit("/sign-in", email=email, password=club.PASSWORD).status_code == 303
        if email == SELIN:
            self.postgres.execute("update second_factors set last_step = 0")  # she may have come in this half-minute
            code = re.search(r"<b>(\d{3} \d{3})</b>", browser.get("/sandbox/codes").text)
            assert code and browser.submit("/sign-in/code", second_factor=code.group(1)).location == "/meetings"
        return browser

    def meeting(self, title: str) -> UUID:
        """The next meeting of this title."""
        return self.one(
            "select id from meetings where title = %s and ends_at > now() order by starts_at limit 1", title
        )


@contextmanager
def soil(server_url: str, name: str) -> Iterator[Planted]:
    """An empty database with the portal on it, gone at the end."""
    with server.new_database(server_url, TEST_DATA, name) as fresh, fresh.connect(autocommit=True) as postgres:
        settings = settings_for(fresh)
        web, worker = create_app(settings), create_app(settings, database_url=settings.worker_url)
        web.test_client_class = Browser
        with clock.followed_by(lambda moment: postgres.execute("update club_clock set stands_at = %s", [moment])):
            yield Planted(fresh, web, worker, postgres, 0)
        for app in (web, worker):
            with app.app_context():
                db.engine.dispose()


@contextmanager
def lively(here: Planted) -> Iterator[None]:
    """Inside, the jobs of the demo's life act in this club; they remember their app for as long as they run."""
    life.members.cache_clear()
    yield
    if life.members.cache_info().currsize:
        with here.worker.app_context(), life.members().app_context():
            db.engine.dispose()
    life.members.cache_clear()


@pytest.fixture
def village(server_url: str) -> Iterator[Planted]:
    """The people of the club, all with access, and nothing on the programme."""
    with soil(server_url, "village") as here, lively(here):
        here.postgres.execute(
            "insert into users (email, first_name, timezone, email_verified, is_admin, access_until)"
            " select email, 'Somebody', 'UTC', true, email = %s, now() + interval '1 year'"
            " from unnest(%s::text[]) email",
            [SELIN, [person[2] for person in PEOPLE]],
        )
        yield here


@pytest.fixture
def programme(village: Planted) -> None:
    """The series of the club, as they were planted."""
    hands = club.Club(village.web, village.worker)
    hands.ids = dict(village.rows("select email, id from users"))
    club.start_series(hands)


@pytest.fixture(scope="session")
def planted(server_url: str) -> Iterator[Planted]:
    """The club. What a test changes in it stays; no test may rely on what another left."""
    with soil(server_url, "planted") as here:
        begun = time.monotonic()
        club.plant(here.web)
        here.seconds = time.monotonic() - begun
        here.work()
        with lively(here):
            yield here
