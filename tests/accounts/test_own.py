"""What is one's own: another address, a copy of one's data, the end of the account."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from portal import clock, mail
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations.check import findings
from tests.accounts.conftest import PASSWORD, enters, sets_up, wrong_code
from tests.support import cast
from tests.support.orders import subscription
from tests.support.reading import one, plan, until_somebody_waits, words

NEW = "alice@new.example"


@pytest.fixture
def hers(sign_in, with_password, alice):
    """Alice's browser; she has a password."""
    return sign_in(with_password(alice))


# --- another address ---------------------------------------------------------------------------------------------------


def asks(browser, email=NEW, password=PASSWORD):
    return browser.submit("/account/address", email=email, password=password)


@pytest.fixture
def code(hers, outbox):
    """The code that came to the new address."""
    assert asks(hers).location == "/account/address/code"
    return outbox(NEW)[0].code


def email_of(superuser, person):
    return one(superuser, "select email from users where id = %s", person.id)


def test_the_code_from_the_new_address_changes_it(hers, code, another, alice, superuser):
    assert hers.submit("/account/address/code", code=code).location == "/account"
    assert email_of(superuser, alice) == NEW and NEW in words(hers.get("/account"))
    assert enters(another(), NEW) and not enters(another(), alice.email)


def test_both_addresses_are_told(hers, code, alice, outbox):
    hers.submit("/account/address/code", code=code)
    for address in (alice.email, NEW):
        assert f"The new address: {NEW}" in outbox(address)[0].text


TOLD = "select args ->> 'user_id' from procrastinate_jobs where task_name = 'billing.tell_customer'"


def test_the_payment_provider_is_told_of_another_address_and_of_closing(
    hers, code, sign_in, with_password, charlie, alice, superuser
):
    hers.submit("/account/address/code", code=code)
    assert superuser.execute(TOLD).fetchall() == [(str(alice.id),)]
    closes(sign_in(with_password(charlie)))
    assert superuser.execute(TOLD).fetchall() == [(str(alice.id),), (str(charlie.id),)]


def test_without_the_password_no_mail_is_written(hers, outbox, alice, superuser):
    answer = asks(hers, password="not the password")
    assert answer.status_code == 422 and "That is not your password." in answer.text and f'value="{NEW}"' in answer.text
    assert outbox(NEW) == [] and email_of(superuser, alice) == alice.email


def test_nothing_changes_before_the_code(hers, code, alice, superuser):
    assert email_of(superuser, alice) == alice.email
    assert hers.submit("/account/address/code", code=wrong_code(code)).status_code == 422
    assert email_of(superuser, alice) == alice.email


def test_an_address_of_somebody_else_looks_the_same_and_is_not_taken(hers, outbox, alice, charlie, superuser):
    free, taken = asks(hers), asks(hers, email=charlie.email.upper())
    assert (free.status_code, free.location) == (taken.status_code, taken.location)
    assert "It has one already" in outbox(charlie.email)[0].text
    for guess in ("000000", "123456"):
        assert hers.submit("/account/address/code", code=guess).status_code == 422
    assert email_of(superuser, charlie) == charlie.email and email_of(superuser, alice) == alice.email


def test_an_address_taken_meanwhile_stays_its_owners(hers, code, alice, eve, superuser):
    superuser.execute("update users set email = %s where id = %s", [NEW.upper(), eve.id])
    assert hers.submit("/account/address/code", code=code).status_code == 422
    assert email_of(superuser, alice) == alice.email


def test_a_sign_up_nobody_confirmed_does_not_keep_the_address(hers, code, alice, superuser):
    superuser.execute("insert into users (email) values (%s)", [NEW])
    assert hers.submit("/account/address/code", code=code).status_code == 303
    assert email_of(superuser, alice) == NEW


def test_the_code_works_ten_minutes_and_once(hers, code, outbox, alice, superuser, now):
    with clock.at(now + timedelta(minutes=11)):
        assert hers.submit("/account/address/code", code=code).status_code == 422
    asks(hers)
    newest = outbox(NEW)[0].code
    assert [hers.submit("/account/address/code", code=newest).status_code for _ in range(2)] == [303, 422]


def test_five_wrong_codes_and_the_right_one_opens_nothing(hers, code):
    for _ in range(5):
        hers.submit("/account/address/code", code=wrong_code(code))
    assert hers.submit("/account/address/code", code=code).status_code == 422


def test_somebody_elses_code_opens_nothing(code, sign_in, charlie, superuser):
    assert sign_in(charlie).submit("/account/address/code", code=code).status_code == 422
    assert email_of(superuser, charlie) == charlie.email


def test_a_reset_mailed_to_the_old_address_is_dead(hers, code, superuser, alice, now):
    superuser.execute(
        "insert into one_time_tokens (user_id, purpose, token_hash, code_hash, created_at, expires_at)"
        " values (%s, 'reset', 't', 'c', %s, %s)",
        [alice.id, now, now + timedelta(hours=1)],
    )
    hers.submit("/account/address/code", code=code)
    assert one(superuser, "select count(*) from one_time_tokens where used_at is null") == 0


# --- a copy ------------------------------------------------------------------------------------------------------------


def test_a_copy_holds_what_is_ones_own(hers, alice, supper, as_, now):
    with as_(alice) as db:
        db.execute("select rsvp(%s, 'accepted')", [supper.id])
    answer = hers.get("/account/data.json")
    kept = json.loads(answer.text)
    assert kept["profile"][0]["email"] == alice.email and kept["meetings"][0]["title"] == "Supper"
    assert kept["orders"][0]["amount"] == "190.000" and kept["family"][0]["plan_name"] == "Alice and friends"
    assert kept["sign_ins"][0]["device"] == "Test browser"


def test_a_copy_holds_switches_stays_in_families_and_what_pays(hers, alice, superuser):
    superuser.execute("update users set shares_attendance = true where id = %s", [alice.id])
    superuser.execute(
        "insert into payers (customer_id, user_id, created_at) values ('cus_alice', %s, now())", [alice.id]
    )
    subscription(superuser, alice, "family", card="Visa 4242")
    kept = json.loads(hers.get("/account/data.json").text)
    assert (kept["profile"][0]["shares_attendance"], kept["profile"][0]["family_may_answer"]) == (True, False)
    assert [(stay["role"], stay["state"]) for stay in kept["memberships"]] == [("primary", "active")]
    assert kept["subscriptions"][0]["card"] == "Visa 4242" and kept["payment_accounts"][0]["customer_id"] == "cus_alice"


def test_a_copy_is_a_file_nobody_keeps(hers):
    headers = hers.get("/account/data.json").headers
    assert headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert headers["Cache-Control"] == "no-store" and headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_copy_holds_nothing_of_others_nor_anything_that_opens(sign_in, with_password, dora, alice, bob, charlie):
    browser = sign_in(with_password(dora))
    phone = sets_up(browser)
    text = browser.get("/account/data.json").text
    assert not any(person.email in text for person in (alice, bob, charlie))
    assert not any(word in text for word in ("hash", "secret", "token", "key", phone.secret))


def test_copies_have_a_limit(hers):
    assert [hers.get("/account/data.json").status_code for _ in range(11)] == [200] * 10 + [429]


# --- the end -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def his(sign_in, with_password, charlie):
    """Charlie's browser; he is in no family."""
    return sign_in(with_password(charlie))


def closes(browser, password=PASSWORD):
    return browser.submit("/account/close", password=password)


def test_an_account_is_closed_with_the_password(his, another, charlie, superuser):
    answer = closes(his)
    assert answer.location == "/" and answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert his.get("/account").status_code == 303 and not enters(another(), charlie.email)
    assert one(superuser, "select closed_at is not null and not is_active from users where id = %s", charlie.id)


def test_without_the_password_it_stays(his, charlie, superuser):
    assert closes(his, "not the password").status_code == 422
    assert one(superuser, "select closed_at from users where id = %s", charlie.id) is None


def test_looking_at_the_page_closes_nothing(his):
    assert his.get("/account/close").status_code == his.get("/account").status_code == 200


def test_nothing_of_the_person_is_left_but_the_counts(his, charlie, superuser, supper, as_, now, outbox):
    sets_up(his)
    with as_(charlie) as db:
        db.execute("select rsvp(%s, 'accepted')", [supper.id])
    closes(his)
    for table in ("credentials", "second_factors", "recovery_codes", "one_time_tokens", "sign_ins"):
        assert one(superuser, f"select count(*) from {table} where user_id = %s", charlie.id) == 0, table
    left = superuser.execute("select to_jsonb(u)::text from users u where id = %s", [charlie.id]).fetchone()[0]
    assert "charlie" not in left.lower()
    assert (
        one(superuser, "select count(*) from mails where user_id = %s and recipient = %s", charlie.id, charlie.email)
        == 0
    )
    assert [mail.kind for mail in outbox(charlie.email)] == ["closed"]


def test_places_ahead_go_to_who_waits_and_past_evenings_stay(
    his, charlie, alice, bob, dora, superuser, supper, as_, now
):
    past = plan(superuser, "Gone", days=-3, status="completed")
    superuser.execute(
        "insert into meeting_attendances (meeting_id, user_id, answer) values (%s, %s, 'accepted')",
        [past.id, charlie.id],
    )
    for person in (charlie, alice, bob):
        with as_(person) as db:
            db.execute("select rsvp(%s, 'accepted')", [supper.id])
    closes(his)
    answers = "select answer from meeting_attendances where meeting_id = %s and user_id = %s"
    assert one(superuser, answers, supper.id, charlie.id) == "declined"
    assert one(superuser, answers, supper.id, bob.id) == "offered"
    assert one(superuser, answers, past.id, charlie.id) == "accepted"
    told = superuser.execute(
        "select args ->> 'user_id' from procrastinate_jobs where task_name = 'attendance.tell_offer'"
    )
    assert told.fetchall() == [(str(bob.id),)]


def test_a_host_who_left_is_not_named(his, charlie, superuser):
    meeting = plan(superuser, "Hosted", host_id=charlie.id, host_name="Charlie")
    closes(his)
    assert superuser.execute("select host_id, host_name from meetings where id = %s", [meeting.id]).fetchone() == (
        None,
        None,
    )


def test_admins_see_that_it_is_closed_and_cannot_open_it(his, charlie, dora, sign_in):
    closes(his)
    desk, page = sign_in(dora), f"/admin/people/{charlie.id}"
    assert "Closed by its owner" in words(desk.get(page)) and "Closed account" in words(
        desk.get("/admin/people?q=closed")
    )
    assert desk.submit(f"{page}/standing", standing="let-in").status_code == 404


def test_orders_stay(sign_in, with_password, alice, bob, superuser):
    superuser.execute("update family_memberships set state = 'left', ended_at = now() where user_id = %s", [bob.id])
    assert closes(sign_in(with_password(alice))).status_code == 303
    assert superuser.execute("select status, amount_minor from orders").fetchall() == [("completed", 19000)]
    assert one(superuser, "select is_active from family_plans where id = %s", cast.FAMILY) is False


def test_who_pays_for_others_cannot_close(hers, alice, superuser):
    answer = closes(hers)
    assert answer.status_code == 409 and "Hand it over or end it on the family page first." in words(answer)
    assert one(superuser, "select closed_at from users where id = %s", alice.id) is None


def test_a_family_member_leaves_the_family(sign_in, with_password, bob, superuser):
    assert closes(sign_in(with_password(bob))).status_code == 303
    assert one(superuser, "select current_members from family_plans where id = %s", cast.FAMILY) == 1
    assert one(superuser, "select coalesce(access_until, now()) <= now() from users where id = %s", bob.id)


def test_the_last_admin_cannot_close(sign_in, with_password, dora, superuser):
    answer = closes(sign_in(with_password(dora)))
    assert answer.status_code == 409 and "The last admin stays." in answer.text
    assert one(superuser, "select is_admin from users where id = %s", dora.id)


def test_every_other_sign_in_is_told_to_end(his, sign_in, charlie, connect):
    other, ear = sign_in(charlie), connect("portal_web", autocommit=True)
    ear.execute("listen sign_ins")
    closes(his)
    assert len(list(ear.notifies(timeout=2, stop_after=2))) == 2
    assert other.get("/account").status_code == 303


def test_the_address_is_free_for_a_new_account(his, charlie, client, superuser):
    closes(his)
    form = {"email": charlie.email, "first_name": "Charlie", "timezone": "UTC"}
    assert client.submit("/sign-up", **form).location == "/verify"
    assert one(superuser, "select count(*) from users where email_key = %s", charlie.email) == 1


def test_it_is_in_the_log_and_every_promise_holds(his, charlie, superuser, worker_app):
    closes(his)
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        assert [found.promise for found in findings(db.session(), at_rest=True) if found.broken] == []
        db.session.rollback()
    logged = superuser.execute("select subject_id, level from system_logs where operation = 'account.closed'")
    assert logged.fetchall() == [(charlie.id, "warn")]


def test_who_pays_a_plan_alone_takes_its_name_along(sign_in, with_password, alice, bob, superuser):
    superuser.execute("update family_memberships set state = 'left', ended_at = now() where user_id = %s", [bob.id])
    closes(sign_in(with_password(alice)))
    assert one(superuser, "select plan_name from family_plans where id = %s", cast.FAMILY) is None


def test_nobody_writes_to_a_closed_account(his, charlie, worker_app, superuser):
    closes(his)
    address = email_of(superuser, charlie)
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        mail.write(db.session(), "known", address, mail.Message("Late", "Late", (), "x"))
        db.session.commit()
    assert one(superuser, "select count(*) from mails where recipient = %s", address) == 0


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_closing_waits_for_who_holds_the_family(who, sign_in, with_password, alice, bob, superuser, connect):
    if who == "alice":
        superuser.execute("update family_memberships set state = 'left', ended_at = now() where user_id = %s", [bob.id])
    browser = sign_in(with_password({"alice": alice, "bob": bob}[who]))
    holder = connect("portal_worker")
    holder.execute("select from users where id = %s for no key update", [alice.id])
    with ThreadPoolExecutor(1) as thread:
        closing = thread.submit(closes, browser)
        until_somebody_waits(superuser)
        holder.execute("select from lock_family(%s, now())", [cast.FAMILY])
        holder.commit()
        assert closing.result().status_code == 303
