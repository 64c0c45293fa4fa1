"""Order history: the reader's own, newest first; receipts; the same as a spreadsheet."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, literal_column, select, tuple_

from portal import paging
from portal.billing import money, plan_name
from portal.billing.models import Checkout, Order
from portal.database import db
from portal.database.identity import ME
from portal.times import date_in_words, date_with_year
from portal.web import find, page, reader

bp = Blueprint("billing", __name__)

PAGE = 20
STATES = {
    "paid": "orders.status = 'completed' and disputed_at is null and refunded_amount = 0",
    "refunded": "refunded_amount > 0",
    "failed": "orders.status = 'failed'",
    "pending": "orders.status = 'pending'",
    "disputed": "disputed_at is not null",
}
COLUMNS = (
    Order.id, Order.order_number, Order.created_at, Order.subscription_type, Order.billing_cycle, Order.status,
    Order.refunded_amount, Order.disputed_at, Order.dispute_state, Order.payment_method, Order.amount, Order.currency,
    Order.completed_at, Order.period_start, Order.period_end, Order.invoice_number, Order.payment_provider, Order.next_try_at,
)  # fmt: skip
OWN = (
    select(*COLUMNS, Checkout.id.label("checkout_id"))
    .outerjoin(Checkout, (Checkout.order_id == Order.id) & (Checkout.state == "open"))
    .where(Order.user_id == select(ME).scalar_subquery())
)
CARD: Any = literal_column("""(select card || ', valid to ' || card_expires from subscriptions
  where user_id = (select auth.uid()) and not twin and card is not null order by started_at desc limit 1)""").label(
    "card"
)
PAGED = (
    OWN.add_columns(CARD)
    .where(tuple_(Order.created_at, Order.id) <= tuple_(bindparam("from_at"), bindparam("from_id")))
    .order_by(Order.created_at.desc(), Order.id.desc())
    .limit(literal_column(str(PAGE + 1)))
)
NOTES = {
    "pending": "The payment is not finished yet.",
    "failed": "The bank said no. Nothing was charged.",
    "disputed": "Your bank has asked for this money back.",
}


@bp.get("/orders")
def orders() -> ResponseReturnValue:
    """Everything the reader has paid, or tried to."""
    state = request.args.get("state", "") if request.args.get("state") in STATES else ""
    cursor = paging.read(request.args.get("from"))
    from_at, from_id = cursor or (paging.END, paging.LAST)
    wanted = PAGED.where(literal_column(f"({STATES[state]})")) if state else PAGED
    rows = db.session.execute(wanted, {"from_at": from_at, "from_id": from_id}).all()
    shown = [
        line(row, reader().now) | {"finish": f"/checkouts/{row.checkout_id}" if row.checkout_id else ""}
        for row in rows[:PAGE]
    ]
    filtered = f"state={state}&" if state else ""
    older = f"/orders?{filtered}from={paging.write(rows[PAGE].created_at, rows[PAGE].id)}" if len(rows) > PAGE else None
    span = f"{shown[-1]['date']} to {shown[0]['date']}" if shown else ""
    return page(
        "billing/orders.html", orders=shown, older_url=older, newer_url=f"/orders?{filtered}".rstrip("?&") if cursor else None,
        span=span, state=state, states_known=list(STATES), card=rows[0].card if rows else None,
    )  # fmt: skip


@bp.get("/orders/<number>")
def receipt(number: str) -> ResponseReturnValue:
    """One order on a sheet that prints."""
    row = find(OWN.where(Order.order_number == number.replace("\x00", "")))
    if row.completed_at is None:
        abort(404)
    tz = reader().now.tzinfo
    return page(
        "billing/receipt.html", o=line(row, reader().now), paid=date_in_words(row.completed_at.astimezone(tz)), number=row.invoice_number,
        span=(date_in_words(row.period_start.astimezone(tz)), date_in_words(row.period_end.astimezone(tz))) if row.period_end else None,
        kept=money.shown(row.amount - row.refunded_amount, row.currency),
    )  # fmt: skip


@bp.get("/orders.csv")
def spreadsheet() -> ResponseReturnValue:
    """All of one's orders, for a spreadsheet. Moments in UTC, amounts as numbers with the currency beside them."""
    out = io.StringIO()
    sheet = csv.writer(out)
    sheet.writerow(
        [
            "Number",
            "Ordered (UTC)",
            "Paid (UTC)",
            "Plan",
            "Cycle",
            "State",
            "Amount",
            "Refunded",
            "Currency",
            "Paid with",
        ]
    )
    for row in db.session.execute(OWN.order_by(Order.created_at.desc(), Order.id.desc()).limit(5000)):
        sheet.writerow(
            _plain(value) for value in (
                row.order_number, f"{row.created_at.astimezone(UTC):%Y-%m-%d %H:%M}",
                f"{row.completed_at.astimezone(UTC):%Y-%m-%d %H:%M}" if row.completed_at else "", row.subscription_type,
                row.billing_cycle, state_of(row), money.plain(row.amount, row.currency),
                money.plain(row.refunded_amount, row.currency), row.currency, row.payment_method or "",
            )
        )  # fmt: skip
    return Response(
        out.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="orders.csv"'},
    )


def _plain(value: str) -> str:
    """A cell no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def state_of(row: Any) -> str:
    """What became of an order, in one word or two."""
    if row.disputed_at is not None:
        return "disputed" if row.dispute_state != "won" else "paid"
    if row.status == "completed":
        return "partly refunded" if row.refunded_amount else "paid"
    return str(row.status)


def line(row: Any, now: datetime) -> dict[str, Any]:
    """An order as a reader sees it, its day in their zone."""
    state = state_of(row)
    back = money.shown(row.refunded_amount, row.currency) if row.refunded_amount else ""
    note = NOTES.get(state, "")
    if state == "pending" and row.next_try_at:
        note = f"The bank said no. We try again on {date_in_words(row.next_try_at.astimezone(now.tzinfo))}."
    return {
        "id": row.id, "number": row.order_number, "date": date_with_year(row.created_at.astimezone(now.tzinfo)),
        "what": plan_name(row.subscription_type, row.billing_cycle), "state": state, "note": note,
        "method": row.payment_method or "", "amount": money.shown(row.amount, row.currency), "has_receipt": row.completed_at is not None,
        "refunded": f"−{back} back" if back else "",
    }  # fmt: skip
