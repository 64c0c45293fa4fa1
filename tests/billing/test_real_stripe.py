"""The same line against Stripe's own test mode, when a key is given: STRIPE_TEST_KEY=sk_test_… make test TESTS=tests/billing."""

import os
from uuid import uuid4

import pytest
import stripe as package

from portal import clock
from portal.billing import plans, provider, reading
from portal.billing.actions import PAGE_LIFE

KEY = os.environ.get("STRIPE_TEST_KEY", "")
pytestmark = pytest.mark.skipif(not KEY.startswith("sk_test_"), reason="needs STRIPE_TEST_KEY and a network")


def test_plans_a_customer_and_a_payment_page(app, monkeypatch):
    monkeypatch.setitem(app.extensions, "provider", package.StripeClient(KEY))
    person, checkout = uuid4(), uuid4()
    with app.app_context():
        provider.sync_plans()
        customer = provider.customer(person, "somebody@club.example")
        price = provider.price(plans()["individual"], "monthly")
        page = {"back": "https://club.example/?back=1", "given_up": "https://club.example/", "expires_at": clock.now() + PAGE_LIFE}
        session, url, _ends = provider.open_session(checkout, person, customer, price, **page)
        assert url.startswith("https://checkout.stripe.com/") and provider.session_state(session) == "open"
        assert provider.close_session(session) == "expired"
        assert reading.fetch(customer).user_id == person
