"""Changes of a running subscription: another plan, another amount, an end, a pause."""

from stripe import params

from portal.sandbox.stripe import customers, subscriptions
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.given import merged, unset
from portal.sandbox.stripe.routes import route
from portal.sandbox.stripe.shapes import Body

PLAIN = "metadata default_payment_method cancel_at cancel_at_period_end cancellation_details description"


@route("POST /v1/subscriptions/:id", params.SubscriptionUpdateParams, PLAIN)
def update(books: Books, given: Body, id: str) -> Body:
    """Other words about a subscription, or its end."""
    subscription = subscriptions.living(books, id)
    fields: Body = {}
    if "metadata" in given:
        fields["metadata"] = merged(subscription["metadata"], given["metadata"])
    if "description" in given:
        fields["description"] = unset(given["description"])
    if method := given.get("default_payment_method"):
        fields["default_payment_method"] = customers.owned(books, method, subscription["customer"])["id"]
    if "cancel_at_period_end" in given or "cancel_at" in given:
        period = given.get("cancel_at_period_end", False)
        at = subscription["items"]["data"][0]["current_period_end"] if period else unset(given.get("cancel_at"))
        fields |= subscriptions.pending_cancel(books, subscription, at, period, given.get("cancellation_details"))
    books.change(subscription, "customer.subscription.updated", **fields)
    subscriptions.plan_ahead(books, subscription)
    return subscription


def credit_the_rest(books: Books, subscription: Body) -> None:
    """Give back the unused time."""


def invoice_now(books: Books, subscription: Body, lines: list[Body], reason: str) -> None:
    """An invoice at once."""
