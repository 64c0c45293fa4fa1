"""The club's free days, once for each address, however it is written and whatever became of the account."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from portal.accounts import free_days, jobs
from portal.accounts.free_days import canonical
from portal.database import db
from portal.database.identity import WORKER, act_as
from tests.accounts.conftest import PASSWORD
from tests.support.reading import do, one, until_somebody_waits, words

USED = "The free week was already used with this address."


@pytest.fixture
def hand(worker_app, database):
    """`with hand() as session`: one transaction of whoever confirms an address."""

    @contextmanager
    def transaction():
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            yield db.session()
            db.session.commit()

    return transaction


@pytest.fixture
def signs_up(hand, superuser):
    """`signs_up(address)`: an account whose address was just confirmed; whether it has the free days, and its id."""

    def confirmed(address):
        person = one(superuser, "insert into users (email, email_verified) values (%s, true) returning id", address)
        with hand() as session:
            return free_days.give(session, person, address), person

    return confirmed


def grants(superuser):
    return one(superuser, "select count(*) from access_grants where kind = 'welcome'")


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("Ana@Duarte.PT", "ana@duarte.pt"),
        ("ana+club@duarte.pt", "ana@duarte.pt"),
        ("a.na@duarte.pt", "a.na@duarte.pt"),
        ("A.n.a+1@gmail.com", "ana@gmail.com"),
        ("ana@googlemail.com", "ana@gmail.com"),
        ("+@duarte.pt", "+@duarte.pt"),
    ],
)
def test_an_address_is_the_mailbox_it_reaches(address, mailbox):
    assert canonical(address) == mailbox


def test_a_mailbox_has_them_once_under_all_its_names(signs_up, superuser):
    ways = [
        signs_up(address)[0] for address in ("ana@gmail.com", "a.na@gmail.com", "ana+2@googlemail.com", "eva@gmail.com")
    ]
    assert ways == [True, False, False, True] and grants(superuser) == 2


def test_of_two_accounts_of_one_mailbox_at_once_one_has_them(signs_up, hand, superuser):
    first = one(superuser, "insert into users (email, email_verified) values ('ana@duarte.pt', true) returning id")
    with ThreadPoolExecutor(1) as thread, hand() as session:
        assert free_days.give(session, first, "ana@duarte.pt")
        other = thread.submit(signs_up, "ana+1@duarte.pt")
        until_somebody_waits(superuser)
        session.commit()
        assert other.result()[0] is False
    assert grants(superuser) == 1


@pytest.fixture
def had_them(hand, sign_in, with_password, superuser, eve):
    """Eve, with her free days; her browser."""
    with hand() as session:
        assert free_days.give(session, eve.id, eve.email)
    return sign_in(with_password(eve))


def test_closing_the_account_brings_no_new_ones_and_forgets_whose_they_were(had_them, signs_up, superuser, eve):
    assert had_them.submit("/account/close", password=PASSWORD).location == "/"
    assert superuser.execute("select user_id, kept_until::date - now()::date from free_days").fetchall() == [
        (None, 1096)
    ]
    assert signs_up(eve.email)[0] is False


def test_closing_counts_for_who_had_them_before_it_was_noted(had_them, signs_up, superuser, eve):
    superuser.execute("delete from free_days")
    had_them.submit("/account/close", password=PASSWORD)
    assert signs_up("eve+1@club.example")[0] is False


def test_another_address_does_not_have_them_again_nor_the_one_before(had_them, signs_up, superuser, outbox, eve):
    had_them.submit("/account/address", email="eve@new.example", password=PASSWORD)
    had_them.submit("/account/address/code", code=outbox("eve@new.example")[0].code)
    assert one(superuser, "select email from users where id = %s", eve.id) == "eve@new.example"
    assert [signs_up(address)[0] for address in (eve.email, "eve+1@new.example")] == [False, False]


def test_who_gets_none_reads_so_on_the_plans_page_and_nobody_else_does(
    had_them, signs_up, sign_in, superuser, eve, charlie
):
    _given, person = signs_up("eve+1@club.example")
    again = sign_in(replace(eve, id=person, email="eve+1@club.example"))
    assert USED in words(again.get("/plans"))
    assert USED not in words(had_them.get("/plans")) and USED not in words(sign_in(charlie).get("/plans"))


def test_what_is_kept_tells_no_address_without_the_key(app, signs_up, superuser):
    signs_up("ana@duarte.pt")
    with app.app_context():
        assert one(superuser, "select mark from free_days") == free_days.mark("ana@duarte.pt")
        app.config["SETTINGS"] = replace(
            settings := app.config["SETTINGS"], address_key="another key, as long as the first was"
        )
        assert one(superuser, "select mark from free_days") != free_days.mark("ana@duarte.pt")
        app.config["SETTINGS"] = settings


def test_a_key_for_sessions_that_changes_forgets_nobody(app, signs_up, superuser):
    signs_up("ana@duarte.pt")
    with app.app_context():
        app.config["SETTINGS"] = replace(
            settings := app.config["SETTINGS"], secret_key="another secret, as long as the first was"
        )
        assert one(superuser, "select mark from free_days") == free_days.mark("ana@duarte.pt")
        app.config["SETTINGS"] = settings


def test_each_night_whoever_had_them_is_noted(had_them, worker_app, superuser, eve):
    superuser.execute("delete from free_days")
    do(worker_app, jobs.note_free_days)
    assert one(superuser, "select user_id from free_days") == eve.id


def test_who_is_about_to_close_or_asks_what_is_kept_reads_the_rule(had_them, client):
    assert "The free days are given to an address once." in words(had_them.get("/account/close"))
    assert "they are given to an address once" in words(client.get("/privacy"))
