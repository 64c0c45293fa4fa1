"""The frame of a request: proxies, keys that change, and files under names that change with them."""

import json

import pytest

from portal import assets, create_app
from portal.problems import Problem
from tests.support.web import SECRET, Browser, settings_for


@pytest.fixture
def portal(migrated):
    """`portal(trusted_proxies=1)`: a browser on a portal with other settings."""

    def made(**changes):
        app = create_app(settings_for(migrated, **changes))
        app.test_client_class = Browser
        return app.test_client()

    return made


def seen_from(superuser):
    return superuser.execute("select host(ip_address) from system_logs order by timestamp desc").fetchone()[0]


CHAIN = 'for=192.0.2.66, for=198.51.100.1;proto=https, for="203.0.113.9:4711"'


@pytest.mark.parametrize(
    ("hops", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.1"), (4, "127.0.0.1")]
)
def test_the_sender_is_who_the_trusted_proxies_say(hops, address, portal, superuser):
    browser = portal(trusted_proxies=hops)
    form = {"csrf_token": browser.token(), "email": "a@b.example", "password": "x"}
    headers = {"Forwarded": CHAIN, "X-Forwarded-For": "192.0.2.1", "Origin": "https://localhost"}
    browser.post("/sign-in", data=form, headers=headers)
    assert seen_from(superuser) == address


def test_what_no_proxy_said_is_told_once(portal, database, caplog):
    browser = portal(trusted_proxies=1)
    for _time in range(3):
        browser.get("/healthz", headers={"X-Forwarded-For": "192.0.2.1"})
    assert caplog.text.count("came without a Forwarded header") == 1


def test_a_new_key_takes_the_old_ones_sessions_with_it(portal, sign_in, alice):
    cookie = sign_in(alice).get_cookie("__Host-session").value
    for keys, status in (({"secret_key_fallbacks": (SECRET,)}, 200), ({}, 303)):
        browser = portal(secret_key="another key, as long as a real one would be", **keys)
        browser.set_cookie("__Host-session", cookie)
        assert browser.get("/account").status_code == status


def test_what_a_page_does_with_its_session_is_not_there_for_who_sends_the_same_cookie(portal):
    """A cookie is checked once an hour and then known; whoever reads it gets a copy."""
    browser = portal()
    with browser.session_transaction() as session:
        session["_flashes"] = [("note", "Saved.")]
    cookie = browser.get_cookie("__Host-session").value
    for _time in range(2):
        browser.set_cookie("__Host-session", cookie)
        with browser.session_transaction() as session:
            assert session["_flashes"].pop() == ("note", "Saved.")


def test_files_have_names_that_change_with_their_content(tmp_path):
    assets.build(tmp_path / "assets")
    manifest = json.loads((tmp_path / "assets" / "manifest.json").read_text())
    assert {"portal.css", "portal.js", "htmx.js", "hx-sse.js", "favicon.svg"} <= set(manifest)
    for name, url in manifest.items():
        assert (
            url.startswith("/static/" + name.rpartition(".")[0])
            and (tmp_path / "assets" / "files" / url.rpartition("/")[2]).exists()
        )
    assert list((tmp_path / "assets" / "files").glob("portal.*.css.br"))


def test_files_are_built_when_they_are_not_there(portal, tmp_path, database):
    assert portal(assets=tmp_path / "new").get("/").status_code == 200
    assert (tmp_path / "new" / "manifest.json").exists()


def test_without_htmx_the_operator_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "NPM", ("no/such/folder",))
    with pytest.raises(Problem, match="htmx is not installed"):
        assets.build(tmp_path)


def test_times_are_the_clubs_until_somebody_is_known(client, sign_in, alice, superuser):
    superuser.execute("update users set timezone = 'Asia/Kathmandu' where id = %s", [alice.id])
    assert "Istanbul" in client.get("/sign-in").text
    assert "in Kathmandu" in sign_in(alice).get("/account").text
