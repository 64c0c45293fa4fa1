"""A provider to pay at: the stand-in Stripe, spoken to through the real package."""

from typing import Any

import pytest
import stripe as package
from flask import Flask

from portal.billing import provider
from portal.sandbox.stripe import Stripe
from portal.sandbox.stripe.world import Delivery
from tests.support.web import Browser, Work


class Bank:
    """The provider with the portal at its other end: what it says is carried over when a test wants it so."""

    def __init__(self, world: Stripe, client: Browser, work: Work) -> None:
        self.world, self.client, self.work = world, client, work

    def knock(self, delivery: Delivery) -> int:
        """One delivery, as the provider's machine makes it: the status of the answer."""
        answer = self.client.post("/webhooks/stripe", data=delivery.body, headers=delivery.headers)
        return answer.status_code

    def tell(self) -> None:
        """Everything due is delivered, and the worker has done what follows."""
        self.world.advance()
        self.world.deliver(self.knock)
        self.work()

    def choose(
        self, browser: Browser, plan: str = "individual", cycle: str = "monthly", **more: Any
    ) -> tuple[str, str]:
        """A member's way to the payment page: the checkout's address and the page's session."""
        here = browser.submit("/plans/choose", plan=plan, cycle=cycle, **more).location
        return here, browser.submit(f"{here}/pay").location.rsplit("/", 1)[-1]

    def buy(
        self,
        browser: Browser,
        plan: str = "individual",
        cycle: str = "monthly",
        card: str = "4242424242424242",
        **more: Any,
    ) -> tuple[str, str]:
        """All of it: choose, pay, and the portal has heard. The checkout's address and what came of paying."""
        here, session = self.choose(browser, plan, cycle, **more)
        outcome = self.world.pay(session, card)
        self.tell()
        return here, outcome


@pytest.fixture
def bank(app: Flask, worker_app: Flask, client: Browser, work: Work, monkeypatch: pytest.MonkeyPatch) -> Bank:
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
