"""A database that takes no changes: what only reads is served, and what would change something is told so and is not lost."""

import pytest

from portal import create_app
from portal.database import db
from tests.support.web import Browser, settings_for


@pytest.fixture
def reading(migrated, superuser, sign_in, alice):
    """Alice's browser, on a portal whose login can change nothing; she was last seen ten minutes ago."""
    browser = sign_in(alice)
    superuser.execute("update sign_ins set seen_at = seen_at - interval '10 minutes'")
    (name,) = superuser.execute("select current_database()").fetchone()
    login = f"alter role portal_web in database {name}"
    superuser.execute(f"{login} set default_transaction_read_only = on")
    app = create_app(settings_for(migrated))
    app.test_client_class = Browser
    hers = app.test_client()
    hers.set_cookie("__Host-session", browser.get_cookie("__Host-session").value)
    try:
        yield hers
    finally:
        superuser.execute(f"{login} reset default_transaction_read_only")
        with app.app_context():
            db.engine.dispose()


@pytest.mark.parametrize("path", ["/meetings", "/family", "/orders", "/account", "/help", "/readyz"])
def test_pages_are_read(path, reading):
    assert reading.get(path).status_code == 200


def test_a_change_is_told_that_it_is_none(reading, superuser):
    answer = reading.submit("/account/sign-ins/end-others")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "30"
    assert "<h1>Nothing can be changed just now.</h1>" in answer.text and "Go to the meetings" in answer.text
    assert superuser.execute("select count(*) from system_logs").fetchone() == (0,)


def test_a_sign_in_counts_no_try_and_says_so_too(reading):
    reading.delete_cookie("__Host-session")
    answer = reading.submit("/sign-in", email="alice@club.example", password="nine each evening")
    assert answer.status_code == 503 and "Nothing can be changed just now." in answer.text


def test_a_delivery_comes_again(reading):
    assert reading.post("/webhooks/stripe", data="{}", content_type="application/json").status_code == 503
