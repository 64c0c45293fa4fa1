"""Orders as people read them: each with what became of it in a word, and a line of why."""

from datetime import datetime, tzinfo
from decimal import Decimal
from uuid import UUID

from sqlalchemy import and_, case, select

from portal.billing import money, plan_name
from portal.billing.models import Checkout, Order, Subscription
from portal.database.rows import row_type
from portal.times import date_in_words, date_with_year

_UNBILLED = Order.provider_invoice_id.is_(None) & Order.completed_at.is_(None)
_CHECKOUT = select(Checkout.state).where(Checkout.order_id == Order.id).limit(1).correlate(Order).scalar_subquery()
_DUE = (
    select(Subscription.renews_at)
    .where(Subscription.user_id == Order.user_id, Subscription.live)
    .limit(1)
    .correlate(Order)
    .scalar_subquery()
)
STATE = case(
    (Order.dispute_state == "open", "disputed"),
    (Order.dispute_state == "lost", "lost"),
    (and_(Order.status == "completed", Order.refunded_amount > 0), "partly refunded"),
    (Order.status == "completed", "paid"),
    (and_(Order.status == "failed", _UNBILLED), "not finished"),
    else_=Order.status,
)
"""What became of an order: pending, paid, failed, not finished, disputed, lost, refunded, partly refunded. A dispute that
was won is over. Not finished is what was chosen and never billed: nothing was asked of any card, so nothing failed.
"""
STATES = ("paid", "partly refunded", "refunded", "failed", "not finished", "pending", "disputed", "lost")


@row_type
class OrderRow:
    """An order, with what became of it; `checkout_state` and `due_at` only of one that was never billed."""

    id: UUID
    order_number: str
    created_at: datetime
    subscription_type: str
    billing_cycle: str
    state: str
    refunded_amount: Decimal
    payment_method: str | None
    amount: Decimal
    currency: str
    completed_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    invoice_number: str | None
    next_try_at: datetime | None
    provider_payment_id: str | None
    provider_invoice_id: str | None
    waits_for: str | None
    payment_provider: str | None
    reference: str | None
    return_reference: str | None
    cut_at: datetime | None
    checkout_state: str | None
    due_at: datetime | None


COLUMNS = (
    Order.id,
    Order.order_number,
    Order.created_at,
    Order.subscription_type,
    Order.billing_cycle,
    STATE.label("state"),
    Order.refunded_amount,
    Order.payment_method,
    Order.amount,
    Order.currency,
    Order.completed_at,
    Order.period_start,
    Order.period_end,
    Order.invoice_number,
    Order.next_try_at,
    Order.provider_payment_id,
    Order.provider_invoice_id,
    Order.waits_for,
    Order.payment_provider,
    Order.reference,
    Order.return_reference,
    Order.cut_at,
    case((_UNBILLED, _CHECKOUT)).label("checkout_state"),
    case((and_(Order.status == "pending", _UNBILLED, _CHECKOUT == "paid"), _DUE)).label("due_at"),
)
NOTES = {
    "begun": "Nothing was charged so far.",
    "ordered": "It waits for your payment.",
    "due": "Your card is kept; nothing was charged so far.",
    "off": "The plan was ended before its first payment. Nothing was charged.",
    "at the bank": "Nothing to do; you are told when it is through.",
    "refused": "The bank said no. Nothing was charged.",
    "unconfirmed": "Your bank wants you to confirm it. Nothing was charged so far.",
    "failed": "Nothing was charged.",
    "refunded": "What it paid for has ended.",
    "partly refunded": "What it paid for stays open.",
    "disputed": "Your bank has asked for this money back.",
    "lost": "Your bank took this money back.",
}


def line(row: OrderRow, now: datetime) -> dict[str, object]:
    """An order as its buyer sees it; `now` gives the zone of the viewer."""
    back = money.shown(row.refunded_amount, row.currency) if row.refunded_amount else ""
    stands = _pending(row) if row.state == "pending" else row.state
    if stands == "not finished" and row.checkout_state == "paid":
        stands = "off"
    note = NOTES.get(stands, "")
    if row.cut_at and row.state == "partly refunded":
        ends = "ended" if row.cut_at <= now else "ends"
        note = f"What it paid for {ends} on {date_in_words(row.cut_at.astimezone(now.tzinfo))}."
    if stands == "refused" and row.next_try_at:
        note = f"The bank said no. We try again on {date_in_words(row.next_try_at.astimezone(now.tzinfo))}."
    return {
        "number": row.order_number,
        "date": date_with_year(row.created_at.astimezone(now.tzinfo)),
        "what": plan_name(row.subscription_type, row.billing_cycle),
        "stands": stands,
        "note": note,
        "method": row.payment_method or "",
        "amount": money.shown(row.amount, row.currency),
        "has_receipt": row.completed_at is not None,
        "refunded": f"−{back} back" if back else "",
        "due": date_in_words(row.due_at.astimezone(now.tzinfo)) if row.due_at else "",
    }


def span(begins: datetime, ends: datetime, tz: tzinfo) -> str:
    """The time an order pays for, to the minute: the next one begins where it ends, and no day is paid for twice."""
    first, last = begins.astimezone(tz), ends.astimezone(tz)
    return f"{date_in_words(first)}, {first:%H:%M} to {date_in_words(last)}, {last:%H:%M}"


def _pending(row: OrderRow) -> str:
    """Where a payment that is not finished stands: nobody paid yet, or the bank has it, or it waits for its payer."""
    if row.payment_provider == "transfer":
        return "ordered"
    if row.provider_invoice_id is None:
        return "begun" if row.checkout_state != "paid" else "due" if row.due_at else "off"
    return {"card": "refused", "confirmation": "unconfirmed"}.get(row.waits_for or "", "at the bank")
