"""What the provider knows, read into plain records: everything about one customer, every live subscription, what happened.

Foreign objects, without our mark, are left out; so is whatever was not sold by a price or a product of ours. What is known
here already is never foreign, whoever took its marks away at the provider: it is known by its id, and so is its plan. That
holds for the club's own subscriptions and for those it brought along when it moved in (`adoptions`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import stripe

from portal import clock
from portal.billing import ABOUT
from portal.billing.provider import CLUB, LIVE, Named, asking, id_of, known_customer, marks_of, moment_of, named

if TYPE_CHECKING:
    from stripe._v1_services import V1Services


Terms = tuple[str, str]
"""Plan and cycle of a subscription whose price does not say them."""
Known = Mapping[str, Terms]
"""The terms of known and adopted subscriptions by their id, or by their customer's where that is all that is known."""
NOTHING: Known = {}


@dataclass(frozen=True)
class Subscription:
    """One subscription as the provider has it. Amounts in the currency's smallest unit; `next_minor` is what the next payment
    comes to where that is another amount, None where it is the price. `pending_bill` is the one for a change that waits for it.
    """

    id: str
    item: str
    status: str
    plan: str
    cycle: str
    amount_minor: int
    currency: str
    started_at: datetime
    trial_until: datetime | None
    renews_at: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    is_duplicate: bool
    credited: bool
    next_plan: tuple[str, str, int] | None
    next_minor: int | None
    card: tuple[str, str | None] | None
    checkout_id: UUID | None
    transfer_plan_id: UUID | None
    schedule: str | None
    pending_bill: str | None

    @property
    def live(self) -> bool:
        """Whether it charges, or would."""
        return self.status in LIVE and not self.is_duplicate


@dataclass(frozen=True)
class Invoice:
    """One bill of a subscription: what was charged, the service it pays for, what went back.

    It is `free` when nothing was asked for that service, so there was nothing to take from credit either. An open one that was
    tried `waits_for` another "card", or for its payer's "confirmation" at the bank.
    """

    id: str
    number: str | None
    subscription_id: str
    status: str
    amount_minor: int
    free: bool
    currency: str
    plan: str
    cycle: str
    price_id: str
    created_at: datetime
    paid_at: datetime | None
    period: tuple[datetime, datetime]
    payment_id: str | None
    method: str | None
    refunded_minor: int
    disputed_at: datetime | None
    dispute_state: str | None
    waits_for: str | None
    next_try_at: datetime | None


@dataclass(frozen=True)
class CustomerSnapshot:
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


def fetch(customer_id: str, known: Known = NOTHING) -> CustomerSnapshot:
    """Everything about one customer, now. Foreign subscriptions (neither known here nor with our mark) are left out."""
    began = clock.now()
    with asking() as ask:
        who = known_customer(ask, customer_id)
        if who is None:
            return CustomerSnapshot(customer_id, None, began, [], [])
        found = ask.subscriptions.list(
            params={
                "customer": customer_id,
                "status": "all",
                "limit": 100,
                "expand": ["data.default_payment_method", "data.schedule"],
            }
        )
        all_of_them = list(found.auto_paging_iter())
        terms = _terms(customer_id, all_of_them, known)
        subscriptions = [
            _subscription(ask, s, who, terms.get(s.id))
            for s in all_of_them
            if s.id in terms or (marks_of(s).get("club") == CLUB and _sold(ask, _item(ask, s).price.id)[0])
        ]
        ours = {s.id for s in subscriptions}
        charges: dict[str, stripe.Charge] = {}
        for charge in ask.charges.list(params={"customer": customer_id, "limit": 100}).auto_paging_iter():
            if charge.paid:
                charges |= {name: charge for name in (charge.id, charge.payment_intent) if isinstance(name, str)}
        found_invoices = ask.invoices.list(params={"customer": customer_id, "limit": 100, "expand": ["data.payments"]})
        invoices = [
            _invoice(ask, invoice, charges, terms.get(_subscription_of(invoice) or ""))
            for invoice in found_invoices.auto_paging_iter()
            if invoice.status != "draft"
            and (of := _subscription_of(invoice)) in ours
            and _service(ask, invoice, terms.get(of or ""))
        ]
    return CustomerSnapshot(customer_id, _id_in(marks_of(who), "user_id"), began, subscriptions, invoices)


def subscription(name: str) -> Subscription:
    """One subscription of ours, now. Its card is not asked for."""
    with asking() as ask:
        return _subscription(ask, ask.subscriptions.retrieve(name, params={"expand": ["schedule"]}), None)


def _terms(customer_id: str, found: list[stripe.Subscription], known: Known) -> dict[str, Terms]:
    """The known ones of a customer's subscriptions. One of which only the customer is known must be the only foreign one
    that is live: which of two it was, nobody here can tell.
    """
    terms = {s.id: known[s.id] for s in found if s.id in known}
    foreign = [s.id for s in found if s.status in LIVE and s.id not in terms and marks_of(s).get("club") != CLUB]
    if customer_id in known and len(foreign) == 1:
        terms[foreign[0]] = known[customer_id]
    return terms


def live_subscriptions(known: Known = NOTHING) -> Iterator[tuple[str, Subscription]]:
    """Every live subscription at the provider that is known here or has our mark, as (customer, subscription)."""
    with asking() as ask:
        for status in LIVE:
            wanted: Any = {
                "status": status,
                "limit": 100,
                "expand": ["data.schedule"],
            }  # its parameters are a TypedDict
            for found in ask.subscriptions.list(params=wanted).auto_paging_iter():
                customer = id_of(found.customer)
                terms = known.get(found.id) or known.get(customer)
                if terms or marks_of(found).get("club") == CLUB:
                    theirs = _subscription(ask, found, None, terms)
                    if theirs.status in LIVE:
                        yield customer, theirs


def customers() -> Iterator[tuple[str, UUID, Named]]:
    """Every customer of ours at the provider, whose it is here, and how it is called there."""
    with asking() as ask:
        for found in ask.customers.list(params={"limit": 100}).auto_paging_iter():
            marks = marks_of(found)
            user_id = _id_in(marks, "user_id")
            if marks.get("club") == CLUB and user_id:
                yield found.id, user_id, named(found)


def _id_in(marks: dict[str, str], name: str) -> UUID | None:
    """An id of ours that stands among the marks of an object. Anybody can change marks at the provider's desk, so what is
    no id is none.
    """
    try:
        return UUID(marks.get(name, ""))
    except ValueError:
        return None


def events(since: datetime) -> Iterator[Event]:
    """Everything that happened at the provider since then, as far as it is about customers and payments."""
    with asking() as ask:
        wanted: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100}
        for found in ask.events.list(params=wanted).auto_paging_iter():
            about: Any = found.data.object  # whatever the event is about
            customer = about.id if about.object == "customer" else getattr(about, "customer", None)
            payment = getattr(about, "payment_intent", None)
            if customer or payment:
                yield Event(found.id, found.type, customer, payment, moment_of(found.created))


def _subscription(
    ask: "V1Services", s: stripe.Subscription, who: stripe.Customer | None, terms: Terms | None = None
) -> Subscription:
    item = _item(ask, s, terms)
    status = "paused" if s.status in LIVE and _is_paused(s, item.current_period_end) else s.status
    ends = s.cancel_at or (item.current_period_end if s.cancel_at_period_end else None)
    if ends and ends > item.current_period_end:
        ends = None  # it renews before that, and charges
    reason = s.cancellation_details.reason if s.cancellation_details else None
    failed = reason in ("payment_failed", "payment_disputed") if s.status == "canceled" else False
    marks, (plan, cycle, amount) = marks_of(s), _sold(ask, item.price.id, terms)
    return Subscription(
        id=s.id,
        item=item.id,
        status=status,
        plan=plan,
        cycle=cycle,
        amount_minor=amount * (item.quantity or 1),
        currency=item.price.currency.upper(),
        started_at=moment_of(s.start_date),
        trial_until=moment_of(s.trial_end) if s.trial_end else None,
        renews_at=moment_of(item.current_period_end) if status in LIVE and not ends else None,
        ends_at=moment_of(ends) if ends and status in LIVE else None,
        ended_at=moment_of(s.ended_at or s.canceled_at) if s.status == "canceled" else None,  # type: ignore[arg-type]
        ended_by=("failure" if failed else "choice") if s.status == "canceled" else None,
        is_duplicate=marks.get("twin") == "1",
        credited=marks.get("credited") == "1",
        next_plan=_next_plan(ask, s),
        next_minor=_next_minor(ask, s, who) if status in LIVE and not ends else None,
        card=_card(s, who),
        checkout_id=_id_in(marks, "checkout_id"),
        transfer_plan_id=_id_in(marks, "transfer_plan_id"),
        schedule=id_of(s.schedule) if s.schedule else None,
        pending_bill=id_of(s.latest_invoice) if s.pending_update and s.latest_invoice else None,
    )


def _next_minor(ask: "V1Services", s: stripe.Subscription, who: stripe.Customer | None) -> int | None:
    """What will be asked next, with credit and discounts taken off and tax added; None where there is none of them."""
    taxed = s.default_tax_rates or (s.automatic_tax and s.automatic_tax.enabled)
    if who is None or not (getattr(who, "balance", 0) or getattr(who, "discount", None) or s.discounts or taxed):
        return None
    try:
        return ask.invoices.create_preview(params={"subscription": s.id}).amount_due
    except stripe.InvalidRequestError:  # nothing will be asked any more
        return None


def _is_paused(s: stripe.Subscription, period_end: int) -> bool:
    """Whether the next payment is not taken because somebody paused it at the provider's desk, where its status stays."""
    pause = s.pause_collection
    return pause is not None and not (pause.resumes_at and pause.resumes_at <= period_end)


def _next_plan(ask: "V1Services", s: stripe.Subscription) -> tuple[str, str, int] | None:
    schedule: Any = s.schedule  # an id, or the object of it
    if not schedule or schedule.status != "active" or len(schedule.phases) < 2:
        return None
    last = schedule.phases[-1]
    if schedule.current_phase and last.start_date <= schedule.current_phase.start_date:
        return None
    following = _sold(ask, id_of(last["items"][0].price))
    return following if following[0] else None


def _card(s: stripe.Subscription, who: stripe.Customer | None) -> tuple[str, str | None] | None:
    """What pays, and until when it is valid: a card, or a means that has no end."""
    settings = getattr(who, "invoice_settings", None)
    method = s.default_payment_method or (settings and settings.default_payment_method)
    if method is None or isinstance(method, str):
        return None
    card = getattr(method, "card", None)
    return _means(method), f"{card.exp_month:02}/{card.exp_year % 100:02}" if card else None


MEANS = {"link": "Link", "paypal": "PayPal", "sepa_debit": "SEPA debit", "us_bank_account": "Bank account"}


def _means(found: Any) -> str:  # a payment method, or how a charge was paid
    """Visa ••4242, SEPA debit ••3000, Link."""
    means: Any = getattr(found, found.type, None)
    if found.type == "card":
        name = (means.brand or "card").capitalize()
    else:
        name = MEANS.get(found.type, found.type.replace("_", " ").capitalize())
    digits = getattr(means, "last4", None)
    return f"{name} ••{digits}" if digits else name


def _sold(ask: "V1Services", price_id: str, terms: Terms | None = None) -> tuple[str, str, int]:
    """Plan, cycle and amount of a price; prices never change, so each is asked for once.

    One that somebody made at the provider's desk has the plan of its product. A foreign one has no plan, but for a
    subscription that is known here: then it is that of its `terms`.
    """
    if price_id not in _prices():
        _prices()[price_id] = _price(ask, ask.prices.retrieve(price_id))
    plan, cycle, amount = _prices()[price_id]
    return (terms[0], cycle, amount) if terms and not plan else (plan, cycle, amount)


def _price(ask: "V1Services", found: stripe.Price) -> tuple[str, str, int]:
    marks, every = marks_of(found), found.recurring
    if marks.get("club") != CLUB or marks.get("plan") not in ABOUT:
        marks = marks_of(ask.products.retrieve(id_of(found.product)))
    plan = marks.get("plan", "") if marks.get("club") == CLUB else ""
    months = every.interval_count * {"year": 12, "month": 1}.get(every.interval, 0) if every else 0
    return plan if plan in ABOUT else "", "yearly" if months >= 12 else "monthly", found.unit_amount or 0


def _item(ask: "V1Services", s: stripe.Subscription, terms: Terms | None = None) -> stripe.SubscriptionItem:
    """What a subscription sells: the plan of ours, whatever else somebody added to it at the provider's desk."""
    items = s["items"].data
    return next((item for item in items if _sold(ask, item.price.id, terms)[0]), items[0])  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _prices() -> dict[str, tuple[str, str, int]]:
    return {}


def _subscription_of(invoice: stripe.Invoice) -> str | None:
    details = invoice.parent.subscription_details if invoice.parent else None
    return id_of(details.subscription) if details else None


def _service(ask: "V1Services", invoice: stripe.Invoice, terms: Terms | None) -> list[Any]:
    """The lines that buy a plan; credit for unused time buys none, nor does what somebody added by hand."""
    lines = invoice.lines.auto_paging_iter() if invoice.lines.has_more else invoice.lines.data  # ten come along
    priced = [line for line in lines if line.amount >= 0 and line.pricing and line.pricing.price_details]
    return [line for line in priced if _sold(ask, id_of(line.pricing.price_details.price), terms)[0]]  # type: ignore[union-attr]


def _invoice(
    ask: "V1Services", invoice: stripe.Invoice, charges: dict[str, stripe.Charge], terms: Terms | None
) -> Invoice:
    lines = _service(ask, invoice, terms)
    last = max(lines, key=lambda line: line.period.end)
    price_id = id_of(last.pricing.price_details.price)
    plan, cycle, _ = _sold(ask, price_id, terms)
    paid = [name for payment in _payments(invoice, "paid") if (name := _paid_by(payment))]
    payment_id, charge = (paid[0], charges.get(paid[0])) if paid else (None, None)
    if charge and charge.payment_intent:
        payment_id = id_of(charge.payment_intent)
    every = [charges[name] for name in paid if name in charges]  # a bill may be paid in parts
    dispute = _dispute(ask, next((part for part in every if part.disputed), charge))
    return Invoice(
        id=invoice.id,
        number=invoice.number,
        subscription_id=_subscription_of(invoice) or "",
        status=invoice.status or "open",
        amount_minor=invoice.amount_due,
        free=not any(line.amount for line in lines),
        currency=invoice.currency.upper(),
        plan=plan,
        cycle=cycle,
        price_id=price_id,
        created_at=moment_of(invoice.created),
        period=(moment_of(min(line.period.start for line in lines)), moment_of(last.period.end)),
        paid_at=moment_of(invoice.status_transitions.paid_at) if invoice.status_transitions.paid_at else None,
        payment_id=payment_id,
        method=_method(charge),
        refunded_minor=sum(part.amount_refunded for part in every),
        disputed_at=dispute[0],
        dispute_state=dispute[1],
        waits_for=_waits_for(ask, invoice),
        next_try_at=moment_of(invoice.next_payment_attempt) if invoice.next_payment_attempt else None,
    )


def _payments(invoice: stripe.Invoice, status: str) -> list[stripe.InvoicePayment]:
    return [payment for payment in (invoice.payments.data if invoice.payments else []) if payment.status == status]


def _paid_by(payment: stripe.InvoicePayment, *kinds: str) -> str | None:
    """The intent or the charge that pays; neither is there for what was paid outside of the provider."""
    found = (getattr(payment.payment, kind, None) for kind in kinds or ("payment_intent", "charge"))
    return next((id_of(name) for name in found if name), None)


def _waits_for(ask: "V1Services", invoice: stripe.Invoice) -> str | None:
    """What the payer has to do about an open bill; nothing while it was never tried, or the bank takes its time."""
    if invoice.status != "open" or not invoice.attempt_count:
        return None
    tries = [name for payment in _payments(invoice, "open") if (name := _paid_by(payment, "payment_intent"))]
    intent = ask.payment_intents.retrieve(tries[0]) if tries else None
    if intent is not None and intent.status == "processing":
        return None
    unauthenticated = getattr(intent and intent.last_payment_error, "code", None) == "authentication_required"
    return "confirmation" if unauthenticated or (intent is not None and intent.status == "requires_action") else "card"


def _method(charge: stripe.Charge | None) -> str | None:
    details = charge and charge.payment_method_details
    return _means(details) if details else None


def _dispute(ask: "V1Services", charge: stripe.Charge | None) -> tuple[datetime | None, str | None]:
    """When the bank asked for the money back and how that stands; a mere inquiry takes nothing. One that was prevented by
    giving the money back at once (docs.stripe.com/disputes/prevention) is as good as lost.
    """
    if not charge or not charge.disputed:
        return None, None
    found = ask.disputes.list(params={"charge": charge.id, "limit": 1}).data
    if not found or found[0].status.startswith("warning"):
        return None, None
    ends = {"won": "won", "lost": "lost", "prevented": "lost"}
    return moment_of(found[0].created), ends.get(found[0].status, "open")
