"""Orders as people read them: each with what became of it in a word, and a line of why."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, case

from portal.billing import money, plan_name
from portal.billing.models import Order
from portal.times import date_in_words, date_with_year

STATE = case(
    (and_(Order.disputed_at.is_not(None), Order.dispute_state != "won"), "disputed"),
    (and_(Order.status == "completed", Order.refunded_amount > 0), "partly refunded"),
    (Order.status == "completed", "paid"),
    else_=Order.status,
)
"""What became of an order: pending, paid, failed, disputed, refunded, partly refunded. A dispute that was won is over."""
STATES = ("paid", "partly refunded", "refunded", "failed", "pending", "disputed")
COLUMNS = (
    Order.id, Order.order_number, Order.created_at, Order.subscription_type, Order.billing_cycle, STATE.label("state"),
    Order.refunded_amount, Order.payment_method, Order.amount, Order.currency, Order.completed_at, Order.period_start,
    Order.period_end, Order.invoice_number, Order.next_try_at, Order.provider_payment_id, Order.provider_invoice_id,
    Order.waits_for, Order.cut_at,
)  # fmt: skip
NOTES = {
    "begun": "Nothing was charged so far.",
    "at the bank": "Nothing to do; you are told when it is through.",
    "refused": "The bank said no. Nothing was charged.",
    "unconfirmed": "Your bank wants you to confirm it. Nothing was charged so far.",
    "failed": "Nothing was charged.",
    "refunded": "What it paid for has ended.",
    "partly refunded": "What it paid for stays open.",
    "disputed": "Your bank has asked for this money back.",
}


def line(row: Any, now: datetime) -> dict[str, Any]:
    """An order as its buyer sees it; `now` gives the zone of the reader."""
    back = money.shown(row.refunded_amount, row.currency) if row.refunded_amount else ""
    stands = _pending(row) if row.state == "pending" else row.state
    note = NOTES.get(stands, "")
    if row.cut_at and row.state == "partly refunded":
        note = f"What it paid for ends on {date_in_words(row.cut_at.astimezone(now.tzinfo))}."
    if stands == "refused" and row.next_try_at:
        note = f"The bank said no. We try again on {date_in_words(row.next_try_at.astimezone(now.tzinfo))}."
    return {
        "number": row.order_number, "date": date_with_year(row.created_at.astimezone(now.tzinfo)),
        "what": plan_name(row.subscription_type, row.billing_cycle), "stands": stands, "note": note,
        "method": row.payment_method or "", "amount": money.shown(row.amount, row.currency),
        "has_receipt": row.completed_at is not None, "refunded": f"−{back} back" if back else "",
    }  # fmt: skip


def _pending(row: Any) -> str:
    """Where a payment that is not finished stands: nobody paid yet, or the bank has it, or it waits for its payer."""
    if row.provider_invoice_id is None:
        return "begun"
    return {"card": "refused", "confirmation": "unconfirmed"}.get(row.waits_for, "at the bank")
