"""`portal doctor`: each part of the club is tried, what is not well has a remedy, and one ill part hides no other."""

import dataclasses
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from werkzeug.serving import make_server

from portal.config import VERSION
from portal.operations import doctor
from portal.operations.doctor import examine
from tests.support.web import settings_for


@pytest.fixture
def diagnosis(app, migrated, database):
    """`diagnosis(mail_url=…)`: what the doctor finds with these settings, by part."""

    def look(**changes):
        with app.app_context():
            findings = list(examine(dataclasses.replace(settings_for(migrated), **changes)))
        return {part: [(f.well, f.words) for f in findings if f.part == part] for part in {f.part for f in findings}}

    return look


@pytest.fixture
def proxy():
    """What answers at the portal's address: the path leads to status and text; its address."""
    answers: dict[str, tuple[int, str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, text = answers.get(self.path, (200, "page"))
            self.send_response(status)
            self.send_header("Content-Encoding", "identity")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield answers, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_each_login_is_tried_with_its_own_address(diagnosis):
    assert [well for well, _ in diagnosis()["Database"]] == [True] * 4


def test_a_login_that_does_not_get_in_hides_nothing_else(diagnosis, migrated):
    found = diagnosis(database_url=f"postgresql+psycopg://portal_web@127.0.0.1:1/{migrated.name}")
    assert found["Database"][0][0] is False and "cannot be reached" in found["Database"][0][1]
    assert {"Disk", "Address", "Stripe", "Rooms", "Mail"} <= set(found)


def test_what_was_not_given_is_told_as_not_tried(diagnosis):
    assert (None, "BACKUP_DATABASE_URL was not given, so portal_backup was not tried.") in diagnosis(backup_url="")[
        "Database"
    ]


def test_the_tables_the_clock_and_a_silent_worker(diagnosis):
    found = diagnosis()
    assert found["Tables"][0][0] and found["Clock"] == [(True, "This machine and the database have the same time.")]
    assert found["Worker"] == [(False, "It was not heard from for over a minute.")]


def test_the_address_answers_as_this_version(diagnosis, proxy):
    answers, url = proxy
    answers |= {"/healthz": (200, f"alive, version {VERSION}\n"), "/live/healthz": (503, "not hearing\n")}
    found = diagnosis(public_url=url)
    assert found["Address"][0] == (True, f"{url} answers, and is version {VERSION}.")
    assert found["Live"] == [(False, f"{url}/live/healthz answers 503: pages do not change by themselves.")]


def test_an_older_version_behind_the_address_is_told(diagnosis, proxy):
    answers, url = proxy
    answers["/healthz"] = (200, "alive, version 1.9.0\n")
    assert diagnosis(public_url=url)["Address"][0][0] is False


def test_nobody_at_the_address(diagnosis):
    assert diagnosis(public_url="http://127.0.0.1:9")["Address"] == [
        (False, "http://127.0.0.1:9/healthz cannot be reached from this machine.")
    ]


def test_stripe_that_does_not_answer_is_a_sentence(diagnosis):
    ((well, words),) = diagnosis()["Stripe"]
    assert well is False and "cannot be reached from this machine" in words


@pytest.fixture
def served(app):
    """Where the portal itself answers."""
    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(("secret", "well"), [("whsec_test", True), ("whsec_another", False)])
def test_a_signed_delivery_is_tried_at_the_portal_itself(secret, well, served, migrated, database, superuser):
    settings = settings_for(migrated, public_url=served, stripe_webhook_secret=secret)
    assert [found.well for found in doctor._webhook(settings)] == [well]
    assert superuser.execute("select count(*) from procrastinate_jobs").fetchone() == (0,)


def test_the_mail_server_is_greeted(diagnosis):
    ((well, words),) = diagnosis(mail_url="smtp://127.0.0.1:9")["Mail"]
    assert well is False and words.startswith("The mail server does not take mail:")


def test_what_nobody_thought_of_is_told_and_the_rest_goes_on(diagnosis, monkeypatch):
    def breaks(_settings):
        raise ZeroDivisionError("by nought")
        yield

    monkeypatch.setitem(doctor.PARTS, "Disk", breaks)
    found = diagnosis()
    assert found["Disk"][0][0] is False and "ZeroDivisionError" in found["Disk"][0][1] and "Rooms" in found
