"""A provider to pay at: the stand-in Stripe, spoken to through the real package."""

from collections.abc import Iterator

import pytest
import stripe as package

from portal.billing import provider
from portal.sandbox.stripe import Stripe


class Bank:
    """The provider with the portal at its other end: what it says is carried over when a test wants it so."""

    def __init__(self, world, client, work):
        self.world, self.client, self.work = world, client, work

    def knock(self, delivery):
        """One delivery, as the provider's machine makes it."""
        answer = self.client.post("/webhooks/stripe", data=delivery.body, headers=delivery.headers)
        return answer.status_code

    def tell(self):
        """Everything due is delivered, and the worker has done what follows."""
        self.world.advance()
        self.world.deliver(self.knock)
        self.work()

    def choose(self, browser, plan="individual", cycle="monthly", **more):
        """A member's way to the payment page: the checkout's address and the page's session."""
        here = browser.submit("/plans/choose", plan=plan, cycle=cycle, **more).location
        return here, browser.submit(f"{here}/pay").location.rsplit("/", 1)[-1]

    def buy(self, browser, plan="individual", cycle="monthly", card="4242424242424242", **more):
        """All of it: choose, pay, and the portal has heard."""
        here, session = self.choose(browser, plan, cycle, **more)
        outcome = self.world.pay(session, card)
        self.tell()
        return here, outcome


@pytest.fixture
def bank(app, worker_app, client, work, monkeypatch) -> Iterator[Bank]:
    """A fresh account at the provider, with the club's plans in it."""
    settings = app.config["SETTINGS"]
    hook = (f"{settings.public_url}/webhooks/stripe", settings.stripe_webhook_secret)
    world = Stripe(":memory:", endpoint=hook)
    line = package.StripeClient(world.api_key, http_client=world.transport)
    for side in (app, worker_app):
        monkeypatch.setitem(side.extensions, "provider", line)
    with app.app_context():
        provider.sync_plans()
    return Bank(world, client, work)
