"""Stripe, and the line to it. What is wished twice happens once: by a key, or because it is a state that is set.
`reading` brings back what it knows.

Nothing here writes to the database. The same code speaks to Stripe, to its test mode and to the sandbox beside the demo;
only the address and the key differ.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import stripe
from flask import Flask, current_app, has_request_context

from portal.billing import Plan, plans
from portal.mail.addresses import in_ascii
from portal.problems import Refused

if TYPE_CHECKING:
    from stripe._v1_services import V1Services

CLUB = "goalete"
LIVE = ("trialing", "active", "past_due", "unpaid")
"""Their words for a subscription that charges, or would."""
UNCONFIRMED = ("subscription_payment_intent_requires_action", "authentication_required")
"""Their words for a payment that the bank wants its payer to confirm."""
PATIENCE = 3
_at_the_counter = threading.BoundedSemaphore(1)
"""Of the requests a process answers at once, one speaks with the provider; others wait so many seconds for their turn. A
provider that hangs so takes one thread of each process, and never the whole site."""


class ProviderDown(Refused):
    """The payment provider does not answer just now. Nothing was changed and nothing was charged; try again in a minute."""


class ProviderRefused(ProviderDown):
    """The payment provider does not take this as things stand. Nothing was changed and nothing was charged; write to the club."""


class NoProvider(Refused):
    """The club takes no cards."""


class CardRefused(Refused):
    """The bank said no to this card. Nothing was changed; use another card and try again."""


def init_app(app: Flask) -> None:
    """Give `app` its line to the provider, if the club takes cards. Retries carry their key, so that they do nothing twice."""
    settings = app.config["SETTINGS"]
    if not settings.takes_cards:
        return
    app.extensions["provider"] = stripe.StripeClient(
        settings.stripe_key,
        max_network_retries=1,
        http_client=stripe.RequestsClient(timeout=10),
        base_addresses={"api": settings.stripe_url} if settings.stripe_url else {},
    )


def is_connected() -> bool:
    """Whether there is a provider to ask: a club that takes no cards has none."""
    return "provider" in current_app.extensions


def client() -> stripe.StripeClient:
    """This app's line to the provider."""
    return current_app.extensions["provider"]  # type: ignore[no-any-return]


@contextmanager
def asking() -> "Iterator[V1Services]":
    """Speak with the provider; its failures are sentences for the current user.

    Raises:
        CardRefused: the card was declined.
        ProviderRefused: it answered that it will not; the log has its own words.
        ProviderDown: anything else went wrong on the way.
        NoProvider: the club takes no cards.
    """
    if not is_connected():
        raise NoProvider
    in_request = has_request_context()
    if in_request and not _at_the_counter.acquire(timeout=PATIENCE):
        raise ProviderDown
    try:
        yield client().v1
    except stripe.CardError as error:
        raise CardRefused from error
    except stripe.StripeError as error:
        failure = type(error).__name__, error.code or "", error.request_id or ""
        current_app.logger.warning("the provider failed: %s %s %s", *failure, exc_info=error)
        refused = (stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError)
        raise (ProviderRefused if isinstance(error, refused) else ProviderDown) from error
    finally:
        if in_request:
            _at_the_counter.release()


def sync_plans() -> None:
    """Create or match what is sold: a product for each plan, a price for each cycle, found again by their keys."""
    with asking() as ask:
        for plan in plans().values():
            about: Any = {  # its parameters are a TypedDict of many parts
                "name": f"{current_app.config['SETTINGS'].club_name} {plan.name}",
                "metadata": {"club": CLUB, "plan": plan.key},
            }
            product = f"{CLUB}-{plan.key}"
            try:
                ask.products.update(product, params=about)
            except stripe.InvalidRequestError:
                about["id"] = product
                ask.products.create(params=about)
            for cycle in ("monthly", "yearly"):
                if current_price(ask, plan, cycle) is None:
                    ask.prices.create(params=_price_params(plan, cycle, product))  # type: ignore[arg-type]


def _price_params(plan: Plan, cycle: str, product: str) -> dict[str, object]:
    return {
        "product": product,
        "currency": plan.currency.lower(),
        "unit_amount": plan.minor(cycle),
        "recurring": {"interval": "year" if cycle == "yearly" else "month"},
        "lookup_key": f"{CLUB}-{plan.key}-{cycle}",
        "transfer_lookup_key": True,
        "metadata": {"club": CLUB, "plan": plan.key, "cycle": cycle},
    }


def current_price(ask: "V1Services", plan: Plan, cycle: str) -> str | None:
    """The current price's id, if the provider has it at the amount we say."""
    found = ask.prices.list(params={"lookup_keys": [f"{CLUB}-{plan.key}-{cycle}"], "active": True}).data
    same = [p.id for p in found if (p.unit_amount, p.currency) == (plan.minor(cycle), plan.currency.lower())]
    return same[0] if same else None


def price(plan: Plan, cycle: str) -> str:
    """The provider's id of what a plan costs. Raises `ProviderDown` while the plans were never synced."""
    with asking() as ask:
        found = current_price(ask, plan, cycle)
    if found is None:
        current_app.logger.error("the provider has no price for %s %s; run `portal plans sync`", plan.key, cycle)
        raise ProviderDown
    return found


def customer(user_id: UUID, email: str, currency: str, known: Sequence[str] = ()) -> str:
    """The customer of this person, made once; a new one when all that are `known` were deleted over there, or have paid in
    another currency: theirs never change it.

    Known by our own id, never by the address.
    """
    with asking() as ask:
        for name in known:
            found = known_customer(ask, name)
            if found is not None and not is_deleted(found) and found.currency in (None, currency.lower()):
                return name
        made = ask.customers.create(
            params={"metadata": {"club": CLUB, "user_id": str(user_id)}},
            options={"idempotency_key": "-after-".join((f"customer-{user_id}", *sorted(known)[-1:]))},
        )
        # Apart: the key must not stand for an address that changes, and one they do not take keeps nobody from paying.
        with suppress(stripe.InvalidRequestError):
            ask.customers.update(made.id, params={"email": their_form(email)})
    return made.id


@dataclass(frozen=True)
class Named:
    """How a customer is called and reached: for the provider's own mails and papers."""

    name: str
    email: str


def their_form(address: str) -> str:
    """An address as they take it, a domain like müller.example in its xn-- form; what is no address stays as it is."""
    try:
        return in_ascii(address)
    except ValueError:
        return address


def named(found: Any) -> Named:  # an id, or the object of it
    """What the provider was told of a customer."""
    return Named(found.name or "", found.email or "")


def name_customer(customer_id: str, wanted: Named) -> None:
    """Tell the provider, if it says otherwise. One that was deleted over there is nobody any more. A name or address that it
    does not take stays as it was there, and the log says so.
    """
    with asking() as ask:
        stripe_customer = known_customer(ask, customer_id)
        if stripe_customer is None or is_deleted(stripe_customer) or named(stripe_customer) == wanted:
            return
        try:
            ask.customers.update(customer_id, params={"name": wanted.name, "email": wanted.email})
        except stripe.InvalidRequestError as error:
            current_app.logger.warning("the provider does not take how %s is called: %s", customer_id, error.code)


def payer_of(subscription_id: str) -> str:
    """The customer whose card pays a subscription."""
    with asking() as ask:
        return id_of(ask.subscriptions.retrieve(subscription_id).customer)


def first_living(names: Sequence[str]) -> str | None:
    """The first of these customers that was not deleted over there."""
    with asking() as ask:
        return next((name for name in names if not is_deleted(known_customer(ask, name))), None)


def is_deleted(stripe_customer: stripe.Customer | None) -> bool:
    """Whether the provider has this customer no longer, or never had."""
    return stripe_customer is None or bool(getattr(stripe_customer, "deleted", False))


@dataclass(frozen=True)
class PageWanted:
    """A page to pay one checkout on. `known` are the payer's names at the provider, `here` the checkout's own address.

    `starts_at`: the first charge waits until then (the new payer of a plan that is paid that far).
    """

    checkout_id: UUID
    user_id: UUID
    email: str
    known: Sequence[str]
    plan: Plan
    cycle: str
    here: str
    expires_at: datetime
    starts_at: datetime | None = None
    transfer_plan_id: UUID | None = None


@dataclass(frozen=True)
class Page:
    """The provider's page for a checkout, and whose it is there."""

    customer_id: str
    session_id: str
    url: str
    expires_at: datetime


def payment_page(wanted: PageWanted) -> Page:
    """The provider's payment page for a checkout, the same one however often it is asked for in the same words."""
    customer_id = customer(wanted.user_id, wanted.email, wanted.plan.currency, wanted.known)
    price_id = price(wanted.plan, wanted.cycle)
    ours = {"club": CLUB, "user_id": str(wanted.user_id), "checkout_id": str(wanted.checkout_id)}
    if wanted.transfer_plan_id:
        ours["transfer_plan_id"] = str(wanted.transfer_plan_id)
    subscription: dict[str, object] = {"metadata": ours}
    key = f"checkout-{wanted.checkout_id}-{customer_id}-{price_id}"
    if wanted.starts_at:
        subscription["trial_end"] = int(wanted.starts_at.timestamp())
        key = f"{key}-{subscription['trial_end']}"
    params: Any = {  # its parameters are a TypedDict of many parts
        "mode": "subscription",
        "customer": customer_id,
        "client_reference_id": str(wanted.user_id),
        "metadata": ours,
        "line_items": [{"price": price_id, "quantity": 1}],
        "subscription_data": subscription,
        "success_url": f"{wanted.here}?back=1",
        "cancel_url": wanted.here,
        "expires_at": int(wanted.expires_at.timestamp()),
        "payment_method_collection": "always",
        **_club_options(),
    }
    with asking() as ask:
        session = ask.checkout.sessions.create(params=params, options={"idempotency_key": key})
    return Page(customer_id, session.id, session.url or "", moment_of(session.expires_at))


def _club_options() -> dict[str, object]:
    """What the club's settings add to its payment pages (docs.stripe.com/api/checkout/sessions/create). A VAT id, and an
    address for the tax, are kept on the customer, who has a name and an address there then.
    """
    settings = current_app.config["SETTINGS"]
    options: dict[str, object] = {}
    if settings.stripe_promotion_codes:
        options["allow_promotion_codes"] = True
    if settings.stripe_tax:
        options["automatic_tax"] = {"enabled": True}
        options["tax_id_collection"] = {"enabled": True}
        options["customer_update"] = {"address": "auto", "name": "auto"}
    return options


def session_state(session_id: str) -> str:
    """open, complete or expired."""
    with asking() as ask:
        return ask.checkout.sessions.retrieve(session_id).status or "open"


def close_session(session_id: str) -> str:
    """Close a payment page. Returns the state it ended in: it may have been paid a moment before."""
    with asking() as ask:
        try:
            return ask.checkout.sessions.expire(session_id).status or "expired"
        except stripe.InvalidRequestError:  # it is not open
            return ask.checkout.sessions.retrieve(session_id).status or "expired"


def dashboard_url(payment_id: str) -> str:
    """Where an admin looks at a payment, at the provider."""
    settings = current_app.config["SETTINGS"]
    mode = "/test" if settings.stripe_key.startswith(("sk_test_", "rk_test_")) else ""
    return f"{settings.stripe_url or 'https://dashboard.stripe.com' + mode}/payments/{payment_id}"


def customer_portal_url(customer_id: str, back: str) -> str:
    """Where the payer changes the card, at the provider."""
    with asking() as ask:
        return ask.billing_portal.sessions.create(
            params={"customer": customer_id, "return_url": back, "flow_data": {"type": "payment_method_update"}}
        ).url


def set_to_end(subscription_id: str) -> bool:
    """End it with its paid period; a change that was planned for then is off. True if it ended this moment, since what it
    runs for now was never paid: else the provider would go on trying the card for it. Ended twice is once.
    """
    with asking() as ask:
        found = ask.subscriptions.retrieve(subscription_id, params={"expand": ["latest_invoice"]})
        if found.status == "canceled":
            return True
        bill: Any = found.latest_invoice
        unpaid = bill is not None and bill.billing_reason == "subscription_cycle" and bill.status != "paid"
        ends_now = found.status in ("past_due", "unpaid") and unpaid
        _release(ask, subscription_id)
        if ends_now:
            ask.subscriptions.cancel(subscription_id, params={"prorate": False, "invoice_now": False})
        else:
            ask.subscriptions.update(subscription_id, params={"cancel_at_period_end": True})
        return ends_now


def let_renew(subscription_id: str) -> None:
    """Let it renew again, though it was to end."""
    with asking() as ask:
        _release(ask, subscription_id)
        ask.subscriptions.update(subscription_id, params={"cancel_at_period_end": False})


def end_now(subscription_id: str, *, credit: bool = False, duplicate: bool = False) -> None:
    """End it this moment; with `credit` the unused part is given back as credit. Ended twice is once.

    Why it ends is marked on it first: who asks for the facts later must know what not to serve.
    """
    with asking() as ask:
        if ask.subscriptions.retrieve(subscription_id).status == "canceled":
            return
        if duplicate or credit:
            mark = "twin" if duplicate else "credited"
            ask.subscriptions.update(subscription_id, params={"metadata": {mark: "1"}})
        _release(ask, subscription_id)
        ask.subscriptions.cancel(subscription_id, params={"prorate": credit, "invoice_now": credit})


def _release(ask: "V1Services", subscription_id: str) -> None:
    """Drop the plan that is scheduled for later: until then Stripe refuses to end the subscription."""
    schedule = ask.subscriptions.retrieve(subscription_id).schedule
    if schedule:
        ask.subscription_schedules.release(id_of(schedule))


def give_back(payment_id: str, key: str, amount_minor: int | None = None) -> None:
    """Refund a payment, in part or whole. `key` makes it once; the order changes when the provider says so."""
    params: Any = {
        "payment_intent": payment_id,
        "metadata": {"club": CLUB},
    }  # its parameters are a TypedDict of many parts
    if amount_minor is not None:
        params["amount"] = amount_minor
    with asking() as ask:
        ask.refunds.create(params=params, options={"idempotency_key": f"refund-{key}"})


def pay(invoice_id: str, key: str) -> None:
    """Charge an open bill now, with the card that is kept. Raises CardRefused; paid already is paid."""
    with asking() as ask:
        try:
            ask.invoices.pay(invoice_id, options={"idempotency_key": f"pay-{key}"})
        except stripe.InvalidRequestError:  # paid, void or gone meanwhile: the facts will say
            return


def invoice_url(invoice_id: str) -> str:
    """The provider's page of a bill, where its payer can pay it, or confirm it with the bank."""
    with asking() as ask:
        return ask.invoices.retrieve(invoice_id).hosted_invoice_url or ""


def change_costs(subscription_id: str, item: str, price_id: str, at: datetime) -> int:
    """What moving to another price would charge now, in minor units; less than zero is credit."""
    with asking() as ask:
        preview = ask.invoices.create_preview(
            params={
                "subscription": subscription_id,
                "subscription_details": {
                    "items": [{"id": item, "price": price_id}],
                    "proration_behavior": "always_invoice",
                    "proration_date": int(at.timestamp()),
                },
            }
        )
    return preview.amount_due


def change_now(subscription_id: str, item: str, price_id: str, at: datetime) -> str:
    """Move to another price and charge the difference at once; a declined card changes nothing. Empty when that is done, else
    the page of the bill where its payer confirms it with the bank: until then, or for good when a day has passed, the plan
    stays what it is (docs.stripe.com/billing/subscriptions/pending-updates).
    """
    params: Any = {  # its parameters are a TypedDict of many parts
        "items": [{"id": item, "price": price_id}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "error_if_incomplete",
        "proration_date": int(at.timestamp()),
    }
    key = f"change-{subscription_id}-{price_id}-{int(at.timestamp())}"
    with asking() as ask:
        try:
            ask.subscriptions.update(subscription_id, params=params, options={"idempotency_key": key})
            return ""
        except stripe.CardError as error:
            if error.code not in UNCONFIRMED:
                raise
        params |= {"payment_behavior": "pending_if_incomplete", "expand": ["latest_invoice"]}
        key = f"{key}-confirmed"
        found = ask.subscriptions.update(subscription_id, params=params, options={"idempotency_key": key})
        bill: Any = found.latest_invoice
        return bill.hosted_invoice_url or "" if found.pending_update else ""


def change_later(subscription_id: str, price_id: str) -> None:
    """Move to another price when the paid period ends."""
    with asking() as ask:
        found = ask.subscriptions.retrieve(subscription_id)
        item = found["items"].data[0]
        plan = (
            ask.subscription_schedules.create(params={"from_subscription": subscription_id})
            if not found.schedule
            else (ask.subscription_schedules.retrieve(id_of(found.schedule)))
        )
        ask.subscription_schedules.update(
            plan.id,
            params={
                "end_behavior": "release",
                "phases": [
                    {
                        "items": [{"price": item.price.id, "quantity": 1}],
                        "start_date": plan.phases[0].start_date,
                        "end_date": item.current_period_end,
                    },
                    {"items": [{"price": price_id, "quantity": 1}], "proration_behavior": "none"},
                ],
            },
        )


def change_never(schedule_id: str) -> None:
    """Take a planned change back."""
    with asking() as ask:
        ask.subscription_schedules.release(schedule_id)


# --- their objects ---------------------------------------------------------------------------------------------------


def known_customer(ask: "V1Services", name: str) -> stripe.Customer | None:
    """A customer, a deleted one too; None when there never was one."""
    try:
        return ask.customers.retrieve(name, params={"expand": ["invoice_settings.default_payment_method"]})
    except stripe.InvalidRequestError as error:
        if error.code != "resource_missing":
            raise
        return None


def marks_of(found: object) -> dict[str, str]:
    """What we wrote on an object of theirs; a deleted one has nothing."""
    marks = getattr(found, "metadata", None)
    return marks.to_dict() if marks else {}


def id_of(found: Any) -> str:  # an id, or the object of it
    """The id of something that may have come expanded."""
    return found if isinstance(found, str) else found.id


def moment_of(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
