"""What the provider said becomes rows: one customer at a time, whole, and newer never gives way to older.

`apply_snapshot` is the only writer of subscriptions and of orders paid at the provider. It never looks at what an event claims;
it is given everything about the customer as just fetched, so copies, delays and disorder of events change nothing.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from flask import current_app
from sqlalchemy import case, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.billing import money, reading
from portal.billing.actions import NUMBER, lock_person, refresh_projection
from portal.billing.events import family_payment_changed, family_wanted, order_changed, take_over_paid
from portal.billing.models import Checkout, Order, Payer, Subscription
from portal.billing.reading import CustomerSnapshot, Invoice

PAID_PLANS = text("select id from family_plans where primary_user_id = :user_id and is_active")
WITHOUT_FAMILY = text("""
select s.user_id from subscriptions s join users u on u.id = s.user_id and u.is_active and u.family_plan_id is null
 where s.live and s.subscription_type = 'family' and s.ends_at is null and s.transfer_plan_id is null
   and (cast(:user_id as uuid) is null or s.user_id = :user_id)
union
select o.user_id from orders o join users u on u.id = o.user_id and u.is_active and u.family_plan_id is null
 where o.status = 'completed' and o.grace_days is not null and o.subscription_type = 'family'
   and o.period_end > club_now() and coalesce(o.cut_at, o.period_end) > club_now()
   and (cast(:user_id as uuid) is null or o.user_id = :user_id)
""")
KNOWN = {"incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "canceled", "paused"}


def apply_snapshot(db: Session, snapshot: CustomerSnapshot) -> str:
    """Bring the payer's rows in line with what the provider said. Returns what changed, in words for the list of events."""
    if snapshot.user_id is None or not lock_person(db, snapshot.user_id):
        return "not of this club"
    if not _newest(db, snapshot):
        return "something newer is known"
    known = db.scalars(select(Order).where(Order.user_id == snapshot.user_id)).all()
    orders = {o.provider_invoice_id: o for o in known if o.provider_invoice_id}
    # A club that moved in brought paid orders along that know their payment, and no bill.
    brought = {o.transaction_id: o for o in known if o.payment_provider == "stripe" and not o.provider_invoice_id}
    invoices = sorted(snapshot.invoices, key=lambda invoice: invoice.created_at)
    happened = [
        _order(db, snapshot, invoice, orders.get(invoice.id) or brought.get(invoice.payment_id or ""))
        for invoice in invoices
    ]
    db.flush()
    happened += [_subscription(db, snapshot, theirs) for theirs in sorted(snapshot.subscriptions, key=lambda s: s.live)]
    refresh_projection(db, snapshot.user_id)
    begin_families(db, snapshot.user_id)
    for plan_id in db.scalars(PAID_PLANS, {"user_id": snapshot.user_id}).all():
        family_payment_changed.publish(db, plan_id=plan_id)
    return "; ".join(filter(None, happened)) or "nothing new"


def begin_families(db: Session, user_id: UUID | None = None) -> None:
    """Give a family to each person who pays for one and is in none; with `user_id`, to that person only."""
    for payer in db.scalars(WITHOUT_FAMILY, {"user_id": user_id}).all():
        family_wanted.publish(db, user_id=payer)


def _newest(db: Session, snapshot: CustomerSnapshot) -> bool:
    """Whether these facts were asked for later than those the payer has."""
    db.execute(
        insert(Payer).values(user_id=snapshot.user_id, customer_id=snapshot.customer_id).on_conflict_do_nothing()
    )
    fresh = update(Payer).where(
        Payer.customer_id == snapshot.customer_id,
        Payer.user_id == snapshot.user_id,
        func.coalesce(Payer.fetched_at, datetime.min.replace(tzinfo=snapshot.began.tzinfo)) <= snapshot.began,
    )
    unanswered = case((Payer.asked_at > snapshot.began, Payer.asked_for))
    return bool(db.execute(fresh.values(fetched_at=snapshot.began, asked_for=unanswered)).rowcount)  # type: ignore[attr-defined]


# --- subscriptions ---------------------------------------------------------------------------------------------------


def _subscription(db: Session, snapshot: CustomerSnapshot, theirs: reading.Subscription) -> str:
    if theirs.status not in KNOWN:
        return _unknown(db, snapshot, theirs)
    ours = db.scalar(select(Subscription).where(Subscription.provider_subscription_id == theirs.id))
    before = ours.status if ours else None
    if ours is None:
        ours = Subscription(id=uuid4(), user_id=snapshot.user_id, provider_subscription_id=theirs.id)
    invoices = [invoice for invoice in snapshot.invoices if invoice.subscription_id == theirs.id]
    waiting = [invoice for invoice in invoices if invoice.waits_for and invoice.id != theirs.pending_bill]
    paid = [invoice for invoice in invoices if invoice.status == "paid"]
    without_charge = [invoice for invoice in paid if not invoice.amount_minor]
    until = _last_end(paid)
    if before is None or until is None or until > clock.now():  # grace that has begun keeps its length
        ours.grace_days = current_app.config["SETTINGS"].grace_days
    ours.status, ours.subscription_type, ours.billing_cycle = theirs.status, theirs.plan, theirs.cycle
    ours.amount_minor, ours.currency, ours.started_at = theirs.amount_minor, theirs.currency, theirs.started_at
    ours.renews_at, ours.ends_at, ours.ended_at = theirs.renews_at, theirs.ends_at, theirs.ended_at
    ours.ended_by, ours.is_duplicate = theirs.ended_by, theirs.is_duplicate
    free_until = _last_end(invoice for invoice in without_charge if invoice.free)
    # A trial that was made longer at the provider's desk has no invoice of its own.
    ours.free_until = max((end for end in (free_until, theirs.trial_until) if end), default=None)
    ours.credit_until = _last_end(invoice for invoice in without_charge if not invoice.free)
    ours.covered_by = db.scalar(
        select(Checkout.covered_by).where(Checkout.id == theirs.checkout_id, Checkout.user_id == snapshot.user_id)
    )
    ours.failed_at = min((invoice.created_at for invoice in waiting), default=None)
    ours.next_try_at = min((invoice.next_try_at for invoice in waiting if invoice.next_try_at), default=None)
    ours.next_type, ours.next_cycle, ours.next_amount_minor = theirs.next_plan or (None, None, theirs.next_minor)
    ours.card, ours.card_expires = theirs.card or (None, None)
    ours.transfer_plan_id = theirs.transfer_plan_id
    db.add(ours)
    db.flush()
    if theirs.live and before in (None, "incomplete"):
        _begun(db, snapshot, theirs)
    if theirs.credited and theirs.ended_at:
        _cut(db, theirs.id, theirs.ended_at)
    return "" if before == theirs.status else f"subscription {theirs.status}"


def _last_end(invoices: Iterable[Invoice]) -> datetime | None:
    """The end of the latest period that these invoices pay for; None without any."""
    return max((invoice.period[1] for invoice in invoices), default=None)


def _unknown(db: Session, snapshot: CustomerSnapshot, theirs: reading.Subscription) -> str:
    """Leave a subscription with an unknown status as it is here, and log an error so that somebody looks."""
    words = f"The provider calls a subscription {theirs.status}, which nobody here understands"
    audit.record(db, "subscription.unknown", words, category="billing", level="error", subject_id=snapshot.user_id)
    return f"an unknown status {theirs.status} was left aside"


def _begun(db: Session, snapshot: CustomerSnapshot, theirs: reading.Subscription) -> None:
    """Close the checkout of a subscription that was paid for the first time, and hand the family over if it was bought for that."""
    if theirs.checkout_id:
        db.execute(update(Checkout).where(Checkout.id == theirs.checkout_id).values(state="paid"))
    words = f"Subscription begun: {theirs.plan}, {theirs.cycle}"
    audit.record(db, "subscription.begun", words, category="billing", subject_id=snapshot.user_id)
    if snapshot.user_id and theirs.transfer_plan_id and theirs.plan == "family":
        take_over_paid.publish(db, plan_id=theirs.transfer_plan_id, new_primary_id=snapshot.user_id)


def _cut(db: Session, subscription_id: str, ended_at: datetime) -> None:
    """End the access of a subscription's orders at `ended_at`, because the rest of the paid time was given back as credit."""
    cut = update(Order).where(Order.provider_subscription_id == subscription_id, Order.period_end > ended_at)
    db.execute(cut.values(cut_at=func.least(Order.cut_at, ended_at)))


# --- orders ----------------------------------------------------------------------------------------------------------


def _order(db: Session, snapshot: CustomerSnapshot, invoice: Invoice, order: Order | None) -> str:
    """Write the order of one invoice and return what changed in words. An invoice that charges nothing gets no order."""
    of = next(s for s in snapshot.subscriptions if s.id == invoice.subscription_id)
    if order is None:
        if invoice.amount_minor <= 0:
            return _free(db, of, invoice)
        order = _checkout_order(db, of)
        if order is None and invoice.status in ("void", "uncollectible"):  # withdrawn before anybody was asked for it
            return ""
        order = order or Order(
            id=uuid4(),
            user_id=snapshot.user_id,
            order_number=db.scalar(NUMBER, {"at": invoice.created_at}),
            created_at=invoice.created_at,
            status="pending",
            payment_provider="stripe",
        )
        db.add(order)
    before = (order.status, order.refunded_amount, order.dispute_state)
    order.created_at = max(order.created_at, invoice.created_at)  # a first payment may be due long after the choice
    if order.completed_at is None and invoice.amount_minor > 0:
        if order.amount_minor not in (None, invoice.amount_minor):
            _log_other_amount(db, snapshot, order, invoice)
        order.provider_invoice_id, order.provider_subscription_id = invoice.id, invoice.subscription_id
        order.amount_minor, order.currency = invoice.amount_minor, invoice.currency
        order.amount = money.major(invoice.amount_minor, invoice.currency)
        order.subscription_type, order.billing_cycle = invoice.plan, invoice.cycle
    order.provider_price_id = order.provider_price_id or invoice.price_id
    order.invoice_number, order.payment_provider = invoice.number, "stripe"
    order.payment_method = invoice.method or order.payment_method
    order.next_try_at, order.waits_for = invoice.next_try_at if invoice.status == "open" else None, invoice.waits_for
    if invoice.status == "paid" and invoice.amount_minor <= 0:
        # Taken back by a credit note: the time counts as paid from credit, and nothing was charged.
        order.status = "failed"
    elif invoice.status == "paid":
        order.completed_at = invoice.paid_at
        order.transaction_id = order.provider_payment_id = invoice.payment_id
        order.period_start, order.period_end = invoice.period
        order.refunded_amount = money.major(invoice.refunded_minor, invoice.currency)
        order.status = "refunded" if invoice.refunded_minor >= invoice.amount_minor else "completed"
        order.disputed_at, order.dispute_state = invoice.disputed_at, invoice.dispute_state
    elif invoice.status in ("void", "uncollectible") or of.status in ("canceled", "incomplete_expired"):
        order.status = "failed"
    else:
        order.status = "pending"
    db.flush()
    after = (order.status, order.refunded_amount, order.dispute_state)
    return _noted(db, order, before, after) if before != after else ""


def _checkout_order(db: Session, of: reading.Subscription) -> Order | None:
    """The order that the subscription's checkout opened, until an invoice is bound to it; the first invoice pays that one."""
    if of.checkout_id is None:
        return None
    bound = select(Order).join(Checkout, Checkout.order_id == Order.id)
    return db.scalar(bound.where(Checkout.id == of.checkout_id, Order.provider_invoice_id.is_(None)))


def _free(db: Session, of: reading.Subscription, invoice: Invoice) -> str:
    """Mark the checkout of an invoice over nothing as paid. Its order waits for the first charge; it fails if there will be none
    for this period, which was paid from credit, or if the subscription is over.
    """
    order = _checkout_order(db, of)
    if order is not None and order.status == "pending" and of.status != "incomplete":
        db.execute(update(Checkout).where(Checkout.order_id == order.id).values(state="paid"))
        from_credit = of.status != "trialing" and invoice.period[1] > clock.now()
        if from_credit or not of.live:
            order.status = "failed"
    return ""


def _noted(db: Session, order: Order, before: tuple[Any, ...], after: tuple[Any, ...]) -> str:
    """Log a change of an order, and tell whoever subscribed to it. Returns it in words."""
    if after[2] not in (before[2], None):
        what = "disputed"
    elif after[1] > (before[1] or 0):
        what = "refunded"
    else:
        what = {"completed": "paid", "pending": "opened"}.get(order.status, order.status)
    audit.record(
        db,
        f"order.{what}",
        f"Order {order.order_number} {what}",
        category="billing",
        subject_id=order.user_id,
        order_id=str(order.id),
    )
    if what in ("paid", "refunded", "disputed"):
        order_changed.publish(db, order_id=order.id, what=what)
    return f"order {order.order_number} {what}"


def _log_other_amount(db: Session, snapshot: CustomerSnapshot, order: Order, invoice: Invoice) -> None:
    """Log a warning that the provider charged another amount than was shown, unless promotion codes or tax may be the reason."""
    settings = current_app.config["SETTINGS"]
    if settings.stripe_promotion_codes or settings.stripe_tax:
        return
    audit.record(
        db,
        "order.amount_differs",
        f"Order {order.order_number} says {order.amount_minor}, the provider {invoice.amount_minor}",
        level="warn",
        category="billing",
        subject_id=snapshot.user_id,
    )
