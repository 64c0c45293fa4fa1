"""When every word of the provider's was lost: each night it is asked, and what asking does not explain is listed."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.billing import comparison, jobs, provider, reading
from portal.clock import at
from tests.support.reading import do
from tests.support.waitlist import one

DAY = timedelta(days=1)
DONE: list[int] = []


@pytest.fixture
def night(bank, worker_app):
    """`night(days)`: so many days on, not one delivery arrived, and the nightly job has run."""

    def passes(days=1.0):
        moment = datetime.now(UTC) + days * DAY
        with at(moment):
            bank.world.advance()
            bank.world.deliver(lambda _delivery: 200)  # taken, and never handed on
        do(worker_app, jobs.reconcile, moment)

    return passes


def drifts(superuser):
    return [row[0] for row in superuser.execute("select difference from drifts where resolved_at is null order by 1")]


def by_hand(bank, **marks):
    """Somebody makes a subscription at the provider's desk."""
    line = bank.client.application.extensions["provider"].v1
    customer = line.customers.create(params={"email": "desk@x.example", "metadata": marks})
    (price,) = line.prices.list(params={"lookup_keys": ["goalete-individual-monthly"]}).data
    session = line.checkout.sessions.create(
        params={
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://x.example",
            "subscription_data": {"metadata": {"club": "goalete", **marks}},
        }
    )
    bank.world.pay(session.id)
    return customer.id


def test_a_payment_nobody_told_of_is_found_at_night(bank, night, sign_in, superuser, eve):
    _here, session = bank.choose(sign_in(eve))
    bank.world.pay(session)
    night()
    assert one(superuser, "select subscription_status from users where id = %s", eve.id) == "active"
    assert drifts(superuser) == []


def test_a_week_of_lost_words_is_made_good_in_one_night(bank, night, sign_in, superuser, eve):
    browser = sign_in(eve)
    bank.buy(browser)
    night(33)
    found = superuser.execute("select status from orders where user_id = %s", [eve.id]).fetchall()
    assert found == [("completed",)] * 2


def test_a_refund_nobody_told_of_is_found_too(bank, night, sign_in, superuser, eve, app):
    bank.buy(sign_in(eve))
    with app.app_context():
        provider.give_back(one(superuser, "select provider_payment_id from orders where user_id = %s", eve.id), "test")
    night()
    assert one(superuser, "select status from orders where user_id = %s", eve.id) == "refunded"


def test_a_refund_that_was_told_and_never_looked_at_is_found_too(bank, night, sign_in, superuser, eve, app):
    """The provider was down for as long as the job had tries."""
    bank.buy(sign_in(eve))
    with app.app_context():
        provider.give_back(one(superuser, "select provider_payment_id from orders where user_id = %s", eve.id), "test")
    bank.world.deliver(bank.knock)
    superuser.execute("delete from procrastinate_jobs")
    assert one(superuser, "select count(*) from provider_events where handled_at is null") > 0
    night()
    assert one(superuser, "select status from orders where user_id = %s", eve.id) == "refunded"
    assert one(superuser, "select count(*) from provider_events where handled_at is null") == 0


def test_a_dispute_that_names_its_payment_alone_and_was_never_looked_at_is_found_too(
    bank, night, sign_in, superuser, eve
):
    bank.buy(sign_in(eve))
    bank.world.dispute(one(superuser, "select provider_payment_id from orders where user_id = %s", eve.id))
    bank.world.deliver(bank.knock)
    superuser.execute("delete from procrastinate_jobs")
    superuser.execute("update provider_events set handled_at = now() where customer_id is not null")
    night()
    assert one(superuser, "select dispute_state from orders where user_id = %s", eve.id) == "open"


def test_what_waits_longer_than_anybody_looks_back_is_done_in_the_end(bank, night, sign_in, superuser, eve):
    bank.buy(sign_in(eve))
    superuser.execute(
        "update provider_events set handled_at = null, outcome = null, received_at = now() - interval '20 days'"
        " where customer_id is not null"
    )
    superuser.execute("update orders set payment_method = null where user_id = %s", [eve.id])
    night(10)
    assert one(superuser, "select payment_method from orders where user_id = %s", eve.id) == "Visa ••4242"
    assert one(superuser, "select count(*) from provider_events where handled_at is null") == 0


def test_more_events_than_a_statement_has_places_for_are_compared(bank, worker_app, monkeypatch, database):
    moment = datetime.now(UTC)
    many = [reading.Event(f"evt_{n}", "invoice.paid", None, f"pi_{n}", moment) for n in range(70_000)]
    monkeypatch.setattr(reading, "events", lambda _since: iter(many))
    monkeypatch.setattr(comparison, "note_done", lambda _db, events: DONE.append(len(events)))
    do(worker_app, jobs.reconcile)
    assert DONE.pop() == 70_000


def test_one_customer_that_cannot_be_asked_keeps_nobody_else_from_being_looked_at(
    bank, night, sign_in, superuser, eve, bob, monkeypatch
):
    for person in (eve, bob):
        bank.world.pay(bank.choose(sign_in(person))[1])
    first = sorted(name for (name,) in superuser.execute("select customer_id from checkouts"))[0]
    fetch = reading.fetch
    monkeypatch.setattr(reading, "fetch", lambda name, adopted: _down() if name == first else fetch(name))
    night()
    monkeypatch.setattr(reading, "fetch", fetch)
    assert one(superuser, "select count(*) from subscriptions") == 1
    night()
    assert one(superuser, "select count(*) from subscriptions") == 2


def _down():
    raise provider.ProviderDown


def test_a_live_subscription_of_nobody_here_is_listed_until_it_is_gone(bank, night, superuser):
    by_hand(bank, user_id="00000000-0000-0000-0000-00000000dead")
    night()
    night()
    assert len(drifts(superuser)) == 1 and "that belongs to nobody here" in drifts(superuser)[0]
    with bank.world.books() as books:
        name = books.rows("subscription")[0]["id"]
    bank.client.application.extensions["provider"].v1.subscriptions.cancel(name)
    night()
    assert drifts(superuser) == []


def test_what_bears_no_mark_of_ours_is_none_of_our_business(bank, night, superuser):
    line = bank.client.application.extensions["provider"].v1
    by_hand(bank)
    with bank.world.books() as books:
        name = books.rows("subscription")[0]["id"]
    line.subscriptions.update(name, params={"metadata": {"club": ""}})
    night()
    assert drifts(superuser) == [] and one(superuser, "select count(*) from subscriptions") == 0


def test_a_customer_deleted_over_there_ends_here(bank, night, sign_in, superuser, eve):
    bank.buy(sign_in(eve))
    bank.client.application.extensions["provider"].v1.customers.delete(one(superuser, "select customer_id from payers"))
    night()
    assert one(superuser, "select status from subscriptions") == "canceled" and drifts(superuser) == []
    assert one(superuser, "select count(*) from provider_events where handled_at is null") == 0


def test_a_plan_only_we_believe_in_is_listed(bank, night, sign_in, superuser, eve):
    superuser.execute(
        "insert into subscriptions (user_id, provider_subscription_id, status, subscription_type, billing_cycle, amount_minor,"
        " currency, started_at, grace_days) values (%s, 'sub_ghost', 'active', 'individual', 'monthly', 1200, 'USD', now(), 7)",
        [eve.id],
    )
    night()
    assert drifts(superuser) == ["The club counts on subscription sub_ghost, and Stripe does not have it as live."]


def test_a_provider_that_is_down_at_night_is_asked_again_the_next(bank, night, sign_in, superuser, eve):
    _here, session = bank.choose(sign_in(eve))
    bank.world.pay(session)
    bank.world.switch(api="down")
    with pytest.raises(Exception, match="does not answer"):
        night()
    bank.world.switch(api="ok")
    night()
    assert one(superuser, "select subscription_status from users where id = %s", eve.id) == "active"
