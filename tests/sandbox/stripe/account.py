"""An account of the stand-in, spoken to by the real stripe package; every answer and every event is checked."""

import json
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import stripe

from portal import clock
from portal.sandbox.stripe import Stripe
from portal.sandbox.stripe.world import Transport
from tests.sandbox.stripe.document import check_answer, check_object

HOOK = ("http://portal.test/webhooks/stripe", "whsec_of_the_tests")
BEGIN = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Checked(Transport):
    """The in-process door, where every answer is held against the document."""

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **more: Any) -> Any:
        body, status, answered = super().request(method, url, headers, post_data, **more)
        check_answer(method.upper(), urlsplit(url).path, status, json.loads(body))
        return body, status, answered


class Account:
    """A club's account: two plans by the month and by the year, and one customer."""

    def __init__(self, path: Any = ":memory:", begin: float | None = 0) -> None:
        self.world = Stripe(path, endpoint=HOOK)
        self.client = stripe.StripeClient("sk_test_sandbox", http_client=Checked(self.world))
        self.api = self.client.v1
        with at(begin) if begin is not None else nullcontext():
            self.ana = self.api.customers.create(params={"email": "ana@example.org", "name": "Ana"})
            one, all_ = (self.api.products.create(params={"name": name}) for name in ("Individual", "Family"))
            self.month, self.year = self.price(one.id, 1000, "month"), self.price(one.id, 10000, "year")
            self.family = self.price(all_.id, 2500, "month")

    def price(self, product: str, amount: int, interval: Any, currency: str = "eur") -> str:
        """A price of a product."""
        recurring: Any = {"interval": interval}
        return self.api.prices.create(
            params={"product": product, "currency": currency, "unit_amount": amount, "recurring": recurring}
        ).id

    def session(self, price: str | None = None, **more: Any) -> Any:
        """A page to pay on."""
        return self.api.checkout.sessions.create(
            params={
                "mode": "subscription",
                "customer": self.ana.id,
                "success_url": "http://portal.test/ok",
                "line_items": [{"price": price or self.month, "quantity": 1}],
                **more,
            }
        )

    def subscribe(self, card: str = "4242424242424242", price: str | None = None, **more: Any) -> Any:
        """Ana pays on the page."""
        session = self.session(price, **more)
        assert self.world.pay(session.id, card, confirm=True) == "complete"
        return self.see(self.api.checkout.sessions.retrieve(session.id).subscription)

    def wallet(self, **more: Any) -> Any:
        """A link to Ana's own page."""
        given: Any = {"customer": self.ana.id, "return_url": "http://portal.test/billing", **more}
        return self.api.billing_portal.sessions.create(params=given)

    def see(self, subscription: Any) -> Any:
        """The subscription as it now is."""
        id = subscription if isinstance(subscription, str) else subscription.id
        return self.api.subscriptions.retrieve(id, params={"expand": ["latest_invoice"]})

    def invoices(self, subscription: Any) -> list[Any]:
        """Its invoices, newest first."""
        return self.api.invoices.list(params={"subscription": subscription.id}).data

    def item(self, subscription: Any) -> Any:
        """Its one item."""
        return self.see(subscription)["items"].data[0]

    def told(self) -> list[str]:
        """The kinds of all events, in order."""
        with self.world.books() as books:
            return [event["type"] for event in books.rows("event", order="asc")]


def at(days: float) -> AbstractContextManager[None]:
    """So many days after the beginning."""
    return clock.at(BEGIN + timedelta(days=days))


def moment(days: float) -> int:
    """The same as a number."""
    return int((BEGIN + timedelta(days=days)).timestamp())


def check_events(world: Stripe) -> None:
    """Everything that was told is in shape too."""
    with world._store.transaction() as db:
        for (body,) in db.execute("select body from objects where kind = 'event'").fetchall():
            event = json.loads(body)
            check_object(event)
            check_object(event["data"]["object"])
