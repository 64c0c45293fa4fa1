"""Choosing a plan in the first days, or while something else lets one in: what it means is said before anything is paid."""

import pytest

from portal.billing import jobs
from portal.times import date_in_words, day_long
from tests.support.cast import ISTANBUL
from tests.support.member import DAY, START, Member
from tests.support.orders import given
from tests.support.reading import do, plain, words
from tests.support.waitlist import one


@pytest.fixture
def newcomer(bank, sign_in, superuser, eve):
    """Eve, who signed up just now and has seven days."""
    given(superuser, eve, START + 7 * DAY, START, "welcome")
    return Member(bank, sign_in(eve), superuser, eve)


def test_a_plan_chosen_in_the_first_days_begins_after_them(newcomer):
    assert "Nothing is charged before." in newcomer.sees("/plans")
    here, _ = newcomer.buys()
    assert "It is arranged. You pay from" in newcomer.sees(here) and newcomer.bank.world.ledger().total == {}
    assert one(newcomer.superuser, "select renews_at from subscriptions") == START + 7 * DAY
    due = date_in_words((START + 7 * DAY).astimezone(ISTANBUL))
    assert plain(f"Due on {due} Your card is kept; nothing was charged so far.") in newcomer.sees("/orders")


def test_and_is_paid_then_by_the_order_that_waited(newcomer):
    newcomer.buys()
    with newcomer.on(7.1):
        assert newcomer.orders() == [("completed", 1200)] and newcomer.entitled
        took = "select completed_at - created_at from orders where user_id = %s"
        assert one(newcomer.superuser, took, newcomer.person.id) < DAY
    with newcomer.on(7 + 28):
        assert newcomer.entitled


def test_the_end_of_the_free_days_is_said_on_the_page_above_every_page_and_by_mail_once(newcomer, mails, worker_app):
    newcomer.buys()
    day = plain(day_long((START + 7 * DAY).astimezone(ISTANBUL)))
    banner, sent = f"Your free time ends on {day}.", lambda: [m["subject"] for m in mails(newcomer.person.email)]
    with newcomer.on(3):
        date = date_in_words((START + 7 * DAY).astimezone(ISTANBUL))
        assert plain(f"Your free time ends on {date}. Your first payment, $12.00") in newcomer.sees("/plan")
        assert banner not in plain(newcomer.browser.get("/meetings").text)
        do(worker_app, jobs.remind, START + 3 * DAY)
        newcomer.bank.work()
        assert f"Your first payment is on {day}" not in sent()
    with newcomer.on(5.1):
        assert banner in plain(newcomer.browser.get("/meetings").text)
        for _ in range(2):
            do(worker_app, jobs.remind, START + 5.1 * DAY)
            newcomer.bank.work()
        assert sent().count(f"Your first payment is on {day}") == 1 and "renews" not in " ".join(sent())
    with newcomer.on(7.2):
        assert newcomer.orders() == [("completed", 1200)]
        assert "Your free time ends" not in plain(newcomer.browser.get("/meetings").text)


def test_who_ends_the_plan_in_the_free_days_is_told_of_no_payment(newcomer, mails, worker_app):
    newcomer.buys()
    with newcomer.on(5):
        newcomer.browser.submit("/plan/end")
        newcomer.bank.tell()
        do(worker_app, jobs.remind, START + 5.1 * DAY)
        newcomer.bank.work()
        assert "Your free time ends" not in plain(newcomer.browser.get("/meetings").text)
        assert "first payment" not in " ".join(m["subject"] for m in mails(newcomer.person.email))
        assert "Not charged The plan was ended before its first payment." in newcomer.sees("/orders")


def test_a_plan_ended_in_the_first_days_costs_nothing(newcomer):
    newcomer.buys()
    with newcomer.on(2):
        newcomer.browser.submit("/plan/end")
    with newcomer.on(8):
        assert newcomer.orders() == [("failed", 1200)] and not newcomer.entitled
        assert "Not charged The plan was ended before its first payment." in newcomer.sees("/orders")
        assert newcomer.bank.world.ledger().total == {}


def test_the_last_of_the_first_days_are_too_near_and_the_plan_begins_today(bank, sign_in, superuser, eve):
    given(superuser, eve, START + 2 * DAY, START - 5 * DAY, "welcome")
    browser = sign_in(eve)
    assert "is paid, today" in words(browser.get("/plans"))
    bank.buy(browser)
    assert bank.world.ledger().total == {"usd": 1200}


def test_who_is_covered_already_reads_so_before_paying(sign_in, bob):
    browser = sign_in(bob)
    assert "You are in until" in words(browser.get("/plans"))
    here = browser.submit("/plans/choose", plan="individual", cycle="monthly").location
    assert "this plan begins today all the same" in words(browser.get(here))


def test_who_is_not_reads_nothing_of_it(sign_in, client, eve):
    assert "You are in until" not in words(sign_in(eve).get("/plans"))
    assert "The first seven days are free." in words(client.get("/plans"))


@pytest.mark.parametrize("path", ["/meetings", "/account", "/plan"])
def test_the_end_of_the_free_days_is_told_in_one_calm_line(newcomer, path):
    said = newcomer.sees(path)
    assert "Your free days end on" in said and "Nothing is charged then; choose a plan if you want to stay." in said


def test_who_has_chosen_a_plan_or_never_had_free_days_is_not_told(newcomer, sign_in, bob):
    newcomer.buys()
    assert "Your free days end" not in newcomer.sees("/meetings")
    assert "Your free days end" not in words(sign_in(bob).get("/meetings"))
