"""The verbs of money, and what each does to access: paid, failed, given back, disputed, granted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from portal.billing import actions, jobs
from portal.clock import at
from tests.support.reading import do, one, words

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
MONTH = (NOW, NOW + 30 * DAY)


@pytest.fixture
def order(hand, eve):
    """An order Eve opened for a month."""
    with hand(NOW) as db:
        return actions.open_order(db, eve.id, "individual", "monthly", 1200)


def pay(hand, order, transaction="pi_1", period=MONTH, moment=NOW):
    with hand(moment) as db:
        actions.complete(db, order, period=period, method="Visa ••4242", provider="stripe", transaction_id=transaction)


def of(postgres, table, *columns):
    return postgres.execute(f"select {', '.join(columns)} from {table}").fetchone()


def access(postgres, person):
    """Status, plan, and until when."""
    return postgres.execute(
        "select subscription_status, subscription_type, access_until from users where id = %s", [person.id]
    ).fetchone()


def operations(postgres):
    return sorted(row[0] for row in postgres.execute("select operation from system_logs").fetchall())


def mine(eve):
    return f"orders where user_id = '{eve.id}'"


def test_an_opened_order_waits_and_opens_nothing(superuser, order, eve):
    assert of(superuser, mine(eve), "status", "amount", "amount_minor", "currency") == (
        "pending",
        Decimal("12.00"),
        1200,
        "USD",
    )
    assert access(superuser, eve) == ("pending", None, None)
    assert operations(superuser) == ["order.opened"]


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1200"), ("USD", "12.00"), ("KWD", "1.200")])
def test_an_amount_is_kept_in_its_currencys_own_decimals(hand, superuser, eve, currency, amount):
    with hand() as db:
        actions.open_order(db, eve.id, "individual", "monthly", 1200, currency)
    assert of(superuser, mine(eve), "amount") == (Decimal(amount),)


def test_a_paid_order_opens_the_period_it_pays_for(hand, superuser, order, eve):
    pay(hand, order)
    assert of(superuser, mine(eve), "status", "completed_at", "period_end") == ("completed", NOW, MONTH[1])
    assert access(superuser, eve) == ("active", "individual", MONTH[1])


def test_paid_twice_is_once(hand, superuser, order, eve):
    pay(hand, order)
    pay(hand, order, "pi_2", (NOW, NOW + 300 * DAY), NOW + DAY)
    assert of(superuser, mine(eve), "transaction_id", "completed_at") == ("pi_1", NOW)
    assert access(superuser, eve)[2] == MONTH[1] and operations(superuser) == ["order.opened", "order.paid"]


def test_a_failed_order_may_still_be_paid(hand, superuser, order, eve):
    with hand(NOW) as db:
        actions.fail(db, order, "Visa ••0002")
    assert of(superuser, mine(eve), "status", "payment_method") == ("failed", "Visa ••0002")
    assert access(superuser, eve)[0] == "inactive"
    pay(hand, order)
    assert access(superuser, eve)[0] == "active"


def test_a_paid_order_does_not_fail_any_more(hand, superuser, order, eve):
    pay(hand, order)
    with hand(NOW) as db:
        actions.fail(db, order)
    assert of(superuser, mine(eve), "status") == ("completed",) and "order.failed" not in operations(superuser)


def test_part_of_the_money_back_leaves_access(hand, superuser, order, eve):
    pay(hand, order)
    with hand(NOW) as db:
        actions.refund(db, order, Decimal("5"))
    assert of(superuser, mine(eve), "status", "refunded_amount") == ("completed", Decimal("5.000"))
    assert access(superuser, eve)[2] == MONTH[1]


def test_all_of_the_money_back_ends_what_it_bought(hand, superuser, order, eve):
    pay(hand, order)
    for amount in ("5", "12"):
        with hand(NOW) as db:
            actions.refund(db, order, Decimal(amount))
    assert of(superuser, mine(eve), "status") == ("refunded",)
    assert access(superuser, eve) == ("inactive", None, None)


def test_never_more_goes_back_than_came_in(hand, superuser, order, eve):
    pay(hand, order)
    with hand(NOW) as db:
        actions.refund(db, order, Decimal("12.01"))
    assert of(superuser, mine(eve), "status", "refunded_amount") == ("completed", 0)


def test_nothing_goes_back_of_what_was_not_paid(hand, superuser, order, eve):
    with hand(NOW) as db:
        actions.refund(db, order, Decimal("12"))
        actions.dispute(db, order)
    assert of(superuser, mine(eve), "status", "disputed_at") == ("pending", None)


def test_a_dispute_withholds_what_was_bought(hand, superuser, order, eve):
    pay(hand, order)
    with hand(NOW + DAY) as db:
        actions.dispute(db, order)
        actions.dispute(db, order)
    assert of(superuser, mine(eve), "status", "disputed_at") == ("completed", NOW + DAY)
    assert access(superuser, eve)[0] == "inactive" and operations(superuser).count("order.disputed") == 1


def test_an_older_period_still_counts_beside_a_refunded_one(hand, superuser, order, eve):
    pay(hand, order)
    with hand(NOW) as db:
        second = actions.open_order(db, eve.id, "individual", "monthly", 1200)
    pay(hand, second, "pi_2", (MONTH[1], MONTH[1] + 30 * DAY))
    with hand(NOW) as db:
        actions.refund(db, second, Decimal("12"))
    assert access(superuser, eve) == ("active", "individual", MONTH[1])


def test_days_are_given_with_a_reason(hand, superuser, eve, dora):
    with hand(NOW) as db:
        actions.grant(db, eve.id, "complimentary", NOW + 10 * DAY, "The hall was closed.", dora.id)
    assert access(superuser, eve) == ("active", "individual", NOW + 10 * DAY)
    assert superuser.execute("select subject_id, message, metadata ->> 'reason' from system_logs").fetchone() == (
        eve.id, "Access granted: complimentary", "The hall was closed.",
    )  # fmt: skip


def test_who_is_covered_twice_keeps_the_later_date(hand, superuser, order, eve):
    pay(hand, order)
    with hand(NOW) as db:
        actions.grant(db, eve.id, "gift", NOW + 10 * DAY, "A birthday.")
    assert access(superuser, eve)[2] == MONTH[1]


def test_the_family_gets_the_payers_date(hand, superuser, alice, bob):
    with hand() as db:
        order = actions.open_order(db, alice.id, "family", "yearly", 19000)
    until = datetime(2030, 1, 1, tzinfo=UTC)
    pay(hand, order, period=(NOW, until))
    assert access(superuser, alice) == access(superuser, bob) == ("active", "family", until)
    with hand() as db:
        actions.refund(db, order, Decimal("190"))
    assert access(superuser, bob)[2] < until


# --- the clock and the housekeeping ----------------------------------------------------------------------------------


def test_access_ends_by_the_clock_and_the_columns_follow(hand, worker_app, superuser, order, eve):
    pay(hand, order)
    do(worker_app, jobs.expire, MONTH[1] - DAY)
    assert access(superuser, eve)[0] == "active"
    for _ in range(2):
        do(worker_app, jobs.expire, MONTH[1])
        assert access(superuser, eve) == ("inactive", "individual", MONTH[1])


def test_an_abandoned_order_is_still_pending_after_the_date(hand, worker_app, superuser, order, eve):
    with hand(NOW) as db:
        actions.grant(db, eve.id, "gift", NOW + DAY, "A birthday.")
    do(worker_app, jobs.expire, NOW + DAY)
    assert access(superuser, eve)[0] == "pending"


@pytest.mark.parametrize(
    ("days", "said"), [(5, "Yes, until "), (-5, "Your access ended on "), (None, "No plan at the moment.")]
)
def test_the_account_page_says_whether_the_door_is_open(sign_in, superuser, eve, now, days, said):
    until = now + days * DAY if days else None
    superuser.execute("update users set access_until = %s where id = %s", [until, eve.id])
    assert said in words(sign_in(eve).get("/account"))


def test_the_account_page_needs_no_job_to_tell_the_truth(sign_in, superuser, charlie, now):
    browser, until = sign_in(charlie), one(superuser, "select access_until from users where id = %s", charlie.id)
    superuser.execute("update users set access_until = %s where id = %s", [now + DAY, charlie.id])
    assert until and "Yes, until" in words(browser.get("/account"))
    with at(now + DAY):
        assert "Your access ended on" in words(browser.get("/account"))
