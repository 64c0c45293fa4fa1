"""What the database itself never lets happen to an order: what was paid stays, and nothing that was paid is forgotten."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from psycopg import errors

from tests.support.waitlist import one

from .conftest import refused_by

MONTH = timedelta(days=30)


def order(db, person, **columns):
    row = {
        "id": uuid4(),
        "user_id": person.id,
        "order_number": f"GO-{uuid4()}",
        "amount": 19,
        "amount_minor": 1900,
        "subscription_type": "individual",
        "billing_cycle": "monthly",
        **columns,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    db.execute(f"insert into orders ({names}) values ({marks})".encode(), list(row.values()))
    return row["id"]


def test_an_order_is_seen_by_its_buyer_and_by_admins_only(as_, alice, bob, charlie, dora):
    """Row security was on without a policy: nobody saw anything, so it was switched off, and everybody saw all."""
    seen = []
    for person in (alice, bob, charlie, dora):
        with as_(person) as db:
            seen.append(one(db, "select count(*) from orders"))
    assert seen == [1, 0, 0, 1]


@pytest.mark.parametrize("amount", [0, -5])
def test_an_order_is_about_money(superuser, eve, amount):
    with refused_by("check_order_amount"):
        order(superuser, eve, amount=amount)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("status", "payed"),
        ("currency", "usd"),
        ("currency", "€"),
        ("billing_cycle", "weekly"),
        ("subscription_type", "gold"),
    ],
)
def test_an_order_knows_no_unknown_words(superuser, eve, column, value):
    with pytest.raises(errors.CheckViolation):
        order(superuser, eve, **{column: value})


def test_one_payment_is_one_order(superuser, eve):
    """Without a unique key every retry of the provider doubled the history."""
    order(superuser, eve, payment_provider="stripe", transaction_id="ch_1")
    with refused_by("uq_orders_payment_provider"):
        order(superuser, eve, payment_provider="stripe", transaction_id="ch_1")
    order(superuser, eve, payment_provider="offline", transaction_id="ch_1")


@pytest.mark.parametrize(
    "change",
    [
        "amount = 1",
        "amount_minor = 1",
        "currency = 'EUR'",
        "order_number = 'GO-1'",
        "billing_cycle = 'yearly'",
        "provider_price_id = 'price_2'",
        "user_id = (select id from users where first_name = 'Bob')",
        "status = 'pending', completed_at = null",
    ],
)
def test_a_paid_order_stays_what_it_is(as_, superuser, eve, now, change):
    """Any later statement could rewrite the amount of a document already sent."""
    order(superuser, eve, status="completed", completed_at=now, provider_price_id="price_1")
    with as_("worker") as db, refused_by("check_paid_order_frozen"), db.transaction():
        db.execute(f"update orders set {change}")


def test_a_paid_order_can_be_refunded_and_never_above_its_amount(superuser, eve, now):
    paid = order(superuser, eve, status="completed", completed_at=now)
    superuser.execute("update orders set refunded_amount = 5 where id = %s", [paid])
    with refused_by("check_refunded_amount"):
        superuser.execute("update orders set refunded_amount = 20 where id = %s", [paid])
    superuser.execute("update orders set status = 'refunded', refunded_amount = amount where id = %s", [paid])


def test_an_order_is_completed_if_and_only_if_it_says_when(superuser, eve, now):
    for columns in ({"status": "completed"}, {"completed_at": now}, {"status": "refunded", "refunded_amount": 19}):
        with refused_by("check_completed_at"):
            order(superuser, eve, **columns)


def test_order_numbers_differ_under_parallel_checkouts(as_, now, people):
    def draw(_):
        with as_("worker") as db:
            return [one(db, "select next_order_number(%s)", now) for _ in range(20)]

    with ThreadPoolExecutor(4) as tills:
        numbers = [number for drawn in tills.map(draw, range(4)) for number in drawn]
    assert len(set(numbers)) == 80
    assert all(number.startswith(f"GO-{now.year}-") for number in numbers)


def test_a_buyer_with_orders_is_kept(superuser, alice):
    with pytest.raises(errors.IntegrityError):
        superuser.execute("delete from users where id = %s", [alice.id])


def test_of_two_payments_at_once_none_is_forgotten(connect, superuser, eve, now):
    """The projection reads all orders; without a lock the second of two saw only its own."""
    first, second = connect("portal_worker"), connect("portal_worker")
    order(first, eve, status="completed", completed_at=now, period_start=now, period_end=now + 3 * MONTH)
    first.execute("select refresh_projection(%s, %s)", [eve.id, now])
    order(second, eve, status="completed", completed_at=now, period_start=now, period_end=now + MONTH)
    with ThreadPoolExecutor(1) as elsewhere:
        waits = elsewhere.submit(second.execute, "select refresh_projection(%s, %s)", [eve.id, now])
        first.commit()
        waits.result(5)
    second.commit()
    assert one(superuser, "select access_until from users where id = %s", eve.id) == now + 3 * MONTH
