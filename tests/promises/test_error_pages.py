"""When the answer is no: a page of ours that names the request, tells nothing of the inside, and leaves no trace."""

import re
import time

import pytest
from flask import abort
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from portal import audit, create_app
from portal.access import public
from portal.database import db
from portal.problems import Refused
from tests.promises.test_pages import lint
from tests.support.web import Browser, settings_for

DEAD = "postgresql+psycopg://portal_web@127.0.0.1:1/nowhere"
INSIDE = ("Traceback", "psycopg", "sqlalchemy", ".py", "select ", "127.0.0.1:1", "portal_web", "the inside")
SLEEP = text("set local statement_timeout = 100; select pg_sleep(2)")
KILL = text("set local role none; select pg_terminate_backend(pg_backend_pid())")


class TooEarly(Refused):
    """It is too early for that."""


def failing(kind):
    """A view that begins a change and then fails in one way."""

    @public
    def view():
        audit.record(db.session(), "test.begun", "This should leave no trace")
        if kind == "refused":
            raise TooEarly
        if kind == "defect":
            raise RuntimeError("the inside")
        if kind == "constraint":
            db.session.execute(text("select 1/0"))
        if kind in ("slow", "gone"):
            db.session.execute(SLEEP if kind == "slow" else KILL)
        if kind == "full":
            raise PoolTimeout("QueuePool limit of the inside")
        abort(int(kind))

    return view


KINDS = {
    "refused": 409,
    "defect": 500,
    "constraint": 500,
    "slow": 503,
    "gone": 503,
    "full": 503,
    "403": 403,
    "409": 409,
    "413": 413,
    "418": 418,
    "422": 422,
    "429": 429,
    "503": 503,
}


@pytest.fixture(scope="module")
def failing_app(migrated):
    """The portal with one more address for each way to fail."""
    app = create_app(settings_for(migrated))
    app.test_client_class = Browser
    for kind in KINDS:
        app.add_url_rule(f"/failing/{kind}", f"failing-{kind}", failing(kind))

    @app.get("/failing/commit")
    @public
    def at_commit():
        audit.record(db.session(), "test.begun", "This should leave no trace")
        (pid,) = db.session.execute(text("select pg_backend_pid()")).one()
        with db.engine.connect() as other:
            other.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
        return "done"

    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_to_fail_ends_on_a_page(kind, failing_app, superuser):
    answer = failing_app.test_client().get(f"/failing/{kind}")
    assert answer.status_code == KINDS[kind] and lint(answer.text) == []
    assert answer.headers["X-Request-Id"] in answer.text and f"Error {KINDS[kind]}" in answer.text
    assert not [word for word in INSIDE if word in answer.text]
    rows = superuser.execute("select operation from system_logs").fetchall()
    assert rows == ([("request.broke",)] if KINDS[kind] == 500 else [])


def test_the_log_knows_the_reference_of_what_broke(failing_app, superuser, caplog):
    answer = failing_app.test_client().get("/failing/defect")
    row = superuser.execute("select request_id, level, message from system_logs").fetchone()
    assert row == (answer.headers["X-Request-Id"], "error", "RuntimeError in failing-defect")
    assert f"request {row[0]} broke" in caplog.text and "the inside" in caplog.text


def test_references_can_be_read_out(client, database):
    references = {client.get("/nothing").headers["X-Request-Id"] for _ in range(20)}
    assert len(references) == 20
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", reference) for reference in references)


def test_a_refusal_says_its_sentence(failing_app, database):
    assert "<h1>It is too early for that.</h1>" in failing_app.test_client().get("/failing/refused").text


def test_an_answer_that_could_not_be_kept_is_not_given(failing_app, superuser):
    answer = failing_app.test_client().get("/failing/commit")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "10"
    assert "done" not in answer.text and superuser.execute("select count(*) from system_logs").fetchone() == (0,)


def test_the_next_request_after_a_lost_connection_is_served(failing_app, database):
    browser = failing_app.test_client()
    browser.get("/failing/gone")
    assert browser.get("/").status_code == 200


def test_error_pages_know_who_is_asking(failing_app, sign_in, alice, client):
    hers = sign_in(alice)
    assert "Go to the meetings" in hers.get("/nothing").text
    assert "Go to the front page" in client.get("/nothing").text


def test_what_does_not_exist_and_what_cannot_be_used_that_way(client, database):
    assert "Nothing is kept at this address" in client.get("/nothing/at-all").text
    answer = client.submit("/help")
    assert answer.status_code == 405 and set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_too_much_at_once_is_not_read(client, database):
    answer = client.post("/sign-up", data={"first_name": "x" * 300_000})
    assert answer.status_code == 413 and "Send less" in answer.text


@pytest.mark.parametrize("path", ["/%00", "/%ff%fe", "/meetings/%00", "/meetings/1", "/static/%00", "/%2e%2e/x"])
def test_odd_addresses_are_just_not_there(path, client, database):
    assert client.get(path).status_code == 404


# --- the database is away --------------------------------------------------------------------------------------------


@pytest.fixture
def lonely(migrated, sign_in, alice):
    """A browser with a sign-in, on a portal whose database does not answer."""
    app = create_app(settings_for(migrated, database_url=DEAD))
    app.test_client_class = Browser
    browser = app.test_client()
    browser.set_cookie("__Host-session", sign_in(alice).get_cookie("__Host-session").value)
    return browser


@pytest.mark.parametrize("path", ["/", "/meetings", "/account", "/admin", "/sign-in"])
def test_without_a_database_the_page_says_so_at_once(path, lonely):
    begun = time.monotonic()
    answer = lonely.get(path)
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "10"
    assert time.monotonic() - begun < 5
    assert lint(answer.text) == [] and answer.headers["X-Request-Id"] in answer.text
    assert not [word for word in INSIDE if word in answer.text]


def test_without_a_database_nothing_is_taken(lonely):
    assert lonely.submit("/account/sign-ins/end-others").status_code == 503
    assert lonely.submit("/sign-in", email="alice@club.example", password="x").status_code == 503


def test_without_a_database_what_needs_none_is_there(lonely):
    assert lonely.get("/healthz").status_code == 200
    assert lonely.get("/robots.txt").status_code == 200
    assert lonely.get("/nothing").status_code == 404
    assert lonely.delete("/help").status_code == 405
