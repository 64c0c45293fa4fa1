"""The second factor: set up with the password, asked at every sign-in, each code once, ten codes for a lost phone."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal import clock
from portal.accounts import sealed, second_factor
from portal.accounts.jobs import send_reset
from portal.database import db
from portal.database.identity import ANONYMOUS, act_as
from tests.accounts.conftest import PASSWORD, Phone, enters, gives, main, sets_up
from tests.support.reading import do, one, words

MINUTE = timedelta(minutes=1)


@pytest.fixture
def hers(sign_in, with_password, alice):
    """Alice's browser; she has a password."""
    return sign_in(with_password(alice))


@pytest.fixture
def phone(hers) -> Phone:
    """Alice's phone, set up a moment ago."""
    return sets_up(hers)


@pytest.fixture
def half(phone, another, alice):
    """A browser that gave Alice's password, and no code yet."""
    browser = another()
    assert browser.submit("/sign-in", email=alice.email, password=PASSWORD).location.startswith("/sign-in/code")
    return browser


# --- the code itself (RFC 6238, appendix B, shortened to six digits) ----------------------------------------------------


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_the_standard(seconds, code):
    with clock.at(datetime.fromtimestamp(seconds, UTC)):
        step = second_factor.fitting_step("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", code, 0)
    assert step == seconds // 30


@pytest.mark.parametrize(("late", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_one_half_minute_off(late, taken, now):
    phone = Phone("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    with clock.at(now + timedelta(seconds=late)):
        code = phone.code
    with clock.at(now):
        assert (second_factor.fitting_step(phone.secret, code, 0) is not None) == taken


# --- setting up ---------------------------------------------------------------------------------------------------------


def test_it_is_set_up_with_password_and_first_code(hers, superuser):
    phone = sets_up(hers)
    assert len(set(phone.recovery_codes)) == 10
    assert "On since" in words(hers.get("/account/second-factor"))
    assert superuser.execute("select set_up_at is not null, pending from second_factors").fetchone() == (True, None)


@pytest.mark.parametrize("path", ["", "/recovery-codes", "/off"])
def test_nothing_of_it_changes_without_the_password(path, hers, phone, superuser):
    before = superuser.execute("select secret, pending from second_factors").fetchone()
    fields = {f"{name}-password": "not the password" for name in ("begin", "codes", "off")}
    answer = hers.submit(f"/account/second-factor{path}", **fields)
    assert answer.status_code == 422 and "That is not your password." in answer.text
    assert superuser.execute("select secret, pending from second_factors").fetchone() == before


def test_it_is_not_on_before_the_first_code_fits(hers, another, alice):
    hers.submit("/account/second-factor", **{"begin-password": PASSWORD})
    answer = hers.submit("/account/second-factor/set-up", second_factor="000000")
    assert answer.status_code == 422 and "does not fit" in answer.text
    browser = another()
    assert browser.submit("/sign-in", email=alice.email, password=PASSWORD).location == "/meetings"


def test_the_picture_is_there_while_it_is_set_up_and_holds_no_script(hers):
    hers.submit("/account/second-factor", **{"begin-password": PASSWORD})
    answer = hers.get("/account/second-factor/qr.svg")
    assert answer.mimetype == "image/svg+xml" and answer.headers["Cache-Control"] == "no-store"
    assert "style" not in answer.text and "script" not in answer.text and "<path" in answer.text


def test_secret_and_codes_are_shown_once(hers, phone):
    assert hers.get("/account/second-factor/set-up").status_code == 303
    assert hers.get("/account/second-factor/qr.svg").status_code == 303
    assert not any(code in hers.get("/account/second-factor").text for code in phone.recovery_codes)


def test_every_other_sign_in_ends_with_it(hers, sign_in, alice, charlie):
    other, strangers = sign_in(alice), sign_in(charlie)
    sets_up(hers)
    assert other.get("/account").status_code == 303
    assert hers.get("/account").status_code == strangers.get("/account").status_code == 200


def test_the_database_keeps_the_secret_sealed_and_the_codes_hashed(phone, superuser):
    kept = str(superuser.execute("select to_jsonb(f)::text from second_factors f").fetchone())
    kept += str(superuser.execute("select array_agg(code_hash) from recovery_codes").fetchone())
    assert "$argon2id$" in kept and phone.secret not in kept
    assert not any(code.replace("-", "") in kept for code in phone.recovery_codes)


def test_neither_secret_nor_codes_are_in_log_or_mail(phone, half, superuser):
    gives(half, phone.recovery_codes[0])
    gives(half, "123456")
    told = str(superuser.execute("select array_agg(to_jsonb(l)) from system_logs l").fetchone())
    told += str(superuser.execute("select array_agg(to_jsonb(m)) from mails m").fetchone())
    assert "second-factor.given" in told and "A recovery code was used" in told
    assert not any(part in told for part in (phone.secret, phone.recovery_codes[0], "123456"))


def test_its_owner_is_told_by_mail(phone, hers, outbox, alice):
    hers.submit("/account/second-factor/recovery-codes", **{"codes-password": PASSWORD})
    hers.submit("/account/second-factor/off", **{"off-password": PASSWORD})
    subjects = [mail.text.splitlines()[0] for mail in outbox(alice.email)]
    assert len(subjects) == 3 and len(set(subjects)) == 3


# --- signing in ---------------------------------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing(half):
    for path in ("/meetings", "/account", "/account/second-factor", "/orders"):
        assert half.get(path).location.partition("?")[0] == "/sign-in"
    assert half.submit("/account/second-factor/off", **{"off-password": PASSWORD}).location.startswith("/sign-in")


def test_the_code_opens_the_door_and_leads_on(half, phone):
    with clock.at(clock.now() + MINUTE):
        answer = half.submit("/sign-in/code", second_factor=f" {phone.code[:3]} {phone.code[3:]} ", next="/orders")
        assert answer.location == "/orders" and half.get("/orders").status_code == 200


def test_a_browser_gets_a_new_key_with_the_code(half, phone, another):
    with half.session_transaction() as session:
        key = session["half"]
    with clock.at(clock.now() + MINUTE):
        assert gives(half, phone.code)
    thief = another()
    with thief.session_transaction() as session:
        session["_user_id"] = key
    assert thief.get("/account").status_code == 303


def test_a_code_is_taken_once(half, phone, another, alice):
    with clock.at(clock.now() + MINUTE):
        code, other = phone.code, another()
        assert gives(half, code)
        enters(other, alice.email)
        assert not gives(other, code)
    with clock.at(clock.now() + 2 * MINUTE):
        assert gives(other, phone.code)


def test_an_older_code_is_not_taken_after_a_newer_one(half, phone, another, alice):
    at = clock.now() + 2 * MINUTE
    with clock.at(at - timedelta(seconds=30)):
        older = phone.code
    with clock.at(at):
        assert gives(half, phone.code)
        enters(another_one := another(), alice.email)
        assert not gives(another_one, older)


def test_a_recovery_code_works_once_however_it_is_written(half, phone, another, alice, hers):
    code = phone.recovery_codes[3]
    assert gives(half, code.lower().replace("-", " ").replace("0", "o").replace("1", "l"))
    enters(other := another(), alice.email)
    assert not gives(other, code) and gives(other, phone.recovery_codes[4])
    assert "8 of ten recovery codes are left" in words(hers.get("/account/second-factor"))


@pytest.mark.parametrize("kind", ["of the app", "for recovery"])
def test_of_two_who_give_one_code_at_once_one_is_in(half, phone, another, alice, monkeypatch, kind):
    """Both have looked before either is let in, so the database has the last word."""
    look, seen = second_factor.challenge_of, {}
    monkeypatch.setattr(
        second_factor, "challenge_of", lambda db, key, slot=None: seen.setdefault(slot, look(db, key, slot))
    )
    enters(other := another(), alice.email)
    with clock.at(clock.now() + MINUTE):
        code = phone.code if kind == "of the app" else phone.recovery_codes[3]
        assert gives(half, code) and not gives(other, code)


def test_new_recovery_codes_end_the_old_ones(half, phone, hers):
    page = hers.submit("/account/second-factor/recovery-codes", **{"codes-password": PASSWORD})
    new = re.findall(r"<code>([0-9A-Z-]+)</code>", page.text)
    assert len(new) == 10 and not gives(half, phone.recovery_codes[0]) and gives(half, new[0])


def test_every_wrong_code_reads_the_same(half, phone):
    wrong = ("123456", "0AAA-BBBB-CCCC", "9", phone.code)
    pages = {main(half.submit("/sign-in/code", second_factor=code)) for code in wrong}
    assert len(pages) == 1 and "does not fit, or it was used already" in pages.pop()


def test_after_five_tries_there_is_a_pause_for_the_right_code_too(half, phone, another, alice):
    for _ in range(5):
        gives(half, "000000")
    with clock.at(clock.now() + MINUTE):
        assert "Wait 15 minutes" in half.submit("/sign-in/code", second_factor=phone.code).text
        enters(other := another(), alice.email)
        assert not gives(other, phone.code), "the pause is the account's, not the browser's"


def test_the_pause_is_told_to_machines_too(half, phone):
    for _ in range(5):
        gives(half, "000000")
    answer = half.submit("/sign-in/code", second_factor="000000")
    assert answer.status_code == 429 and 800 < int(answer.headers["Retry-After"]) <= 900


@pytest.mark.parametrize("path", ["", "/recovery-codes", "/off"])
def test_the_password_alone_replaces_nothing(path, hers, phone, superuser):
    """Whoever found an open browser and its saved password does not get at the second factor."""
    before = superuser.execute("select * from second_factors").fetchall()
    name = {"": "begin", "/recovery-codes": "codes", "/off": "off"}[path]
    with clock.at(clock.now() + timedelta(hours=1)):
        answer = hers.submit("/account/second-factor" + path, **{f"{name}-password": PASSWORD})
        assert answer.location.startswith("/sign-in/code")
        assert "Enter a code" in hers.get("/account/second-factor").text
    assert superuser.execute("select * from second_factors").fetchall() == before


def test_a_day_has_twenty_wrong_codes(half, phone, superuser):
    for _ in range(20):
        gives(half, "000000")
        superuser.execute("delete from rate_limits where key like 'second-factor:%'")
    with clock.at(clock.now() + MINUTE):
        assert "That was a lot of tries" in half.submit("/sign-in/code", second_factor=phone.code).text


def test_a_code_that_fits_is_no_try_and_clears_none(half, phone, superuser):
    """Somebody who guesses waits for the owner's own code to have five more."""
    gives(half, "000000")
    gives(half, phone.recovery_codes[0])
    left = superuser.execute("select hits from rate_limits where key ~ '^second-factor(-day)?:'")
    assert left.fetchall() == [(1,), (1,)]


def test_the_pause_is_nobody_elses(half, with_password, charlie, another):
    for _ in range(6):
        gives(half, "000000")
    assert enters(another(), with_password(charlie).email)


def test_a_sign_in_waits_ten_minutes_for_its_code(half, phone):
    with clock.at(clock.now() + 11 * MINUTE):
        assert half.get("/sign-in/code").location == "/sign-in"
        assert half.submit("/sign-in/code", second_factor=phone.code).location == "/sign-in"
        assert half.get("/account").status_code == 303


def test_without_a_password_before_there_is_no_page_for_a_code(client, database):
    assert client.get("/sign-in/code").location == client.submit("/sign-in/code").location == "/sign-in"


def test_a_sign_in_that_waits_is_not_in_the_list(half, hers):
    assert hers.get("/account").text.count("/account/sign-ins/") == 0


def test_a_new_password_by_mail_does_not_go_round_it(phone, another, alice, outbox, worker_app):
    browser = another()
    browser.submit("/reset", email=alice.email)
    with worker_app.app_context():
        asked = sealed.seal(alice.email)
    do(worker_app, send_reset, email=asked)
    browser.submit(outbox(alice.email)[0].link, password="eleven loud mornings")
    answer = browser.submit("/sign-in", email=alice.email, password="eleven loud mornings")
    assert answer.location.startswith("/sign-in/code") and browser.get("/account").status_code == 303


def test_it_can_be_switched_off_and_the_password_is_enough_again(phone, hers, another, alice):
    assert hers.submit("/account/second-factor/off", **{"off-password": PASSWORD}).status_code == 303
    assert another().submit("/sign-in", email=alice.email, password=PASSWORD).location == "/meetings"


def test_another_phone_takes_over_with_its_first_code(phone, hers, another, alice):
    second, browser = sets_up(hers), another()
    enters(browser, alice.email)
    with clock.at(clock.now() + MINUTE):
        assert not gives(browser, phone.code) and gives(browser, second.code)


# --- sealed with keys that change ----------------------------------------------------------------------------------------


def test_an_older_key_still_opens_and_is_replaced_when_used(app, half, phone, superuser, monkeypatch):
    old = app.config["SETTINGS"]
    kept = "select secret from second_factors"
    before = superuser.execute(kept).fetchone()
    with half.session_transaction() as session:
        key = session["half"]
    monkeypatch.setitem(
        app.config, "SETTINGS", replace(old, secret_key="n" * 40, secret_key_fallbacks=(old.secret_key,))
    )
    with app.app_context(), clock.at(clock.now() + MINUTE):
        act_as(db.session(), ANONYMOUS)
        assert second_factor.prove(db.session(), key, phone.code)
        db.session.commit()
    assert superuser.execute(kept).fetchone() != before
    monkeypatch.setitem(app.config, "SETTINGS", replace(old, secret_key="n" * 40))
    with app.app_context():
        assert second_factor.sealed.unseal(superuser.execute(kept).fetchone()[0]) == phone.secret


def test_with_every_key_lost_a_recovery_code_still_opens(half, phone, superuser):
    superuser.execute("update second_factors set secret = 'sealed by nobody'")
    with clock.at(clock.now() + MINUTE):
        assert not gives(half, phone.code) and gives(half, phone.recovery_codes[0])


# --- admins --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def admin(another, with_password, dora):
    """Dora's browser with her password given and nothing else; she has no app yet."""
    enters(browser := another(), with_password(dora).email)
    return browser


def test_an_admin_without_one_is_led_to_set_it_up(admin):
    for path in ("/admin", "/admin/people", "/admin/meetings/new"):
        there = admin.get(path).location
        assert there.startswith("/sign-in/code?next=/admin")
        assert admin.get(there).location == "/account/second-factor"
    assert "Admins sign in with a second factor." in words(admin.get("/account/second-factor"))
    assert admin.get("/meetings").status_code == 200


def test_no_restricted_form_is_taken_without_one(admin, superuser, supper):
    answer = admin.submit(f"/admin/meetings/{supper.id}/cancellation", reason="I say so.")
    assert answer.location.startswith("/sign-in/code")
    assert superuser.execute("select status from meetings").fetchone() == ("scheduled",)


def test_with_the_second_factor_the_restricted_pages_open(admin, another, dora):
    phone = sets_up(admin)
    assert admin.get("/admin").status_code == 200
    with clock.at(clock.now() + MINUTE):
        enters(other := another(), dora.email)
        assert other.get("/admin").status_code == 404  # nobody yet
        assert gives(other, phone.code) and other.get("/admin").status_code == 200


def test_an_admin_keeps_it(admin, superuser):
    sets_up(admin)
    answer = admin.submit("/account/second-factor/off", **{"off-password": PASSWORD})
    assert answer.status_code == 409 and "An admin keeps the second factor." in answer.text
    assert superuser.execute("select count(*) from second_factors").fetchone() == (1,)


# --- whole at last -------------------------------------------------------------------------------------------------------


def last_login(superuser, person):
    return one(superuser, "select last_login_at from users where id = %s", person.id)


def test_a_sign_in_counts_when_the_code_was_given(half, phone, alice, superuser):
    superuser.execute("update users set last_login_at = null")
    half.get("/sign-in/code")
    assert last_login(superuser, alice) is None
    with clock.at(clock.now() + MINUTE):
        assert gives(half, phone.code)
        assert last_login(superuser, alice) == clock.now()


def test_the_code_once_more_is_no_other_sign_in(half, phone, alice, superuser):
    gives(half, phone.recovery_codes[0])
    superuser.execute("update users set last_login_at = null")
    assert gives(half, phone.recovery_codes[1]) and last_login(superuser, alice) is None


def test_setting_up_gives_the_browser_another_key(hers, superuser):
    with hers.session_transaction() as session:
        before = session["_user_id"]
    sets_up(hers)
    with hers.session_transaction() as session:
        assert session["_user_id"] != before
        session["_user_id"] = before
    assert hers.get("/account").status_code == 303
