"""What opens something is in no log, no job and no browser's memory; and what may be typed is typed as browsers expect."""

import re

import pytest
from flask import Blueprint, request
from sqlalchemy import text

from portal import create_app
from portal.access import public
from portal.database import db
from portal.rooms.sealing import seal
from tests.accounts.conftest import PASSWORD, another, cheap_hashes, enters, gives, outbox, sets_up, with_password  # noqa: F401 - fixtures
from tests.support.cast import ROOM_KEY
from tests.support.reading import statements
from tests.support.web import Browser, settings_for

NEW_PASSWORD = "eleven loud mornings"


@pytest.fixture
def life(client, sign_in, with_password, charlie, outbox, work, superuser):  # noqa: F811
    """Somebody signs up, somebody signs in with everything there is; all that was secret in it."""
    client.submit("/sign-up", email="new@x.example", first_name="N", timezone="UTC")
    secrets = [NEW_PASSWORD, outbox("new@x.example")[0].link, outbox("new@x.example")[0].code]
    by_code = client.submit("/verify", email="new@x.example", code=outbox("new@x.example")[0].code).location
    client.submit(by_code, password=NEW_PASSWORD)
    secrets.append(by_code)
    hers = sign_in(with_password(charlie))
    phone = sets_up(hers)
    hers.submit("/account/address", email="later@x.example", password=PASSWORD)
    secrets += [phone.secret, *phone.recovery_codes, outbox("later@x.example")[0].code]
    hers.submit("/account/password", old_password=PASSWORD, password=NEW_PASSWORD)
    client.submit("/sign-in", email=charlie.email, password="a wrong guess of hers")
    enters(client, charlie.email, NEW_PASSWORD)
    with client.session_transaction() as session:
        secrets.append(session["half"])
    gives(client, phone.recovery_codes[0])
    client.submit("/reset", email=charlie.email)
    secrets.append(superuser.execute("select key_hash from sign_ins limit 1").fetchone()[0].hex())
    return [*secrets, PASSWORD, "a wrong guess of hers"]


def test_nothing_that_opens_is_in_a_log_or_a_job(life, superuser, caplog, capfd):
    told = caplog.text + "".join(capfd.readouterr())
    for table in ("system_logs", "procrastinate_jobs", "rate_limits"):
        told += str(superuser.execute(f"select array_agg(to_jsonb(t)) from {table} t").fetchone())
    assert "account.signed-up" in told and "second-factor.given" in told and "accounts.send_reset" in told
    assert [secret for secret in life if secret in told] == []


def test_mails_that_open_something_are_forgotten_when_sent(life, work, superuser):
    work()
    assert superuser.execute("select count(*) from mails where secret and text is not null").fetchone() == (0,)
    assert superuser.execute("select count(*) from mails where secret").fetchone()[0] >= 3


def test_a_defect_of_ours_tells_the_log_nothing_that_was_typed(database, caplog):
    defect = Blueprint("defect", __name__)

    @defect.get("/defect")
    @public
    def fail():
        return db.session.execute(text("select 1 / 0, cast(:typed as text)"), request.args)

    app = create_app(settings_for(database))
    app.register_blueprint(defect)
    assert app.test_client().get("/defect?typed=seven+quiet+evenings").status_code == 500
    assert "DivisionByZero" in caplog.text and "seven quiet evenings" not in caplog.text
    with app.app_context():
        db.engine.dispose()


def test_no_answer_to_anybody_has_the_address_of_a_room(routes, everybody, superuser, caplog):
    sealed = {name: seal(f"https://meet.example.test/{name}", ROOM_KEY) for name in ("room", "host", "own")}
    superuser.execute("update meetings set meeting_link = %s, provision_state = 'ready'", [sealed["room"]])
    superuser.execute("update rooms set host_address = %s", [sealed["host"]])
    superuser.execute("update room_registrants set address = %s", [sealed["own"]])
    superuser.execute("update recordings set address = %s", [sealed["own"]])
    superuser.execute("update series_links set address = %s", [sealed["room"]])
    for route in routes:
        for browser in everybody.values():
            answer = browser.open(route.path, method=route.method)
            told = f"{answer.headers}{answer.get_data(as_text=True)}"
            assert not [word for word in ("meet.example", *sealed.values()) if word in told], route
    assert "meet.example" not in caplog.text


def test_every_password_is_hidden_and_known_to_password_managers(routes, everybody):
    seen = 0
    for route in routes:
        for browser in everybody.values():
            page = browser.get(route.path).text if route.method == "GET" else ""
            for field in re.findall(r"<input[^>]*password[^>]*>", page):
                seen += 1
                assert 'type="password"' in field and re.search('autocomplete="(current|new)-password"', field), route
                assert "maxlength" not in field and "onpaste" not in field and 'value=""' in field, route
    assert seen > 10


def test_every_code_is_known_to_phones(client, sign_in, alice, with_password):  # noqa: F811
    hers = sign_in(with_password(alice))
    hers.submit("/account/second-factor", **{"begin-password": PASSWORD})
    hers.submit("/account/address", email="later@x.example", password=PASSWORD)
    for path in ("/account/second-factor/set-up", "/account/address/code"):
        assert 'autocomplete="one-time-code"' in hers.get(path).text, path


# --- the same for everybody ---------------------------------------------------------------------------------------------


def test_asking_for_a_new_password_costs_the_same_for_any_address(app, client, people, alice):
    """Who has an account the worker finds out; the page asks the database the same either way."""
    client.submit("/reset", email="first@x.example")  # makes what is made once
    sent = []
    for address in (alice.email, "nobody@x.example"):
        with statements() as asked:
            client.submit("/reset", email=address)
        sent.append(asked)
    assert sent[0] == sent[1] and len(sent[0]) > 2


# --- limits -------------------------------------------------------------------------------------------------------------


def test_tries_are_counted_for_all_processes_together(app, client, database, people):
    other = create_app(settings_for(database))
    other.test_client_class = Browser
    for number in range(20):
        browser = client if number % 2 else other.test_client()
        assert browser.submit("/reset", email=f"{number}@x.example").status_code == 303
    for browser in (client, other.test_client()):
        answer = browser.submit("/reset", email="more@x.example")
        assert answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= 3600
    with other.app_context():
        db.engine.dispose()


def test_a_limit_that_was_reached_is_in_the_log_once(client, people, superuser):
    for number in range(24):
        client.submit("/reset", email=f"{number}@x.example")
    for _ in range(8):
        client.submit("/sign-in", email="a@x.example", password="not the password")
    noted = superuser.execute("select message, category, level from system_logs where operation = 'limit.reached'")
    assert sorted(noted.fetchall()) == [
        ("Too many tries: reset", "security", "warn"),
        ("Too many tries: sign-in", "security", "warn"),
    ]


@pytest.mark.parametrize(("login", "seconds"), [("portal_web", "5s"), ("portal_worker", "1min")])
def test_no_statement_of_ours_runs_for_ever(login, seconds, connect):
    assert connect(login).execute("show statement_timeout").fetchone() == (seconds,)
