"""Paying on the hosted page: what comes into being, once, and what a bank's no leaves behind."""

import threading

import pytest
import stripe

from portal.sandbox.stripe import Stripe
from tests.sandbox.stripe.account import Account, at, moment


def test_a_payment_makes_the_subscription_and_its_first_invoice(account):
    with at(0):
        session = account.session(client_reference_id="order-9", subscription_data={"metadata": {"plan": "one"}})
        assert account.world.pay(session.id) == "complete"
        paid = account.api.checkout.sessions.retrieve(session.id, params={"expand": ["subscription.latest_invoice"]})
    assert (paid.status, paid.payment_status, paid.client_reference_id) == ("complete", "paid", "order-9")
    assert (paid.subscription.status, paid.subscription.metadata["plan"]) == ("active", "one")
    invoice = paid.subscription.latest_invoice
    assert (invoice.status, invoice.amount_paid, invoice.billing_reason) == ("paid", 1000, "subscription_create")
    assert invoice.parent.subscription_details.subscription == paid.subscription.id


@pytest.mark.parametrize(
    ("card", "why", "left"),
    [
        ("4000000000000002", "declined: Your card was declined.", ["incomplete"]),
        ("4000000000009995", "declined: Your card has insufficient funds.", ["incomplete"]),
        ("4111111111111111", "declined: Your card number is incorrect.", []),
    ],
)
def test_a_declined_card_leaves_the_plan_incomplete_and_another_pays_for_it(account, card, why, left):
    with at(0):
        session = account.session()
        assert account.world.pay(session.id, card) == why
        before = account.api.subscriptions.list(params={"customer": account.ana.id}).data
        assert account.world.pay(session.id, "5555555555554444") == "complete"
        charge = account.api.charges.list(params={"customer": account.ana.id}).data[0]
        (after,) = account.api.subscriptions.list(params={"customer": account.ana.id}).data
    assert [(s.id, s.status) for s in before] == [(after.id, status) for status in left] and after.status == "active"
    assert charge.payment_method_details.card.brand == "mastercard"
    assert charge.payment_method_details.card.last4 == "4444"


def test_a_bank_may_ask_first(account):
    with at(0):
        session = account.session()
        assert account.world.pay(session.id, "4000002500003155") == "needs confirmation"
        assert account.world.pay(session.id, "4000002500003155", confirm=False).startswith("declined")
        assert account.world.pay(session.id, "4000002500003155", confirm=True) == "complete"
    assert account.world.ledger().total == {"eur": 1000}


def test_while_the_bank_waits_for_a_word_the_plan_has_begun_and_nothing_is_paid(account):
    with at(0):
        session = account.session()
        account.world.pay(session.id, "4000002500003155")
        told = account.told()
        (begun,) = account.api.subscriptions.list(params={"status": "all"}).data
        assert (begun.status, account.api.checkout.sessions.retrieve(session.id).status) == ("incomplete", "open")
        assert "customer.subscription.created" in told and "invoice.payment_action_required" in told
        assert "invoice.paid" not in told and "checkout.session.completed" not in told
    with at(0.02):
        assert account.world.pay(session.id, "4000002500003155", confirm=True) == "complete"
        assert account.see(begun).status == "active"
    assert account.told().index("invoice.paid") < account.told().index("checkout.session.completed")


def test_a_plan_nobody_paid_for_is_over_with_its_page(account):
    with at(0):
        session = account.session(expires_at=moment(0) + 1800)
        account.world.pay(session.id, "4000002500003155")
        (begun,) = account.api.subscriptions.list(params={"status": "all"}).data
    with at(0.03):
        assert account.see(begun).status == "incomplete_expired"
        assert account.api.invoices.retrieve(begun.latest_invoice).status == "void"
    assert account.world.ledger().total == {}


def test_a_double_submit_is_one_payment(account):
    with at(0):
        session = account.session()
        assert [account.world.pay(session.id) for _ in range(3)] == ["complete"] * 3
        assert len(account.api.charges.list(params={"customer": account.ana.id}).data) == 1


def test_two_tabs_paying_at_once_are_one_payment(file):
    account = Account(file)
    session = account.session()
    at_once, outcomes = threading.Barrier(2), []

    def pay(world):
        at_once.wait()
        outcomes.append(world.pay(session.id))

    tabs = [threading.Thread(target=pay, args=[world]) for world in (account.world, Stripe(file))]
    [tab.start() for tab in tabs], [tab.join() for tab in tabs]
    assert outcomes == ["complete", "complete"]
    assert len(account.api.charges.list().data) == len(account.api.subscriptions.list().data) == 1


def test_a_page_expires_and_then_nobody_pays(account):
    with at(0):
        session = account.session(expires_at=moment(0) + 1800)
    with at(0.021):
        assert account.world.pay(session.id) == "expired"
        assert account.api.checkout.sessions.list(params={"status": "expired"}).data[0].id == session.id
        with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
            account.api.checkout.sessions.expire(session.id)
    assert account.told()[-1] == "checkout.session.expired"


@pytest.mark.parametrize("away", [1799, 86401])
def test_a_page_lives_between_half_an_hour_and_a_day(account, away):
    with at(0), pytest.raises(stripe.InvalidRequestError) as refused:
        account.session(expires_at=moment(0) + away)
    assert refused.value.param == "expires_at"


def test_a_free_time_keeps_the_card_and_asks_for_nothing_yet(account):
    with at(0):
        sub = account.subscribe(subscription_data={"trial_end": moment(10)})
        assert (sub.status, sub.latest_invoice.amount_due, sub.latest_invoice.status) == ("trialing", 0, "paid")
        assert account.world.ledger().total == {}
    with at(7.5):
        assert account.see(sub).status == "trialing" and "customer.subscription.trial_will_end" in account.told()
    with at(10.1):
        assert (account.see(sub).status, account.see(sub).latest_invoice.amount_paid) == ("active", 1000)


def test_one_customer_pays_in_one_money(account):
    product = account.api.products.create(params={"name": "Guest"}).id
    account.subscribe()
    with pytest.raises(stripe.InvalidRequestError, match="combine currencies"):
        account.session(account.price(product, 500, "month", "jpy"))


def test_somebody_new_becomes_a_customer(account):
    with at(0):
        session = account.api.checkout.sessions.create(
            params={
                "mode": "subscription",
                "customer_email": "ben@example.org",
                "success_url": "http://portal.test/ok",
                "line_items": [{"price": account.month, "quantity": 1}],
            }
        )
        account.world.pay(session.id)
        ben = account.api.customers.list(params={"email": "ben@example.org"}).data[0]
        assert account.api.checkout.sessions.retrieve(session.id).customer == ben.id


def test_a_card_can_be_kept_without_paying(account):
    with at(0):
        session = account.api.checkout.sessions.create(
            params={
                "mode": "setup",
                "customer": account.ana.id,
                "currency": "eur",
                "success_url": "http://portal.test/ok",
            }
        )
        assert account.world.pay(session.id) == "complete"
        kept = account.api.checkout.sessions.retrieve(session.id, params={"expand": ["setup_intent.payment_method"]})
    assert kept.setup_intent.payment_method.card.last4 == "4242"


def test_the_first_payment_is_told_step_by_step(account):
    with at(0):
        account.subscribe()
    told = account.told()
    for kind in (
        "checkout.session.completed",
        "invoice.paid",
        "charge.succeeded",
        "payment_method.attached",
        "customer.subscription.created",
        "customer.subscription.updated",
        "invoice_payment.paid",
    ):
        assert told.count(kind) == 1, kind
