"""Order history: the reader's own, newest first."""

from datetime import datetime
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, literal_column, select, tuple_

from portal import paging
from portal.billing import money
from portal.billing.models import Order
from portal.database import db
from portal.database.identity import ME
from portal.times import date_with_year
from portal.web import page, reader

bp = Blueprint("billing", __name__)

PAGE = 20
OWN = (
    select(
        Order.id, Order.order_number, Order.created_at, Order.subscription_type, Order.billing_cycle, Order.status,
        Order.refunded_amount, Order.disputed_at, Order.payment_method, Order.amount, Order.currency,
    )
    .where(Order.user_id == select(ME).scalar_subquery())
    .where(tuple_(Order.created_at, Order.id) <= tuple_(bindparam("from_at"), bindparam("from_id")))
    .order_by(Order.created_at.desc(), Order.id.desc())
    .limit(literal_column(str(PAGE + 1)))
)  # fmt: skip

NOTES = {
    "pending": "The payment is not finished yet.",
    "failed": "The bank said no. Nothing was charged.",
    "disputed": "Your bank has asked for this money back.",
}


@bp.get("/orders")
def orders() -> ResponseReturnValue:
    """Everything the reader has paid, or tried to."""
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (paging.END, paging.LAST)
    rows = db.session.execute(OWN, {"from_at": from_at, "from_id": from_id}).all()
    shown = [line(row, reader().now) for row in rows[:PAGE]]
    older = f"/orders?from={paging.write(rows[PAGE].created_at, rows[PAGE].id)}" if len(rows) > PAGE else None
    span = f"{shown[-1]['date']} to {shown[0]['date']}" if shown else ""
    return page(
        "billing/orders.html", orders=shown, older_url=older, newer_url="/orders" if cursor else None, span=span
    )


def line(row: Any, now: datetime) -> dict[str, str]:
    """An order as a reader sees it, its day in their zone."""
    state = row.status
    if row.disputed_at is not None:
        state = "disputed"
    elif state == "completed":
        state = "partly refunded" if row.refunded_amount else "paid"
    back = money.shown(row.refunded_amount, row.currency) if row.refunded_amount else ""
    return {
        "number": row.order_number, "date": date_with_year(row.created_at.astimezone(now.tzinfo)),
        "what": f"{row.subscription_type.capitalize()}, {row.billing_cycle}", "state": state,
        "note": NOTES.get(state, ""), "method": row.payment_method or "", "amount": money.shown(row.amount, row.currency),
        "refunded": f"−{back} back" if back else "",
    }  # fmt: skip
