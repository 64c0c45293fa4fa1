"""Whose rows are held when: the person's before anything of theirs, one person's at a time, and none while Stripe is asked."""

import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from portal.billing import jobs, provider, snapshot
from tests.support.orders import given
from tests.support.reading import do, words
from tests.support.waitlist import one

PERSON = "select from users where id = %s for no key update"
HERE = "select count(*) from pg_stat_activity where datname = current_database() and "
WAITS = f"{HERE} usename = 'portal_worker' and wait_event_type = 'Lock'"
IDLE = f"{HERE} usename = 'portal_web' and state = 'idle in transaction'"


@pytest.fixture
def other(connect):
    """Somebody else's transaction, which may hold rows; what it cannot have it does not wait for."""
    return connect("postgres")


@pytest.fixture
def beside(superuser, worker_app):
    """`beside(task)`: the worker does it, up to where it waits for somebody's row."""
    threads = []

    def begin(task, moment=None, **arguments):
        threads.append(threading.Thread(target=do, args=(worker_app, task, moment), kwargs=arguments))
        threads[-1].start()
        until = time.monotonic() + 10
        while not one(superuser, WAITS) and time.monotonic() < until:
            time.sleep(0.02)

    yield begin
    for thread in threads:
        thread.join()


def takes(other, table, person):
    """Everything of a person's in a table, at once or not at all."""
    other.execute(f"select from {table} where user_id = %s for update nowait", [person.id])


@pytest.fixture
def heard_while_choosing(bank, sign_in, superuser, eve, other, beside):
    """Eve has paid, and in the moment the worker hears of it she holds her own row: she is about to choose again."""
    _here, session = bank.choose(sign_in(eve))
    bank.world.pay(session)
    customer = one(superuser, "select customer_id from checkouts")

    def begin():
        other.execute(PERSON, [eve.id])
        beside(jobs.refetch, customer_id=customer)

    return begin


def test_who_chooses_while_a_payment_is_written_waits_for_nobody_who_waits_for_them(
    heard_while_choosing, superuser, other, eve, beside
):
    heard_while_choosing()
    takes(other, "orders", eve)
    takes(other, "checkouts", eve)
    other.rollback()


def test_without_holding_the_person_first_the_two_would_stand_against_each_other(
    heard_while_choosing, other, eve, monkeypatch
):
    """The control."""
    monkeypatch.setattr(snapshot, "lock_person", lambda _db, _user_id: True)
    heard_while_choosing()
    with pytest.raises(psycopg.errors.LockNotAvailable):
        takes(other, "orders", eve)
    other.rollback()


def test_a_choice_that_ran_out_is_dropped_in_the_same_order(superuser, bank, sign_in, eve, other, beside):
    sign_in(eve).submit("/plans/choose", plan="individual", cycle="monthly")
    other.execute(PERSON, [eve.id])
    beside(jobs.expire_checkouts, datetime.now(UTC) + timedelta(days=2))
    takes(other, "checkouts", eve)
    takes(other, "orders", eve)
    other.rollback()


def test_of_many_whose_date_has_passed_one_at_a_time_is_held(superuser, eve, charlie, now, other, beside):
    for person in (charlie, eve):
        superuser.execute("delete from access_grants where user_id = %s", [person.id])
        given(superuser, person, now + timedelta(minutes=1), now)
    late = [who for (who,) in superuser.execute("select id from users where access_until < now() + interval '1 hour'")]
    other.execute(PERSON, [late[1]])
    beside(jobs.expire, now + timedelta(minutes=2))
    assert one(superuser, "select subscription_status from users where id = %s", late[0]) == "inactive"
    other.execute("select from users where id = %s for update nowait", [late[0]])
    other.rollback()


@pytest.mark.parametrize(
    ("path", "answered"),
    [("/plans/choose", 303), ("/plan/end", 303), ("/plan/change/family/monthly", 409), ("/plan/card", 303)],
)
def test_nothing_is_held_while_the_provider_is_asked(bank, sign_in, superuser, eve, monkeypatch, path, answered):
    browser, open_, ask = sign_in(eve), [], bank.world.transport.request
    bank.choose(browser)
    if path != "/plans/choose":
        bank.buy(browser)

    def asked(*what, **how):
        open_.append(one(superuser, IDLE))
        return ask(*what, **how)

    monkeypatch.setattr(bank.world.transport, "request", asked)
    assert browser.submit(path, plan="family", cycle="yearly", at="1", minor="1").status_code == answered
    assert open_ and set(open_) == {0}


# --- a provider that takes its time ----------------------------------------------------------------------------------


def test_a_provider_that_hangs_holds_up_one_request_and_the_next_is_told(bank, app, sign_in, eve, monkeypatch):
    browser = sign_in(eve)
    bank.buy(browser)
    monkeypatch.setattr(provider, "PATIENCE", 0.05)
    hangs, over = threading.Event(), threading.Event()

    def hang():
        with app.test_request_context(), provider.asking():
            hangs.set()
            over.wait(10)

    thread = threading.Thread(target=hang)
    thread.start()
    hangs.wait(10)
    answer = browser.submit("/plan/end")
    assert answer.status_code == 409 and "does not answer just now" in answer.text
    assert "Individual, $12.00" in words(browser.get("/plan"))
    over.set()
    thread.join()
    assert browser.submit("/plan/end").status_code == 303


def test_a_change_is_looked_at_with_a_few_questions_however_long_the_history(bank, sign_in, eve, monkeypatch):
    browser, asked, ask = sign_in(eve), [], bank.world.transport.request
    bank.buy(browser)
    monkeypatch.setattr(
        bank.world.transport,
        "request",
        lambda method, url, *more, **how: (
            asked.append(url.partition("?")[0].rpartition("/v1/")[2].partition("/")[0]),
            ask(method, url, *more, **how),
        )[1],
    )
    assert "Your card is charged" in words(browser.get("/plan/change/family/monthly"))
    assert sorted(asked) == ["invoices", "prices", "subscriptions"]


def test_a_plan_the_provider_does_not_know_is_no_broken_page(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    bank.buy(browser)
    superuser.execute("update subscriptions set provider_subscription_id = 'sub_ghost'")
    assert browser.get("/plan/change/family/monthly").status_code == 409
