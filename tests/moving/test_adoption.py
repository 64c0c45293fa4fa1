"""A plan sold elsewhere goes on here: known by its id, read and never written to, charged by nobody twice."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.billing import jobs
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.moving.records import Adoption, Order, Person
from portal.moving.taking import Report, take
from tests.support.reading import do


@pytest.fixture
def sold_elsewhere(bank):
    """A customer with a monthly plan of a price that is none of ours: (line, customer, subscription)."""
    line = bank.client.application.extensions["provider"].v1
    product = line.products.create(params={"name": "Gold"})
    price = line.prices.create(
        params={"product": product.id, "currency": "usd", "unit_amount": 1500, "recurring": {"interval": "month"}}
    )
    customer = line.customers.create(params={"email": "ana@old.example"})
    session = line.checkout.sessions.create(
        params={
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://old.example",
        }
    )
    bank.world.pay(session.id)
    (subscription,) = line.subscriptions.list(params={"customer": customer.id}).data
    return line, customer.id, subscription.id


ANA = Person(external_id="1", place="line 2", email="ana@old.example", timezone="UTC")


@pytest.fixture
def adopt(worker_app, work, sold_elsewhere):
    """`adopt()`: Ana moves in with it, by its id or by her customer's alone; the worker has done what follows."""

    def move_in(*more, by_customer=False):
        _line, customer, subscription = sold_elsewhere
        hers = Adoption(
            external_id=customer,
            place="line 2",
            person="1",
            customer_id=customer,
            subscription_id=None if by_customer else subscription,
            subscription_type="individual",
            billing_cycle="monthly",
        )
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            take(db.session(), "ghost", [ANA, *more, hers], Report(), dry_run=False)
        work()

    return move_in


def ours(superuser):
    return superuser.execute(
        "select s.status, s.subscription_type, s.amount_minor, u.subscription_status, o.status, o.amount_minor"
        " from users u left join subscriptions s on s.user_id = u.id left join orders o on o.user_id = u.id"
    ).fetchall()


ADOPTED = [("active", "individual", 1500, "active", "completed", 1500)]


@pytest.mark.parametrize("by_customer", [False, True])
def test_an_adopted_plan_gives_access_and_its_payments_are_orders(adopt, superuser, by_customer):
    adopt(by_customer=by_customer)
    assert ours(superuser) == ADOPTED


def test_a_payment_that_came_along_is_not_an_order_twice(adopt, sold_elsewhere, superuser, now):
    line, customer, _subscription = sold_elsewhere
    (charge,) = line.charges.list(params={"customer": customer}).data
    paid = Order(
        external_id="o1",
        place="line 2",
        person="1",
        number="OLD-1",
        status="completed",
        amount=Decimal(15),
        amount_minor=1500,
        currency="USD",
        subscription_type="individual",
        billing_cycle="monthly",
        provider="stripe",
        transaction=charge.payment_intent,
        created_at=now,
        completed_at=now,
        period_start=now,
        period_end=now + timedelta(days=30),
    )
    adopt(paid)
    assert ours(superuser) == ADOPTED
    assert superuser.execute("select order_number from orders").fetchall() == [("OLD-1",)]


def test_nothing_is_written_to_it(adopt, sold_elsewhere):
    line, customer, subscription = sold_elsewhere
    before = (line.customers.retrieve(customer).to_dict(), line.subscriptions.retrieve(subscription).to_dict())
    adopt()
    assert (line.customers.retrieve(customer).to_dict(), line.subscriptions.retrieve(subscription).to_dict()) == before
    assert len(line.charges.list(params={"customer": customer}).data) == 1


def test_the_nightly_comparison_knows_it(adopt, worker_app, superuser):
    adopt()
    do(worker_app, jobs.reconcile)
    assert ours(superuser) == ADOPTED
    assert superuser.execute("select count(*) from drifts").fetchone() == (0,)


def test_without_adoption_it_stays_foreign(sold_elsewhere, bank, superuser):
    bank.tell()
    assert superuser.execute("select count(*) from subscriptions").fetchone() == (0,)
