"""What the provider said becomes rows: one customer at a time, whole, and newer never gives way to older.

`apply` is the only writer of subscriptions and of orders paid at the provider. It never looks at what an event claims;
it is given everything about the customer as just fetched, so copies, delays and disorder of events change nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from flask import current_app
from sqlalchemy import Select, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.accounts.models import User
from portal.billing import money
from portal.billing.actions import NUMBER, PROJECT
from portal.billing.models import Checkout, Drift, Order, Payer, ProviderEvent, Subscription
from portal.billing.provider import LIVE
from portal.billing.reading import Event, Facts, Invoice
from portal.billing.reading import Subscription as Told
from portal.jobs import enqueue

PAID_PLANS = text("select id from family_plans where primary_user_id = :user_id and is_active")
KNOWN = {"incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "canceled", "paused"}


def apply(db: Session, facts: Facts) -> str:
    """Bring the payer's rows to `facts`; what happened, in words for the list of events."""
    if facts.user_id is None or db.get(User, facts.user_id) is None:
        return "not of this club"
    if not _newest(db, facts):
        return "something newer is known"
    orders = {o.provider_invoice_id: o for o in db.scalars(select(Order).where(Order.user_id == facts.user_id))}
    said = [_order(db, facts, bill, orders.get(bill.id)) for bill in sorted(facts.invoices, key=lambda i: i.created_at)]
    db.flush()
    said += [_subscription(db, facts, told) for told in sorted(facts.subscriptions, key=lambda s: s.live)]
    db.execute(PROJECT, {"user_id": facts.user_id, "at": clock.now()})
    for plan_id in db.scalars(PAID_PLANS, {"user_id": facts.user_id}).all():
        enqueue(db, "families.follow", plan_id=str(plan_id))
    return "; ".join(filter(None, said)) or "nothing new"


def _newest(db: Session, facts: Facts) -> bool:
    """Hold the payer's row; whether these facts were asked for later than those it has."""
    db.execute(insert(Payer).values(user_id=facts.user_id, customer_id=facts.customer_id).on_conflict_do_nothing())
    fresh = update(Payer).where(
        Payer.customer_id == facts.customer_id, Payer.user_id == facts.user_id,
        func.coalesce(Payer.fetched_at, datetime.min.replace(tzinfo=facts.began.tzinfo)) <= facts.began,
    )  # fmt: skip
    return bool(db.execute(fresh.values(fetched_at=facts.began)).rowcount)  # type: ignore[attr-defined]


def _subscription(db: Session, facts: Facts, told: Told) -> str:
    row = db.scalar(select(Subscription).where(Subscription.provider_subscription_id == told.id))
    new = row is None
    if row is None:
        row = Subscription(id=uuid4(), user_id=facts.user_id, provider_subscription_id=told.id, grace_days=0)
        db.add(row)
    before = row.status
    if told.status not in KNOWN:
        current_app.logger.error("the provider knows a status we do not: %s", told.status)
        return f"an unknown status {told.status} was left aside"
    bills = [bill for bill in facts.invoices if bill.subscription_id == told.id]
    waiting = [bill for bill in bills if bill.status == "open" and bill.tried]
    free = [bill.period[1] for bill in bills if bill.status == "paid" and not bill.amount_minor]
    until = max((bill.period[1] for bill in bills if bill.status == "paid"), default=None)
    grace_days = current_app.config["SETTINGS"].grace_days
    if new or until is None or until > clock.now():  # grace that has begun keeps its length
        row.grace_days = grace_days
    row.status, row.subscription_type, row.billing_cycle = told.status, told.plan, told.cycle
    row.amount_minor, row.currency, row.started_at = told.amount_minor, told.currency, told.started_at
    row.renews_at, row.ends_at, row.ended_at, row.ended_by = told.renews_at, told.ends_at, told.ended_at, told.ended_by
    row.twin, row.free_until = told.twin, max(free, default=None)
    row.failed_at = min((bill.created_at for bill in waiting), default=None)
    row.next_try_at = min((bill.next_try_at for bill in waiting if bill.next_try_at), default=None)
    row.next_type, row.next_cycle, row.next_amount_minor = told.next_plan or (None, None, None)
    row.card, row.card_expires = told.card or (None, None)
    row.transfer_plan_id = told.transfer_plan_id
    db.flush()
    if new and told.live:
        _begun(db, facts, told)
    return "" if before == told.status else f"subscription {told.status}"


def _begun(db: Session, facts: Facts, told: Told) -> None:
    """The first time a live subscription is seen: its checkout is done, and a family's rooms are told."""
    if told.checkout_id:
        db.execute(update(Checkout).where(Checkout.id == told.checkout_id).values(state="paid"))
    audit.record(
        db,
        "subscription.begun",
        f"Subscription begun: {told.plan}, {told.cycle}",
        category="billing",
        subject_id=facts.user_id,
    )
    if told.transfer_plan_id:
        enqueue(db, "families.take_over", plan_id=str(told.transfer_plan_id), new_primary_id=str(facts.user_id))
    elif told.plan == "family":
        enqueue(db, "families.paid", user_id=str(facts.user_id))


def _order(db: Session, facts: Facts, bill: Invoice, order: Order | None) -> str:
    """One bill's row. A bill that charges nothing has none; a void one fails; money that went back is noted."""
    told = next(s for s in facts.subscriptions if s.id == bill.subscription_id)
    if order is None:
        if bill.amount_minor <= 0:
            return _free(db, told)
        order = _checkout_order(db, told) or Order(
            id=uuid4(), user_id=facts.user_id, order_number=db.scalar(NUMBER, {"at": bill.created_at}),
            created_at=bill.created_at, status="pending", payment_provider="stripe",
        )  # fmt: skip
        db.add(order)
    before = (order.status, order.refunded_amount, order.dispute_state)
    if order.completed_at is None:
        if order.amount_minor not in (None, bill.amount_minor):
            _alarm(db, facts, order, bill)
        order.provider_invoice_id, order.provider_subscription_id = bill.id, bill.subscription_id
        order.amount_minor, order.currency = bill.amount_minor, bill.currency
        order.amount = money.major(bill.amount_minor, bill.currency)
        order.subscription_type, order.billing_cycle = bill.plan, bill.cycle
    order.invoice_number, order.payment_provider = bill.number, "stripe"
    order.payment_method = bill.method or order.payment_method
    order.next_try_at = bill.next_try_at if bill.status == "open" else None
    if bill.status == "paid":
        order.completed_at = bill.paid_at
        order.transaction_id = order.provider_payment_id = bill.payment_id
        order.period_start, order.period_end = bill.period
        order.refunded_amount = money.major(bill.refunded_minor, bill.currency)
        order.status = "refunded" if bill.refunded_minor >= bill.amount_minor else "completed"
        order.disputed_at, order.dispute_state = bill.disputed_at, bill.dispute_state
    elif bill.status in ("void", "uncollectible") or told.status in ("canceled", "incomplete_expired"):
        order.status = "failed"
    else:
        order.status = "pending"
    db.flush()
    after = (order.status, order.refunded_amount, order.dispute_state)
    return _noted(db, order, before, after) if before != after else ""


def _checkout_order(db: Session, told: Told) -> Order | None:
    """The order opened at the checkout is the one its subscription's first bill pays."""
    if told.checkout_id is None:
        return None
    bound = select(Order).join(Checkout, Checkout.order_id == Order.id)
    return db.scalar(bound.where(Checkout.id == told.checkout_id, Order.provider_invoice_id.is_(None)))


def _free(db: Session, told: Told) -> str:
    """Nothing to pay today (the plan is paid already by somebody else): the order that waited is taken back."""
    order = _checkout_order(db, told)
    if order is not None and order.status == "pending" and told.status in ("trialing", "active"):
        db.execute(update(Checkout).where(Checkout.order_id == order.id).values(state="paid"))
        order.status = "failed"
    return ""


def _noted(db: Session, order: Order, before: tuple[Any, ...], after: tuple[Any, ...]) -> str:
    """A change of an order, in the log and in the outbox's jobs."""
    what = (
        "disputed" if after[2] not in (before[2], None) else "refunded" if after[1] > (before[1] or 0)
        else {"completed": "paid", "pending": "opened"}.get(order.status, order.status)
    )  # fmt: skip
    audit.record(
        db, f"order.{what}", f"Order {order.order_number} {what}", category="billing", subject_id=order.user_id,
        order_id=str(order.id),
    )  # fmt: skip
    if what in ("paid", "refunded", "disputed"):
        enqueue(db, "billing.tell_order", order_id=str(order.id), what=what)
    return f"order {order.order_number} {what}"


def _alarm(db: Session, facts: Facts, order: Order, bill: Invoice) -> None:
    """The provider asks another amount than was shown: charged is charged, but somebody must look."""
    audit.record(
        db, "order.amount_differs", f"Order {order.order_number} says {order.amount_minor}, the provider {bill.amount_minor}",
        level="warn", category="billing", subject_id=facts.user_id,
    )  # fmt: skip


def about_whom(db: Session, facts: Facts) -> Facts:
    """A customer deleted over there has lost our mark; whose it was is known here."""
    if facts.user_id is not None:
        return facts
    return replace(facts, user_id=db.scalar(select(Payer.user_id).where(Payer.customer_id == facts.customer_id)))


def elsewhere(db: Session, facts: Facts) -> Sequence[str]:
    """Other names of this person at the provider, when a plan that these facts do not hold is believed to be live: before
    it makes one of theirs a twin, it is asked about.
    """
    live = select(Subscription.id).where(
        Subscription.user_id == facts.user_id, Subscription.status.in_(LIVE), ~Subscription.twin,
        Subscription.provider_subscription_id.not_in([s.id for s in facts.subscriptions]),
    )  # fmt: skip
    others = select(Payer.customer_id).where(Payer.user_id == facts.user_id, Payer.customer_id != facts.customer_id)
    return db.scalars(others.where(live.exists())).all()


def twins(db: Session, facts: Facts) -> list[Told]:
    """Live subscriptions beyond the one this person may have: the first that was known stays, else the oldest.

    Those marked already are among them: whoever marked one may have been stopped before ending it.
    """
    if facts.user_id is None or db.get(User, facts.user_id) is None:
        return []
    live = sorted((s for s in facts.subscriptions if s.live), key=lambda s: (s.started_at, s.id))
    known = db.scalars(
        select(Subscription.provider_subscription_id).where(
            Subscription.user_id == facts.user_id, Subscription.status.in_(LIVE), ~Subscription.twin
        )
    ).all()
    told = {s.id: s for s in facts.subscriptions}
    stays = next((k for k in known if k not in told or told[k].live), live[0].id if live else None)
    half_ended = [s for s in facts.subscriptions if s.twin and s.status in LIVE]
    return [s for s in live if s.id != stays] + half_ended


def owed(facts: Facts, ended: list[Told]) -> list[Invoice]:
    """Paid bills of twins, those just `ended` and any before, that were not given back yet."""
    names = {s.id for s in facts.subscriptions if s.twin} | {s.id for s in ended}
    return [
        bill for bill in facts.invoices
        if bill.subscription_id in names and bill.payment_id and bill.refunded_minor < bill.amount_minor and not bill.disputed_at
    ]  # fmt: skip


def worth_another_try(db: Session, facts: Facts) -> list[tuple[Invoice, str]]:
    """Bills a card was refused for, with the other card that has come since: a new card settles them at once."""
    before = {row.provider_subscription_id: (row.card, row.card_expires) for row in db.scalars(
        select(Subscription).where(Subscription.user_id == facts.user_id, Subscription.failed_at.is_not(None))
    )}  # fmt: skip
    new = {s.id: s.card for s in facts.subscriptions if s.live and s.card and before.get(s.id, s.card) != s.card}
    return [
        (bill, "".join(c for c in "".join(new[bill.subscription_id] or ()) if c.isascii() and c.isalnum())) for bill in facts.invoices
        if bill.status == "open" and bill.tried and bill.subscription_id in new
    ]  # fmt: skip


def new_twins(db: Session, facts: Facts) -> list[Told]:
    """Twins that nobody was told of."""
    known = select(Subscription.provider_subscription_id).where(
        Subscription.user_id == facts.user_id, Subscription.twin
    )
    told = set(db.scalars(known))
    return [s for s in facts.subscriptions if s.twin and s.id not in told]


def open_sessions(db: Session, facts: Facts) -> list[str]:
    """Payment pages of this person that may still be paid, as far as we know."""
    waiting = select(Checkout.session_id).where(Checkout.user_id == facts.user_id, Checkout.state == "open")
    return [session for session in db.scalars(waiting) if session]


def settle_checkouts(db: Session, states: dict[str, str]) -> None:
    """Payment pages that ran out (`states` by session): their orders came to nothing."""
    for checkout in db.scalars(select(Checkout).where(Checkout.session_id.in_(states), Checkout.state == "open")).all():
        if states[checkout.session_id or ""] == "expired":
            drop_checkout(db, checkout)


def drop_checkout(db: Session, checkout: Checkout) -> None:
    """Nothing came of a choice."""
    checkout.state = "expired"
    failed = update(Order).where(Order.id == checkout.order_id, Order.status == "pending").values(status="failed")
    db.execute(failed)
    db.flush()
    db.execute(PROJECT, {"user_id": checkout.user_id, "at": clock.now()})


def differing(db: Session, at_provider: list[tuple[str, Told]]) -> list[str]:
    """Customers whose live subscriptions differ here and at the provider."""
    here = {row.provider_subscription_id: row for row in db.scalars(_live_here())}
    there = {told.id: told for _, told in at_provider}
    differ = {customer for customer, told in at_provider if not _same(here.get(told.id), told)}
    lost = {row.user_id for name, row in here.items() if name not in there}
    mine = select(Payer.customer_id).where(Payer.user_id.in_(lost))
    return sorted(differ | set(db.scalars(mine)))


def _live_here() -> Select[Subscription]:
    return select(Subscription).where(Subscription.status.in_(LIVE), ~Subscription.twin)


def _same(row: Subscription | None, told: Told) -> bool:
    return row is not None and (row.status, row.subscription_type, row.billing_cycle, row.renews_at, row.ends_at) == (
        told.status, told.plan, told.cycle, told.renews_at, told.ends_at
    )  # fmt: skip


def unheard(db: Session, happened: list[Event]) -> list[Event]:
    """Those of which no knock ever came."""
    names = [event.id for event in happened]
    heard = set(db.scalars(select(ProviderEvent.id).where(ProviderEvent.id.in_(names))))
    return [event for event in happened if event.id not in heard]


def customers_in(db: Session, happened: list[Event]) -> set[str]:
    """Whom they are about; an event about a payment of ours does not name the customer."""
    payments = [event.payment_id for event in happened if event.payment_id and not event.customer_id]
    payers = select(Payer.customer_id).join(Order, Order.user_id == Payer.user_id)
    return {event.customer_id for event in happened if event.customer_id} | set(
        db.scalars(payers.where(Order.provider_payment_id.in_(payments)))
    )


def hear_late(db: Session, happened: list[Event]) -> None:
    """Note what was found by looking, so that it is looked at once."""
    at = clock.now()
    for event in happened:
        row = {"id": event.id, "kind": event.kind, "customer_id": event.customer_id, "created_at": event.created_at,
               "received_at": at, "handled_at": at, "outcome": "found at night"}  # fmt: skip
        db.execute(insert(ProviderEvent).values(row).on_conflict_do_nothing())


def list_drift(db: Session, at_provider: list[tuple[str, Told]]) -> int:
    """Write down what still differs, take off the list what no longer does; how many are on it."""
    here = {row.provider_subscription_id: row for row in db.scalars(_live_here())}
    there = {told.id: told for _, told in at_provider}
    found = [
        ("unknown here", name, None, f"Stripe has a live subscription {name} of {told.plan}, {told.cycle}, that belongs to nobody here.")
        for name, told in there.items() if name not in here
    ] + [
        ("unknown there", name, row.user_id, f"The club counts on subscription {name}, and Stripe does not have it as live.")
        for name, row in here.items() if name not in there
    ] + [
        ("different", name, here[name].user_id, f"Subscription {name} says {here[name].status} here and {told.status} at Stripe.")
        for name, told in there.items() if name in here and not _same(here[name], told)
    ]  # fmt: skip
    at, names = clock.now(), [(kind, name) for kind, name, _, _ in found]
    settled = update(Drift).where(Drift.resolved_at.is_(None), tuple_(Drift.kind, Drift.provider_id).not_in(names))
    db.execute(settled.values(resolved_at=at))
    for kind, name, user_id, said in found:
        row = {"id": uuid4(), "kind": kind, "provider_id": name, "user_id": user_id, "said": said, "found_at": at}
        db.execute(insert(Drift).values(row).on_conflict_do_nothing())
    return len(found)
