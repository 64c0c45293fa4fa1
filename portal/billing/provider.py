"""Stripe, and the only room that speaks to it: wishes go out with a key that makes them once, facts come back.

Nothing here writes to the database. The same code speaks to Stripe, to its test mode and to the sandbox beside the demo;
only the address and the key differ.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import stripe
from flask import Flask, current_app

from portal import clock
from portal.billing import Plan, plans
from portal.problems import Refused

if TYPE_CHECKING:
    from stripe._v1_services import V1Services

CLUB = "goalete"
LIVE = ("trialing", "active", "past_due", "unpaid")


class ProviderDown(Refused):
    """The payment provider does not answer just now. Nothing was changed and nothing was charged; try again in a minute."""


class CardRefused(Refused):
    """The bank said no to this card. Nothing was changed; use another card and try again."""


def init_app(app: Flask) -> None:
    """Give `app` its line to the provider. Retries carry their key, so that they do nothing twice."""
    settings = app.config["SETTINGS"]
    app.extensions["provider"] = stripe.StripeClient(
        settings.stripe_key, max_network_retries=1, http_client=stripe.RequestsClient(timeout=10),
        base_addresses={"api": settings.stripe_url} if settings.stripe_url else {},
    )  # fmt: skip


def client() -> stripe.StripeClient:
    """This app's line to the provider."""
    return current_app.extensions["provider"]  # type: ignore[no-any-return]


@contextmanager
def asking() -> "Iterator[V1Services]":
    """Speak with the provider; its failures are sentences for the reader.

    Raises:
        CardRefused: the card was declined.
        ProviderDown: anything else went wrong on the way; the log has the provider's own words.
    """
    try:
        yield client().v1
    except stripe.CardError as error:
        raise CardRefused from error
    except stripe.StripeError as error:
        said = type(error).__name__, error.code or "", error.request_id or ""
        current_app.logger.warning("the provider failed: %s %s %s", *said, exc_info=error)
        raise ProviderDown from error


@dataclass(frozen=True)
class Subscription:
    """One subscription as the provider has it. Amounts in the currency's smallest unit."""

    id: str
    item: str
    status: str
    plan: str
    cycle: str
    amount_minor: int
    currency: str
    started_at: datetime
    renews_at: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    twin: bool
    next_plan: tuple[str, str, int] | None
    card: tuple[str, str] | None
    checkout_id: UUID | None
    transfer_plan_id: UUID | None
    schedule: str | None

    @property
    def live(self) -> bool:
        """Whether it charges, or would."""
        return self.status in LIVE and not self.twin


@dataclass(frozen=True)
class Invoice:
    """One bill of a subscription: what was charged, the service it pays for, what went back."""

    id: str
    number: str | None
    subscription_id: str
    status: str
    amount_minor: int
    currency: str
    plan: str
    cycle: str
    created_at: datetime
    paid_at: datetime | None
    period: tuple[datetime, datetime]
    payment_id: str | None
    method: str | None
    refunded_minor: int
    disputed_at: datetime | None
    dispute_state: str | None
    tried: bool
    next_try_at: datetime | None


@dataclass(frozen=True)
class Facts:
    """All the provider knows of one customer, asked for at `began`."""

    customer_id: str
    user_id: UUID | None
    began: datetime
    subscriptions: list[Subscription]
    invoices: list[Invoice]


@dataclass(frozen=True)
class Event:
    """Something that happened at the provider, and whom it is about."""

    id: str
    kind: str
    customer_id: str | None
    payment_id: str | None
    created_at: datetime


# --- wishes ----------------------------------------------------------------------------------------------------------


def sync_plans() -> None:
    """Create or match what is sold: a product for each plan, a price for each cycle, found again by their keys."""
    with asking() as ask:
        for plan in plans().values():
            about: Any = {
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
                if _price(ask, plan, cycle) is None:
                    ask.prices.create(params=_price_params(plan, cycle, product))  # type: ignore[arg-type]


def _price_params(plan: Plan, cycle: str, product: str) -> dict[str, Any]:
    return {
        "product": product, "currency": plan.currency.lower(), "unit_amount": plan.minor(cycle),
        "recurring": {"interval": "year" if cycle == "yearly" else "month"}, "lookup_key": f"{CLUB}-{plan.key}-{cycle}",
        "transfer_lookup_key": True, "metadata": {"club": CLUB, "plan": plan.key, "cycle": cycle},
    }  # fmt: skip


def _price(ask: "V1Services", plan: Plan, cycle: str) -> str | None:
    """The current price's id, if the provider has it at the amount we say."""
    found = ask.prices.list(params={"lookup_keys": [f"{CLUB}-{plan.key}-{cycle}"], "active": True}).data
    same = [p.id for p in found if (p.unit_amount, p.currency) == (plan.minor(cycle), plan.currency.lower())]
    return same[0] if same else None


def price(plan: Plan, cycle: str) -> str:
    """The provider's id of what a plan costs. Raises `ProviderDown` while the plans were never synced."""
    with asking() as ask:
        found = _price(ask, plan, cycle)
    if found is None:
        current_app.logger.error("the provider has no price for %s %s; run `portal plans sync`", plan.key, cycle)
        raise ProviderDown
    return found


def customer(user_id: UUID, email: str, known: Sequence[str] = ()) -> str:
    """The customer of this person, made once; a new one when all that are `known` were deleted over there.

    Known by our own id, never by the address.
    """
    with asking() as ask:
        for name in known:
            if not getattr(_customer(ask, name), "deleted", True):
                return name
        made = ask.customers.create(
            params={"email": email, "metadata": {"club": CLUB, "user_id": str(user_id)}},
            options={"idempotency_key": "-after-".join((f"customer-{user_id}", *sorted(known)[-1:]))},
        )
    return made.id


def open_session(
    checkout_id: UUID,
    user_id: UUID,
    customer_id: str,
    price_id: str,
    *,
    back: str,
    given_up: str,
    expires_at: datetime,
    starts_at: datetime | None = None,
    transfer_plan_id: UUID | None = None,
) -> tuple[str, str, datetime]:
    """The provider's payment page for one checkout, the same one however often it is asked for: id, address, end.

    `starts_at`: the first charge waits until then (the new payer of a plan that is paid that far).
    """
    ours = {"club": CLUB, "user_id": str(user_id), "checkout_id": str(checkout_id)}
    if transfer_plan_id:
        ours["transfer_plan_id"] = str(transfer_plan_id)
    subscription: dict[str, Any] = {"metadata": ours}
    if starts_at:
        subscription["trial_end"] = int(starts_at.timestamp())
    wanted: Any = {
        "mode": "subscription", "customer": customer_id, "client_reference_id": str(user_id), "metadata": ours,
        "line_items": [{"price": price_id, "quantity": 1}], "subscription_data": subscription,
        "success_url": back, "cancel_url": given_up, "expires_at": int(expires_at.timestamp()),
        "payment_method_collection": "always",
    }  # fmt: skip
    with asking() as ask:
        session = ask.checkout.sessions.create(params=wanted, options={"idempotency_key": f"checkout-{checkout_id}"})
    return session.id, session.url or "", _moment(session.expires_at)


def session_state(session_id: str) -> str:
    """open, complete or expired."""
    with asking() as ask:
        return ask.checkout.sessions.retrieve(session_id).status or "open"


def close_session(session_id: str) -> str:
    """Nobody can pay there any more; the state it ended in (it may have been paid a moment before)."""
    with asking() as ask:
        try:
            return ask.checkout.sessions.expire(session_id).status or "expired"
        except stripe.InvalidRequestError:  # it is not open
            return ask.checkout.sessions.retrieve(session_id).status or "expired"


def portal_address(customer_id: str, back: str) -> str:
    """Where the payer changes the card, at the provider."""
    with asking() as ask:
        return ask.billing_portal.sessions.create(
            params={"customer": customer_id, "return_url": back, "flow_data": {"type": "payment_method_update"}}
        ).url


def set_to_end(subscription_id: str, ends: bool) -> None:
    """End it with the paid period, or let it renew again."""
    with asking() as ask:
        ask.subscriptions.update(subscription_id, params={"cancel_at_period_end": ends})


def end_now(subscription_id: str, *, credit: bool = False, twin: bool = False) -> None:
    """End it this moment; with `credit` the unused part is given back as credit. Ended twice is once."""
    with asking() as ask:
        if ask.subscriptions.retrieve(subscription_id).status == "canceled":
            return
        if twin:
            ask.subscriptions.update(subscription_id, params={"metadata": {"twin": "1"}})
        ask.subscriptions.cancel(subscription_id, params={"prorate": credit, "invoice_now": credit})


def give_back(payment_id: str, key: str, amount_minor: int | None = None) -> None:
    """Refund a payment, in part or whole. `key` makes it once; the order changes when the provider says so."""
    params: Any = {"payment_intent": payment_id, "metadata": {"club": CLUB}}
    if amount_minor is not None:
        params["amount"] = amount_minor
    with asking() as ask:
        ask.refunds.create(params=params, options={"idempotency_key": f"refund-{key}"})


def change_costs(subscription_id: str, item: str, price_id: str, at: datetime) -> int:
    """What moving to another price would charge now, in minor units; less than zero is credit."""
    with asking() as ask:
        preview = ask.invoices.create_preview(
            params={
                "subscription": subscription_id,
                "subscription_details": {
                    "items": [{"id": item, "price": price_id}], "proration_behavior": "always_invoice",
                    "proration_date": int(at.timestamp()),
                },
            }
        )  # fmt: skip
    return preview.amount_due


def change_now(subscription_id: str, item: str, price_id: str, at: datetime) -> None:
    """Move to another price and charge the difference at once; a declined card changes nothing."""
    with asking() as ask:
        ask.subscriptions.update(
            subscription_id,
            params={
                "items": [{"id": item, "price": price_id}], "proration_behavior": "always_invoice",
                "payment_behavior": "error_if_incomplete", "proration_date": int(at.timestamp()),
            },
            options={"idempotency_key": f"change-{subscription_id}-{price_id}-{int(at.timestamp())}"},
        )  # fmt: skip


def change_later(subscription_id: str, price_id: str) -> None:
    """Move to another price when the paid period ends."""
    with asking() as ask:
        found = ask.subscriptions.retrieve(subscription_id)
        item = found["items"].data[0]
        plan = ask.subscription_schedules.create(params={"from_subscription": subscription_id}) if not found.schedule else (
            ask.subscription_schedules.retrieve(_id(found.schedule))
        )  # fmt: skip
        ask.subscription_schedules.update(
            plan.id,
            params={
                "end_behavior": "release",
                "phases": [
                    {
                        "items": [{"price": item.price.id, "quantity": 1}], "start_date": plan.phases[0].start_date,
                        "end_date": item.current_period_end,
                    },
                    {"items": [{"price": price_id, "quantity": 1}], "proration_behavior": "none"},
                ],
            },
        )  # fmt: skip


def change_never(schedule_id: str) -> None:
    """Take a planned change back."""
    with asking() as ask:
        ask.subscription_schedules.release(schedule_id)


# --- facts -----------------------------------------------------------------------------------------------------------


def fetch(customer_id: str) -> Facts:
    """Everything about one customer, now. Foreign subscriptions (without our mark) are left out."""
    began = clock.now()
    with asking() as ask:
        who = _customer(ask, customer_id)
        if who is None:
            return Facts(customer_id, None, began, [], [])
        found = ask.subscriptions.list(
            params={"customer": customer_id, "status": "all", "limit": 100,
                    "expand": ["data.default_payment_method", "data.schedule"]}
        )  # fmt: skip
        subscriptions = [
            _subscription(ask, s, who)
            for s in found.auto_paging_iter()
            if _marks(s).get("club") == CLUB and _sold(ask, _price_of(s))[0]
        ]
        ours = {s.id for s in subscriptions}
        charges = {
            _id(c.payment_intent): c
            for c in ask.charges.list(params={"customer": customer_id, "limit": 100}).auto_paging_iter()
            if c.payment_intent and c.paid
        }
        bills = ask.invoices.list(params={"customer": customer_id, "limit": 100, "expand": ["data.payments"]})
        invoices = [
            _invoice(ask, bill, charges)
            for bill in bills.auto_paging_iter()
            if bill.status != "draft" and _subscription_of(bill) in ours and _service(ask, bill)
        ]
    user_id = _marks(who).get("user_id")
    return Facts(customer_id, UUID(user_id) if user_id else None, began, subscriptions, invoices)


def live_subscriptions() -> Iterator[tuple[str, Subscription]]:
    """Every live subscription with our mark at the provider, as (customer, subscription)."""
    with asking() as ask:
        for status in LIVE:
            wanted: Any = {"status": status, "limit": 100, "expand": ["data.schedule"]}
            for found in ask.subscriptions.list(params=wanted).auto_paging_iter():
                if _marks(found).get("club") == CLUB:
                    yield _id(found.customer), _subscription(ask, found, None)


def events(since: datetime) -> Iterator[Event]:
    """Everything that happened at the provider since then, as far as it is about customers and payments."""
    with asking() as ask:
        wanted: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100}
        for found in ask.events.list(params=wanted).auto_paging_iter():
            about: Any = found.data.object
            customer = about.id if about.object == "customer" else getattr(about, "customer", None)
            payment = getattr(about, "payment_intent", None)
            if customer or payment:
                yield Event(found.id, found.type, customer, payment, _moment(found.created))


def _customer(ask: "V1Services", name: str) -> stripe.Customer | None:
    """A customer, a deleted one too; None when there never was one."""
    try:
        return ask.customers.retrieve(name, params={"expand": ["invoice_settings.default_payment_method"]})
    except stripe.InvalidRequestError as error:
        if error.code != "resource_missing":
            raise
        return None


def _subscription(ask: "V1Services", s: stripe.Subscription, who: stripe.Customer | None) -> Subscription:
    item = s["items"].data[0]
    ends = s.cancel_at or (item.current_period_end if s.cancel_at_period_end else None)
    reason = s.cancellation_details.reason if s.cancellation_details else None
    failed = reason in ("payment_failed", "payment_disputed") if s.status == "canceled" else False
    marks, (plan, cycle, amount) = _marks(s), _sold(ask, _price_of(s))
    checkout, transfer = marks.get("checkout_id"), marks.get("transfer_plan_id")
    return Subscription(
        id=s.id, item=item.id, status=s.status, plan=plan, cycle=cycle, amount_minor=amount, currency=item.price.currency.upper(), started_at=_moment(s.start_date),
        renews_at=_moment(item.current_period_end) if s.status in LIVE and not ends else None,
        ends_at=_moment(ends) if ends and s.status in LIVE else None,
        ended_at=_moment(s.ended_at or s.canceled_at) if s.status == "canceled" else None,  # type: ignore[arg-type]
        ended_by=("failure" if failed else "choice") if s.status == "canceled" else None,
        twin=marks.get("twin") == "1", next_plan=_next_plan(ask, s), card=_card(s, who),
        checkout_id=UUID(checkout) if checkout else None, transfer_plan_id=UUID(transfer) if transfer else None,
        schedule=_id(s.schedule) if s.schedule else None,
    )  # fmt: skip


def _next_plan(ask: "V1Services", s: stripe.Subscription) -> tuple[str, str, int] | None:
    schedule: Any = s.schedule
    if not schedule or schedule.status != "active" or len(schedule.phases) < 2:
        return None
    last = schedule.phases[-1]
    if schedule.current_phase and last.start_date <= schedule.current_phase.start_date:
        return None
    return _sold(ask, _id(last["items"][0].price))


def _card(s: stripe.Subscription, who: stripe.Customer | None) -> tuple[str, str] | None:
    settings = getattr(who, "invoice_settings", None)
    method: Any = s.default_payment_method or (settings and settings.default_payment_method)
    card = getattr(method, "card", None)
    if card is None:
        return None
    return _named(card), f"{card.exp_month:02}/{card.exp_year % 100:02}"


def _named(card: Any) -> str:
    return f"{(card.brand or 'card').capitalize()} ••{card.last4}"


def _sold(ask: "V1Services", price_id: str) -> tuple[str, str, int]:
    """Plan, cycle and amount of a price; prices never change, so each is asked for once. A foreign one has no plan."""
    if price_id not in _prices():
        found = ask.prices.retrieve(price_id)
        marks = _marks(found)
        _prices()[price_id] = marks.get("plan", ""), marks.get("cycle", ""), found.unit_amount or 0
    return _prices()[price_id]


def _price_of(s: stripe.Subscription) -> str:
    return s["items"].data[0].price.id  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _prices() -> dict[str, tuple[str, str, int]]:
    return {}


def _subscription_of(bill: stripe.Invoice) -> str | None:
    details = bill.parent.subscription_details if bill.parent else None
    return _id(details.subscription) if details else None


def _service(ask: "V1Services", bill: stripe.Invoice) -> list[Any]:
    """The lines that buy a plan; credit for unused time buys none, nor does what somebody added by hand."""
    priced = [line for line in bill.lines.data if line.amount >= 0 and line.pricing and line.pricing.price_details]
    return [line for line in priced if _sold(ask, _id(line.pricing.price_details.price))[0]]  # type: ignore[union-attr]


def _invoice(ask: "V1Services", bill: stripe.Invoice, charges: dict[str, stripe.Charge]) -> Invoice:
    lines = _service(ask, bill)
    last = max(lines, key=lambda line: line.period.end)
    plan, cycle, _ = _sold(ask, _id(last.pricing.price_details.price))
    paid = next(
        (p.payment.payment_intent for p in (bill.payments.data if bill.payments else []) if p.status == "paid"), None
    )
    payment_id = _id(paid) if paid else None
    charge = charges.get(payment_id or "")
    dispute = _dispute(ask, charge)
    return Invoice(
        id=bill.id, number=bill.number, subscription_id=_subscription_of(bill) or "", status=bill.status or "open",
        amount_minor=bill.amount_due, currency=bill.currency.upper(), plan=plan, cycle=cycle,
        created_at=_moment(bill.created), period=(_moment(min(line.period.start for line in lines)), _moment(last.period.end)),
        paid_at=_moment(bill.status_transitions.paid_at) if bill.status_transitions.paid_at else None,
        payment_id=payment_id, method=_method(charge), refunded_minor=charge.amount_refunded if charge else 0,
        disputed_at=dispute[0], dispute_state=dispute[1], tried=bool(bill.attempt_count),
        next_try_at=_moment(bill.next_payment_attempt) if bill.next_payment_attempt else None,
    )  # fmt: skip


def _method(charge: stripe.Charge | None) -> str | None:
    details: Any = charge and charge.payment_method_details
    card = getattr(details, "card", None)
    return _named(card) if card else None


def _dispute(ask: "V1Services", charge: stripe.Charge | None) -> tuple[datetime | None, str | None]:
    """When the bank asked for the money back and how that stands; a mere inquiry takes nothing."""
    if not charge or not charge.disputed:
        return None, None
    found = ask.disputes.list(params={"charge": charge.id, "limit": 1}).data
    if not found or found[0].status.startswith("warning"):
        return None, None
    state = found[0].status if found[0].status in ("won", "lost") else "open"
    return _moment(found[0].created), state


def _marks(found: Any) -> dict[str, str]:
    """What we wrote on an object of theirs; a deleted one has nothing."""
    marks = getattr(found, "metadata", None)
    return marks.to_dict() if marks else {}


def _id(found: Any) -> str:
    """The id of something that may have come expanded."""
    return found if isinstance(found, str) else found.id


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
