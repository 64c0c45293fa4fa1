"""Through the door and out again: neutral answers, a pause after five tries, an end that is an end."""

import statistics
import time
import unicodedata
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from portal import clock
from portal.accounts import actions, passwords
from portal.database import db
from tests.accounts.conftest import CHEAP, PASSWORD, enters, main
from tests.support.reading import one

WRONG = "not the password"


@pytest.fixture
def member(with_password, alice):
    """Alice, who has a password."""
    return with_password(alice)


def key_of(browser):
    """What the browser's cookie holds."""
    with browser.session_transaction() as session:
        return session.get("_user_id")


# --- neutral ---------------------------------------------------------------------------------------------------------


def test_every_no_reads_the_same(client, member, eve, charlie, with_password, superuser):
    with_password(charlie)
    superuser.execute("update users set is_active = false where id = %s", [charlie.id])
    superuser.execute("insert into users (email) values ('unverified@club.example')")
    addresses = (member.email, "nobody@club.example", charlie.email, eve.email, "unverified@club.example")
    pages = {main(client.submit("/sign-in", email=email, password=WRONG)) for email in addresses}
    assert len(pages) == 1 and "do not match" in pages.pop()


def test_a_known_address_takes_as_long_as_an_unknown_one(app, alice, with_password, monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(memory_cost=16384))
    passwords._decoy.cache_clear()
    member = with_password(alice, passwords.hashed(PASSWORD))

    def seconds(email):
        begun = time.process_time()  # whatever else this machine does meanwhile
        assert actions.check_password(db.session(), email, WRONG) is None
        return time.process_time() - begun

    with app.app_context():
        seconds("nobody@club.example")  # makes the hash nobody has
        tries = [(seconds(member.email), seconds("nobody@club.example")) for _ in range(15)]
        db.session.rollback()
    known, unknown = (statistics.median(times) for times in zip(*tries, strict=True))
    passwords._decoy.cache_clear()
    assert 0.7 < known / unknown < 1.4


def test_the_address_is_kept_and_the_password_is_not(client, member):
    page = client.submit("/sign-in", email=member.email, password=WRONG, next="/orders").text
    assert f'value="{member.email}"' in page and WRONG not in page and 'value="/orders"' in page


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"email": "x"},
        {"password": "x"},
        {"email": "a\x00b", "password": "a\x00b"},
        {"email": "x" * 300, "password": "y" * 5000},
    ],
)
def test_a_form_not_filled_in_is_told_so(form, client, database):
    assert client.submit("/sign-in", **form).status_code == 422


def test_signing_in_leads_on_to_the_page_that_was_wanted(client, member):
    assert client.submit("/sign-in", email=member.email, password=PASSWORD, next="/orders").location == "/orders"


def test_signing_in_never_leads_elsewhere(client, member):
    answer = client.submit("/sign-in", email=member.email, password=PASSWORD, next="//evil.example/")
    assert answer.location == "/meetings"


def test_both_outcomes_are_in_the_log(client, member, superuser):
    client.submit("/sign-in", email=member.email, password=WRONG)
    enters(client, member.email)
    rows = superuser.execute("select operation, subject_id, category from system_logs order by timestamp").fetchall()
    assert rows == [("sign-in.refused", member.id, "security"), ("sign-in.opened", member.id, "security")]


# --- the sign-in itself ----------------------------------------------------------------------------------------------


def test_every_sign_in_is_a_new_one(client, member, superuser):
    enters(client, member.email)
    first = key_of(client)
    enters(client, member.email)
    assert key_of(client) != first
    assert superuser.execute("select count(*) from sign_ins").fetchone() == (2,)


def test_the_database_keeps_only_the_hash_of_the_key(client, member, superuser):
    enters(client, member.email)
    key = key_of(client)
    kept = superuser.execute("select to_jsonb(s)::text from sign_ins s").fetchone()[0]
    assert len(key) >= 43 and key not in kept and str(member.id) not in str(client.get_cookie("__Host-session").value)


def test_a_cookie_planted_before_is_worth_nothing_after(client, member):
    with client.session_transaction() as session:
        session["_user_id"], session["planted"] = "a key of the attacker's", True
    enters(client, member.email)
    with client.session_transaction() as session:
        assert "planted" not in session and session["_user_id"] != "a key of the attacker's"


def test_a_forged_key_opens_nothing(client, database):
    with client.session_transaction() as session:
        session["_user_id"] = "00000000-0000-0000-0000-000000000000"
    assert client.get("/account").status_code == 303


def test_a_cookie_with_another_signature_is_nobody(client, member):
    enters(client, member.email)
    cookie = client.get_cookie("__Host-session").value
    client.set_cookie("__Host-session", cookie[:-4] + "AAAA")
    assert client.get("/account").status_code == 303


def test_an_old_hash_is_made_again_at_the_next_sign_in(client, alice, with_password, superuser):
    old = PasswordHasher(time_cost=1, memory_cost=512, parallelism=1).hash(PASSWORD)
    with_password(alice, old)
    kept = "select password_hash, changed_at from credentials"
    before = superuser.execute(kept).fetchone()
    client.submit("/sign-in", email=alice.email, password=WRONG)
    assert superuser.execute(kept).fetchone() == before
    assert enters(client, alice.email)
    new_hash, changed_at = superuser.execute(kept).fetchone()
    assert new_hash != old and not passwords.outdated(new_hash) and changed_at == before[1]
    assert enters(client, alice.email)


def test_a_current_hash_stays(client, member, superuser):
    before = superuser.execute("select password_hash from credentials").fetchone()
    enters(client, member.email)
    assert superuser.execute("select password_hash from credentials").fetchone() == before


# --- slower after five -----------------------------------------------------------------------------------------------


def tries(browser, email, times, **more):
    return [browser.submit("/sign-in", email=email, password=WRONG, **more).status_code for _ in range(times)]


def test_after_five_tries_there_is_a_pause(client, member):
    assert tries(client, member.email, 6) == [422] * 5 + [429]
    answer = client.submit("/sign-in", email=member.email, password=PASSWORD)
    assert answer.status_code == 429 and "Wait 15 minutes" in answer.text
    assert 800 < int(answer.headers["Retry-After"]) <= 900


def test_the_pause_is_the_accounts_however_it_is_written_and_wherever_from(client, another, member):
    tries(client, member.email, 5)
    elsewhere = another()
    elsewhere.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    assert tries(elsewhere, f" {member.email.upper()} ", 1) == [429]


@pytest.mark.parametrize("spelled", ["al\u0130ce@club.example", "alice@club.ex\u0130mple", "alice@CLUB.example "])
def test_an_account_has_five_tries_whatever_letters_the_database_takes_for_its_own(spelled, client, another, member):
    """The database's lower() makes a plain i of a dotted one; Python's does not, and counted elsewhere."""
    tries(client, member.email, 5)
    assert not enters(another(), spelled)


def test_a_browser_that_says_a_book_is_listed_by_its_first_page(client, member, superuser):
    """The patterns that tell devices apart take minutes for some kilobytes, and seconds to be read the first time."""
    client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Linux; Android 9; " + "SM-" * 5000 + " Build/"
    begun = time.process_time()
    assert enters(client, member.email) and time.process_time() - begun < 20
    assert one(superuser, "select device from sign_ins") == "Android Browser on Android"


@pytest.mark.parametrize("written", ["1.2.3.4:5678", "fe80::1%eth0", "[2001:db8::1]:80", "unix:", ""])
def test_an_address_with_a_port_or_a_zone_breaks_nothing(written, client, member):
    client.environ_base["REMOTE_ADDR"] = written
    assert tries(client, member.email, 6) == [422] * 5 + [429]


def test_the_pause_is_over_after_its_time(client, member, superuser):
    tries(client, member.email, 6)
    superuser.execute("update rate_limits set expires_at = clock_timestamp()")
    assert enters(client, member.email)


def test_others_are_not_kept_waiting(client, member, charlie, with_password):
    tries(client, member.email, 6)
    assert enters(client, with_password(charlie).email)


def test_a_success_is_no_try_and_clears_nobody_elses(client, another, member, superuser):
    """Somebody who guesses waits for the owner's own sign-in to have five more."""
    tries(another(), member.email, 4)
    for _time in range(3):
        assert enters(client, member.email)
    assert superuser.execute("select hits from rate_limits").fetchall() == [(4,), (4,)]
    assert tries(another(), member.email, 2) == [422, 429]


def test_an_office_comes_in_behind_one_address(app, people, with_password, superuser):
    """Only failures count against a network."""
    tries(app.test_client(), "somebody@club.example", 1)
    superuser.execute("update rate_limits set hits = 59 where key like 'sign-in:%'")
    for person in people[:3]:
        assert enters(app.test_client(), with_password(person).email)
    assert tries(app.test_client(), "somebody@club.example", 2) == [422, 429]


def test_who_comes_while_all_are_busy_has_not_tried(client, member, monkeypatch, superuser):
    busy = passwords.Turns(2)
    monkeypatch.setattr(passwords, "_turns", busy)
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    with busy.one():
        answer = client.submit("/sign-in", email=member.email, password=PASSWORD)
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "5" and "out of breath" in answer.text
    assert superuser.execute("select hits from rate_limits").fetchall() == [(0,), (0,)]
    assert enters(client, member.email)


def test_a_network_that_tries_many_accounts_waits(client, member, superuser):
    tries(client, "somebody@club.example", 1)
    superuser.execute("update rate_limits set hits = 60 where key like 'sign-in:%'")
    assert client.submit("/sign-in", email=member.email, password=PASSWORD).status_code == 429
    client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    assert enters(client, member.email)


def test_a_forged_forwarded_address_does_not_count_as_another_network(client, member, superuser):
    for number in range(3):
        client.post(
            "/sign-in",
            data={"csrf_token": client.token(), "email": f"{number}@x.example", "password": WRONG},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
    assert superuser.execute("select hits from rate_limits where key like 'sign-in:%'").fetchall() == [(3,)]


# --- out -------------------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_sign_in_for_good(client, another, member, superuser):
    enters(client, member.email)
    copied = another()
    copied.set_cookie("__Host-session", client.get_cookie("__Host-session").value)
    assert copied.get("/account").status_code == 200
    answer = client.submit("/sign-out")
    assert answer.location == "/sign-in" and answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert copied.get("/account").status_code == client.get("/account").status_code == 303
    assert superuser.execute("select count(*) from sign_ins where ended_at is not null").fetchone() == (1,)


def test_nobody_is_signed_out_by_a_link(client, member):
    enters(client, member.email)
    assert client.get("/sign-out").status_code == 405
    assert client.get("/account").status_code == 200


def test_a_deactivated_member_is_out_at_once(sign_in, alice, superuser):
    browser = sign_in(alice)
    assert browser.get("/account").status_code == 200
    superuser.execute("update users set is_active = false where id = %s", [alice.id])
    assert browser.get("/account").status_code == 303


def test_an_admin_made_a_member_again_sees_no_admin_page(sign_in, dora, alice, superuser):
    browser = sign_in(dora)
    superuser.execute("update users set is_admin = true where id = %s", [alice.id])
    assert browser.get("/admin/people").status_code == 200
    superuser.execute("update users set is_admin = false where id = %s", [dora.id])
    assert browser.get("/admin/people").status_code == 404


def test_a_sign_in_not_used_for_two_weeks_is_over(sign_in, alice, now):
    browser = sign_in(alice)
    with clock.at(now + timedelta(days=13, hours=23)):
        assert browser.get("/account").status_code == 200
    with clock.at(now + timedelta(days=28)):
        assert browser.get("/account").status_code == 303


def test_a_sign_in_lasts_ninety_days_at_most(sign_in, alice, now):
    browser = sign_in(alice)
    for day in range(13, 90, 13):
        with clock.at(now + timedelta(days=day)):
            assert browser.get("/account").status_code == 200
    with clock.at(now + timedelta(days=90, minutes=1)):
        assert browser.get("/account").status_code == 303


def test_what_the_same_browser_held_before_is_over(client, another, member, superuser):
    elsewhere = another()
    for browser in (client, elsewhere, client):
        enters(browser, member.email)
    assert one(superuser, "select count(*) from sign_ins where ended_at is null") == 2
    assert one(superuser, "select count(*) from sign_ins where ended_at is not null") == 1


def test_a_password_typed_on_another_keyboard_opens_and_its_old_hash_is_made_anew_once(
    another, with_password, alice, superuser
):
    """RFC 8265, 4.2. Before there was one form it was hashed as one keyboard had put it together."""
    composed, apart = (unicodedata.normalize(form, "Zoë kommt im März später") for form in ("NFC", "NFD"))
    kept, hashes = "select password_hash from credentials", []
    with_password(alice, CHEAP.hash(apart))
    for typed in (composed, apart):
        assert enters(another(), alice.email, typed)
        hashes.append(superuser.execute(kept).fetchone()[0])
    assert hashes[0] == hashes[1] and CHEAP.verify(hashes[0], composed)
