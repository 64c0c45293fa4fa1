"""What happened is told: signed, late, twice, out of order, never; and again when nobody listened."""

import json

import pytest
import stripe

from tests.sandbox.stripe.account import HOOK, at


@pytest.fixture
def paid(account):
    with at(0):
        account.subscribe()
    return account


def heard(account, status=200):
    got = []
    account.world.deliver(lambda delivery: got.append(delivery) or status)
    return got


def test_every_event_is_delivered_signed(paid):
    with at(0):
        for delivery in heard(paid):
            stripe.WebhookSignature.verify_header(delivery.body, delivery.headers["Stripe-Signature"], HOOK[1])
            assert delivery.url == HOOK[0] and json.loads(delivery.body)["api_version"] == stripe.api_version
        assert paid.world.undelivered() == [] and heard(paid) == []


def test_the_package_takes_it_for_an_event_and_not_when_altered():
    from tests.sandbox.stripe.account import Account

    account = Account()
    first = account.world.undelivered()[0]
    event = account.client.construct_event(first.body, first.headers["Stripe-Signature"], HOOK[1])
    assert (event.type, event.data.object.email) == ("customer.created", "ana@example.org")
    with pytest.raises(stripe.SignatureVerificationError):
        account.client.construct_event(first.body + " ", first.headers["Stripe-Signature"], HOOK[1])


def test_an_event_shows_the_object_as_it_was_then(paid):
    events = {event.type: event for event in paid.api.events.list(params={"limit": 100}).data}
    created, updated = events["customer.subscription.created"], events["customer.subscription.updated"]
    assert (created.data.object.status, updated.data.object.status) == ("incomplete", "active")
    assert updated.data.previous_attributes.to_dict() == {"status": "incomplete"}
    assert created.request.id is None


def test_nobody_listening_is_told_again_with_growing_pauses_for_three_days(paid):
    with at(0):
        one = heard(paid, 500)[0]
        assert heard(paid) == []
    pauses, last = [], 0
    for step in range(1, 4 * 24 * 6):  # every ten minutes, four days long
        with at(step / 144):
            if any(delivery.event_id == one.event_id for delivery in heard(paid, 0)):
                pauses.append(step - last)
                last = step
    assert pauses == sorted(pauses) and 8 <= len(pauses) <= 12 and last <= 3 * 144
    with at(5):
        assert paid.world.undelivered() == []
        assert paid.api.events.retrieve(one.event_id).pending_webhooks == 1


def test_who_was_told_is_known(paid):
    with at(0):
        told = heard(paid)[0].event_id
        paid.api.customers.update(paid.ana.id, params={"name": "Ana B"})
        delivered = paid.api.events.list(params={"delivery_success": True, "limit": 100}).data
        (waiting,) = paid.api.events.list(params={"delivery_success": False}).data
    assert told in [event.id for event in delivered] and waiting.type == "customer.updated"
    assert (waiting.pending_webhooks, delivered[0].pending_webhooks) == (1, 0)


def test_late(paid):
    paid.world.switch(late_seconds=3600)
    with at(0.04):
        assert heard(paid) == []
    with at(0.05):
        assert heard(paid)


def test_lost_for_good(paid):
    paid.world.switch(never=True)
    assert heard(paid) == []
    paid.world.switch()
    assert heard(paid) == [] and paid.api.events.list(params={"delivery_success": False, "limit": 1}).has_more


def test_twice_and_shuffled(paid):
    order = [delivery.event_id for delivery in paid.world.undelivered()]
    with at(0):
        paid.world.switch(twice=True, shuffled=True)
        got = [delivery.event_id for delivery in heard(paid)]
    assert got[::2] == got[1::2] and sorted(got[::2]) == sorted(order) and got[::2] != order


def test_an_endpoint_hears_what_it_asked_for_and_shows_its_secret_once(account):
    made = account.api.webhook_endpoints.create(params={"url": "http://b.test/", "enabled_events": ["product.created"]})
    assert made.secret.startswith("whsec_")
    assert "secret" not in account.api.webhook_endpoints.retrieve(made.id)
    account.api.products.create(params={"name": "Guest"})
    account.api.customers.update(account.ana.id, params={"name": "Ana B"})
    mine = [each for each in account.world.undelivered() if each.url == "http://b.test/"]
    assert [json.loads(each.body)["type"] for each in mine] == ["product.created"]
    account.api.webhook_endpoints.delete(made.id)
    assert not [each for each in account.world.undelivered() if each.url == "http://b.test/"]


def test_an_event_names_the_request_it_came_from(account):
    account.api.customers.update(account.ana.id, params={"name": "A"}, options={"idempotency_key": "mine"})
    (event,) = account.api.events.list(params={"types": ["customer.updated"]}).data
    assert event.request.idempotency_key == "mine"
