"""The stand-in's books are written from what the club knows; read back, they say what the club knew already."""

import pytest
import stripe as package

from portal.billing.sync import sync_customer
from portal.database.identity import WORKER
from portal.database.transactions import transaction
from portal.rehearsal import books
from portal.sandbox.stripe import Stripe
from tests.support.member import FAILS_LATER, Member


@pytest.fixture
def member(bank, sign_in, superuser, eve):
    """Eve with a plan, a browser that never signs out, and a clock."""
    return Member(bank, sign_in(eve), superuser, eve)


@pytest.fixture
def known(superuser):
    """`known()`: what the club has of subscriptions and orders, but for when it was last told."""

    def rows():
        return [
            superuser.execute(f"select to_jsonb(t) - 'updated_at' from {table} t order by id".encode()).fetchall()
            for table in ("subscriptions", "orders")
        ]

    return rows


@pytest.fixture
def copied(worker_app, monkeypatch, superuser):
    """`copied()`: the worker asks books written from the database from then on; what is not known of each subscription."""

    def write():
        world = Stripe(":memory:")
        monkeypatch.setitem(
            worker_app.extensions, "provider", package.StripeClient(world.api_key, http_client=world.transport)
        )
        with transaction(worker_app, WORKER) as session:
            not_known = books.write(session, world)
        for (customer,) in superuser.execute("select customer_id from payers").fetchall():
            with transaction(worker_app, WORKER) as session:
                sync_customer(session, customer)
        return [each.what for each in not_known]

    return write


def test_a_plan_that_runs(member, known, copied):
    member.buys()
    with member.on(3):
        before = known()
        (not_known,) = copied()
        assert known() == before and not_known == [books.ONLY_STRIPE_KNOWS]


def test_a_plan_set_to_end(member, known, copied):
    member.buys()
    with member.on(3):
        member.browser.submit("/plan/end")
        member.bank.tell()
        before = known()
        copied()
        assert known() == before


def test_a_renewal_that_failed(member, known, copied):
    member.buys(card=FAILS_LATER)
    with member.on(33):
        before = known()
        (not_known,) = copied()
        assert (
            known() == before
            and "how many tries are left, and whether the card works again: it is refused" in not_known
        )


def test_a_smaller_plan_from_the_next_month_on(member, known, copied):
    member.buys("family", "monthly")
    with member.on(3):
        member.browser.submit("/plan/change/individual/monthly")
        member.bank.tell()
        before = known()
        (not_known,) = copied()
        assert known() == before and "proration of the planned change" in not_known


def test_a_payment_of_which_a_part_went_back(member, known, copied, worker_app, superuser):
    member.buys()
    with member.on(3):
        (payment,) = superuser.execute(
            "select provider_payment_id from orders where provider_invoice_id is not null"
        ).fetchone()
        client = package.StripeClient(member.bank.world.api_key, http_client=member.bank.world.transport)
        client.v1.refunds.create(params={"payment_intent": payment, "amount": 500})
        member.bank.tell()
        before = known()
        copied()
        assert known() == before


def test_a_payment_page_that_is_open_runs_out(bank, sign_in, eve, copied, superuser):
    bank.choose(sign_in(eve))
    copied()
    assert superuser.execute("select state from checkouts").fetchall() == [("open",)]
