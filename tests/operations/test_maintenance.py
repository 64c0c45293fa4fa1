"""Closed for maintenance: every page says until when, machines and providers are told to come again, no database is asked."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from click.testing import CliRunner

from portal import create_app
from portal.cli import portal
from portal.operations import maintenance
from portal.problems import Problem
from tests.promises.test_pages import lint
from tests.support.web import Browser, settings_for

DEAD = "postgresql+psycopg://portal_web@127.0.0.1:1/nowhere"
EVENING = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
"""20:00 in Istanbul, where the club is."""


@pytest.fixture
def closed(migrated, tmp_path, monkeypatch):
    """A browser on a portal whose database is away, closed until 21:30."""
    monkeypatch.setattr(maintenance, "EVERY", 0)
    file = tmp_path / "maintenance"
    app = create_app(settings_for(migrated, database_url=DEAD, maintenance_file=file))
    app.test_client_class = Browser
    with time_machine.travel(EVENING, tick=False):
        maintenance.begin(file, maintenance.parsed("21:30", "Europe/Istanbul"))
        yield app.test_client()


@pytest.mark.parametrize("path", ["/", "/meetings", "/admin", "/sign-in", "/status", "/robots.txt", "/nothing"])
def test_every_page_says_until_when(path, closed):
    answer = closed.get(path)
    assert answer.status_code == 503 and answer.headers["Retry-After"] == str(90 * 60)
    assert (
        "It is back at 21:30, Istanbul time." in answer.text and 'data-own="2026-11-30T21:30:00+03:00"' in answer.text
    )
    assert lint(answer.text) == []


def test_the_process_lives_and_a_balancer_leaves_it_out(closed):
    assert closed.get("/healthz").status_code == 200
    assert (closed.get("/readyz").status_code, closed.get("/readyz").text) == (503, "maintenance\n")


@pytest.mark.parametrize("path", ["/webhooks/stripe", "/webhooks/zoom"])
def test_providers_come_again(path, closed):
    answer = closed.post(path, data=json.dumps({"id": "evt_1"}), content_type="application/json")
    assert answer.status_code == 503 and "Retry-After" in answer.headers


def test_what_was_sent_meanwhile_is_told_to_be_not_taken_in(closed):
    assert "What you sent was not taken in" in closed.submit("/sign-in", email="alice@club.example", password="x").text
    piece = closed.submit("/sign-in", htmx=True, email="alice@club.example", password="x")
    assert "It is back at 21:30" in piece.text and "<html" not in piece.text


def test_a_page_of_the_next_day_and_of_work_that_takes_longer_say_so(closed):
    with time_machine.travel(EVENING - timedelta(days=1), tick=False):
        assert "It is back at 21:30 on Monday 30\N{NO-BREAK SPACE}November, Istanbul time." in closed.get("/").text
    with time_machine.travel(EVENING + timedelta(hours=2), tick=False):
        answer = closed.get("/")
    assert "It should have been back at 21:30" in answer.text and answer.headers["Retry-After"] == "60"


def test_a_file_made_by_hand_will_do(tmp_path):
    (tmp_path / "maintenance").touch()
    state = maintenance.read(tmp_path / "maintenance")
    assert state == (None,) and maintenance.in_words(state, "Europe/Istanbul") == "It is back in a while."


def test_the_command_closes_and_opens_the_pages_of_a_running_process(client, database, tmp_path, monkeypatch):
    file = tmp_path / "maintenance"
    environment = {"MAINTENANCE_FILE": str(file), "CLUB_TIMEZONE": "Europe/Istanbul"}

    def command(*words):
        return CliRunner().invoke(portal, ["maintenance", *words], env=environment).output

    switch = maintenance.Switch(file)
    assert switch.state() is None and command() == "The pages are open.\n"
    assert command("--until", "21:30").startswith("It is back at 21:30")
    assert switch.state() is None, "within a second nobody looks again"
    later = time.monotonic() + 2
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert switch.state() is not None
    assert command("--off") == "The pages are open.\n" and not file.exists()


@pytest.mark.parametrize("text", ["soon", "25:00", "2026-11-30 19:00", ""])
def test_an_end_that_is_none_is_refused(text):
    with time_machine.travel(EVENING), pytest.raises(Problem):
        maintenance.parsed(text, "Europe/Istanbul")


@pytest.mark.parametrize(
    ("text", "utc"),
    [("21:30", "2026-11-30T18:30"), ("19:30", "2026-12-01T16:30"), ("2026-12-02 02:00", "2026-12-01T23:00")],
)
def test_an_end_is_the_next_one_in_the_clubs_zone(text, utc):
    with time_machine.travel(EVENING):
        assert maintenance.parsed(text, "Europe/Istanbul") == datetime.fromisoformat(f"{utc}Z")
