"""The portal as tests use it: an app on the test database, browsers for the cast, and a worker that does what is due."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import procrastinate
import psycopg
import pytest
import stripe
from flask import Flask, g, has_request_context, request
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from procrastinate.periodic import PeriodicRegistry
from sqlalchemy import event

from portal import create_app, jobs
from portal.accounts.member import key_hash, new_key
from portal.assets import build
from portal.config import ROOT, SANDBOX_KEY, Settings
from portal.database import db
from portal.setting_values import driver_url, plain_url
from tests.conftest import As
from tests.support.cast import Person
from tests.support.server import Database

stripe.HTTPClient.INITIAL_DELAY = 0  # what asks again does so at once; tests that want a Stripe start one
SECRET = "a secret for tests, as long as a real one would be"


class Browser(FlaskClient):
    """A browser without scripts: keeps cookies, sends the form token, speaks https. `.person` is who signed in."""

    person: Person | None = None

    def submit(self, path: str, htmx: bool = False, **form: Any) -> Any:
        """Post a form as its page would; with `htmx` as the library sends it."""
        headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if htmx else {}
        return self.post(path, data={"csrf_token": self.token(), **form}, headers=headers)

    def token(self) -> str:
        """A form token that fits this browser's session."""
        with self.session_transaction() as session:
            raw = session.setdefault("csrf_token", "0" * 40)
        return URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps(raw)


def settings_for(database: Database, **changes: Any) -> Settings:
    """The settings of a sandbox on `database`."""
    values = {
        "database_url": driver_url(database.url("portal_web")),
        "owner_url": driver_url(database.url("portal_owner")),
        "worker_url": driver_url(database.url("portal_worker")),
        "backup_url": driver_url(database.url("portal_backup")),
        "secret_key": SECRET,
        "address_key": SECRET,
        "room_key": SECRET,
        "sandbox": True,
        "stripe_key": SANDBOX_KEY,
        "stripe_webhook_secret": "whsec_test",
        "stripe_url": "http://127.0.0.1:9",  # nobody is there
        "public_url": "https://localhost",
        "assets": ROOT / "var" / "test" / "assets",
        "sandbox_stripe": ROOT / "var" / "test" / f"stripe-{os.getpid()}.sqlite3",
    }
    if port := os.environ.get("TEST_PGBOUNCER"):  # tests/server/test_pgbouncer.py: the suite's core in transaction mode
        for name, login in (("database_url", "portal_web"), ("worker_url", "portal_worker")):
            values[name] = driver_url(f"postgresql://{login}@127.0.0.1:{port}/{database.name}")
        values["pgbouncer"] = True
    return Settings(**{**values, **changes})


@pytest.fixture(scope="session")
def app(migrated: Database) -> Iterator[Flask]:
    """The portal on this process's database, as portal_web."""
    build(settings_for(migrated).assets)
    made = create_app(settings_for(migrated))
    made.test_client_class = Browser
    made.config["TESTING"] = False  # errors become pages, as for members
    one_connection_each(made)
    yield made
    with made.app_context():
        db.engine.dispose()


def one_connection_each(app: Flask) -> None:
    """A request of `app` that takes a second connection while it holds one breaks: under load it would wait for itself."""

    def taken(*_which: Any) -> None:
        if has_request_context():
            g.connections = g.get("connections", 0) + 1
            assert g.connections == 1, f"{request.endpoint} holds two connections"

    def given_back(*_which: Any) -> None:
        if has_request_context():
            g.connections -= 1

    with app.app_context():
        event.listen(db.engine, "checkout", taken)
        event.listen(db.engine, "checkin", given_back)


@pytest.fixture(autouse=True)
def as_the_environment_says(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test begins with what an admin of the one before made of the club."""
    yield
    for name in {"app", "worker_app"} & set(request.fixturenames):
        follower = request.getfixturevalue(name).extensions["club"]
        if follower.changed_at is not None:
            follower.take(None)


@pytest.fixture
def client(app: Flask, database: Database) -> Browser:
    """A browser nobody has signed in with."""
    return app.test_client()  # type: ignore[return-value]


SignIn = Callable[[Person], Browser]
PROVED = (
    "update sign_ins s set waits = false, proved_at = %s from users u"
    " where s.key_hash = %s and u.id = s.user_id and u.is_admin"
)
"""What a code would have done for an admin's sign-in."""


@pytest.fixture
def sign_in(app: Flask, as_: As, now: Any, superuser: psycopg.Connection) -> SignIn:
    """`sign_in(alice)`: a browser with a sign-in of hers; an admin has just given a code in it."""

    def enter(person: Person) -> Browser:
        key = new_key()
        with as_(None) as connection:
            connection.execute(
                "select auth.open_sign_in(%s, %s, 'Test browser', '127.0.0.1')", [person.id, key_hash(key)]
            )
        superuser.execute(PROVED, [now, key_hash(key)])
        browser: Browser = app.test_client()  # type: ignore[assignment]
        browser.person = person
        with browser.session_transaction() as session:
            session["_user_id"], session["_fresh"] = key, True
        return browser

    return enter


@pytest.fixture(scope="session")
def worker_app(migrated: Database) -> Iterator[Flask]:
    """The portal as the worker has it."""
    settings = settings_for(migrated)
    made = create_app(settings, database_url=settings.worker_url)
    yield made
    with made.app_context():
        db.engine.dispose()


Work = Callable[[], None]


@pytest.fixture
def work(worker_app: Flask, database: Database) -> Work:
    """`work()`: do every job that is due, with the real worker, and come back."""
    return lambda: work_off(worker_app, database)


def work_off(app: Flask, database: Database) -> None:
    """Do with `app` every job that is due; nothing the clock of a real worker would call in this very minute."""
    jobs.serve(app)
    connector = procrastinate.PsycopgConnector(conninfo=plain_url(database.url("portal_worker")))
    with jobs.queue.replace_connector(connector) as queue:
        scheduled, queue.periodic_registry = queue.periodic_registry, PeriodicRegistry()  # type: ignore[no-untyped-call]
        try:
            queue.run_worker(wait=False, install_signal_handlers=False, listen_notify=False, delete_jobs="never")
        finally:
            queue.periodic_registry = scheduled


@pytest.fixture
def mails(superuser: psycopg.Connection) -> Callable[[str], list[dict[str, Any]]]:
    """`mails(address)`: what the mailbox got for an address, newest first."""

    def received(address: str) -> list[dict[str, Any]]:
        with superuser.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(
                "select * from sandbox_mails where lower(recipient) = lower(%s) order by received_at desc", [address]
            ).fetchall()

    return received
