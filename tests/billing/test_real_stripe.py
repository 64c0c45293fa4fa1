"""The same line against Stripe's own test mode, when a key is given: STRIPE_TEST_KEY=sk_test_… make test TESTS=tests/billing."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest
import stripe as package

from portal import clock
from portal.billing import plans, provider, reading
from portal.billing.actions import PAGE_LIFE, SOONEST

KEY = os.environ.get("STRIPE_TEST_KEY", "")
pytestmark = pytest.mark.skipif(not KEY.startswith("sk_test_"), reason="needs STRIPE_TEST_KEY and a network")


@pytest.mark.parametrize("starts_in", [None, SOONEST, SOONEST - PAGE_LIFE + timedelta(hours=1)])
def test_plans_a_customer_and_a_payment_page(app, monkeypatch, starts_in):
    monkeypatch.setitem(app.extensions, "provider", package.StripeClient(KEY))
    now = clock.now()
    wanted = provider.PageWanted(
        checkout_id=uuid4(),
        user_id=uuid4(),
        email="somebody@club.example",
        known=(),
        plan=plans_of(app)["individual"],
        cycle="monthly",
        here="https://club.example/",
        expires_at=now + PAGE_LIFE,
        starts_at=starts_in and now + starts_in,
    )
    with app.app_context():
        provider.sync_plans()
        page = provider.payment_page(wanted)
        assert page.url.startswith("https://checkout.stripe.com/") and provider.session_state(page.session_id) == "open"
        assert provider.payment_page(wanted).session_id == page.session_id
        assert provider.close_session(page.session_id) == "expired"
        assert reading.fetch(page.customer_id).user_id == wanted.user_id


def plans_of(app):
    with app.app_context():
        return plans()
