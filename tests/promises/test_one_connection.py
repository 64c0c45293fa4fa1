"""Nothing that answers a browser takes a second connection while it holds one.

With as many connections as threads, two requests that each want a second one wait for each other. Every test of the suite
watches (`one_connection_each`); here each route is asked for, and the watcher is watched.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal import create_app, limits
from portal.access import public
from portal.accounts import passwords
from portal.database import db
from tests.support.web import Browser, one_connection_each, settings_for


def test_no_page_and_no_form_takes_two(routes, everybody, superuser):
    for route in routes:
        for who in ("visitor", "alice", "dora"):
            if route.path != "/sign-out":
                superuser.execute("delete from rate_limits")
                browser = everybody[who]
                answer = browser.get(route.path) if route.method == "GET" else browser.submit(route.path, **FILLED_IN)
                assert answer.status_code < 500 or route.path == "/status", (who, route)  # no worker works here
    assert superuser.execute("select message from system_logs where operation = 'request.broke'").fetchall() == []


FILLED_IN = {
    "email": "ana@duarte.pt",
    "password": "seven quiet evenings",
    "old_password": "seven quiet evenings",
    "first_name": "Ana",
    "timezone": "UTC",
    "code": "123456",
    "answer": "accepted",
    "plan": "family",
    "cycle": "yearly",
    "plan_name": "Us",
    "second_factor": "123456",
    "addresses": "ana@duarte.pt",
    "title": "Supper",
    "reason": "Rain",
}


@pytest.fixture
def watched(migrated, database):
    """The portal with one more address, whose view asks for a second connection."""
    app = create_app(settings_for(migrated))
    app.test_client_class = Browser

    @app.get("/two")
    @public
    def two():
        limits.wait_for("door", "ana", 5, 60)
        with db.engine.connect():
            return "done"

    one_connection_each(app)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_one_that_does_is_noticed(watched, caplog):
    assert watched.test_client().get("/two").status_code == 500
    assert "two holds two connections" in caplog.text


@pytest.fixture
def small(migrated, database):
    """The portal as a server of two threads has it."""
    app = create_app(settings_for(migrated), threads=2)
    app.test_client_class = Browser
    yield app
    with app.app_context():
        db.engine.dispose()


def test_sixteen_at_once_on_one_account_keep_nobody_else_waiting(small, sign_in, alice, superuser):
    superuser.execute(
        "insert into credentials values (%s, %s, now())", [alice.id, passwords.hashed("seven quiet evenings")]
    )
    cookie = sign_in(alice).get_cookie("__Host-session").value
    threads = threading.BoundedSemaphore(2)  # as the server has them

    def change(_number):
        browser = small.test_client()
        browser.set_cookie("__Host-session", cookie)
        form = {"csrf_token": browser.token(), "old_password": "not mine", "password": "many other quiet evenings"}
        with threads:
            return browser.post("/account/password", data=form).status_code

    with ThreadPoolExecutor(16) as crowd:
        statuses = list(crowd.map(change, range(16)))
    assert sorted(statuses) == [422] * 10 + [429] * 6
