"""Order history: the viewer's own, newest first; receipts; the same as a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from flask import Blueprint, Response, abort, current_app, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Text, bindparam, cast, func, literal_column, select, tuple_

from portal import paging
from portal.billing import money, plan, provider
from portal.billing.models import Checkout, Order
from portal.billing.orders import COLUMNS, STATE, STATES, OrderRow, line, span
from portal.database import db
from portal.database.identity import ME
from portal.database.query import Query
from portal.database.rows import row_type
from portal.viewer import viewer
from portal.web import find, page

bp = Blueprint("billing", __name__)

PAGE = 20
"""So many orders stand on a page; from so many on they can be filtered."""


@row_type
class OwnOrder(OrderRow):
    """And the checkout that is still open for it."""

    checkout_id: UUID | None


@row_type
class PagedOrder(OwnOrder):
    """On a page that tells besides which card pays, and what was kept since the first of January."""

    card: str | None
    paid_this_year: str | None


OWN = (
    select(*COLUMNS, Checkout.id.label("checkout_id"))
    .outerjoin(Checkout, (Checkout.order_id == Order.id) & (Checkout.state == "open"))
    .where(Order.user_id == select(ME).scalar_subquery())
)
CARD: ColumnElement[str | None] = (
    literal_column("""(select card || coalesce(', valid to ' || card_expires, '') from subscriptions
  where user_id = (select auth.uid()) and not is_duplicate and card is not null order by started_at desc limit 1)""").label(
        "card"
    )
)
KEPT = (
    select(Order.currency, func.sum(Order.amount - Order.refunded_amount).label("kept"))
    .where(Order.user_id == select(ME).scalar_subquery(), STATE.in_(("paid", "partly refunded")))
    .where(Order.completed_at >= bindparam("this_year"))
    .group_by(Order.currency)
    .subquery()
)
# What was kept since a moment, like "USD 58.000"; nothing where it is of several currencies.
PAID = select(func.min(KEPT.c.currency + " " + cast(KEPT.c.kept, Text))).having(func.count() == 1).scalar_subquery()
PAGED = (
    OWN.add_columns(CARD, PAID.label("paid_this_year"))
    .where(tuple_(Order.created_at, Order.id) <= tuple_(bindparam("from_at"), bindparam("from_id")))
    .order_by(Order.created_at.desc(), Order.id.desc())
    .limit(literal_column(str(PAGE + 1)))
)
IN_STATE = Query(PagedOrder, PAGED.where(bindparam("state") == STATE))
IN_EVERY_STATE = Query(PagedOrder, PAGED)
EVERY = Query(OwnOrder, OWN.order_by(Order.created_at.desc(), Order.id.desc()).limit(5000))
OF_NUMBER = OWN.where(Order.order_number == bindparam("number"))
ONE = Query(OwnOrder, OF_NUMBER)
BILLED = Query(OwnOrder, OF_NUMBER.where(Order.provider_invoice_id.is_not(None)))
UNPAID = Query(OwnOrder, OF_NUMBER.where(Order.status == "pending", Order.waits_for.is_not(None)))
HEAD = (
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
)


@bp.get("/orders")
def orders() -> ResponseReturnValue:
    """Everything the viewer has paid, or tried to."""
    state = request.args.get("state", "") if request.args.get("state") in STATES else ""
    cursor = paging.read(request.args.get("from"))
    rows = _page_of(state, cursor or (paging.END, paging.LAST))
    here = f"/orders?state={state.replace(' ', '+')}&" if state else "/orders?"
    older = f"{here}from={paging.write(rows[PAGE].created_at, rows[PAGE].id)}" if len(rows) > PAGE else None
    shown = [line(row, viewer().now) | {"checkout": row.checkout_id} for row in rows[:PAGE]]
    return page(
        "billing/orders.html",
        orders=shown,
        older_url=older,
        newer_url=here.rstrip("?&") if cursor else None,
        state=state,
        states=STATES,
        card=rows[0].card if rows else None,
        many=bool(state or cursor) or len(rows) >= PAGE,
        paid=_shown(rows[0].paid_this_year) if rows else "",
    )


def _shown(paid: str | None) -> str:
    """What the viewer has paid since the first of January where they are; empty if nothing, or in several currencies."""
    currency, _, amount = (paid or "").partition(" ")
    return money.shown(Decimal(amount), currency) if currency else ""


def _page_of(state: str, start: tuple[datetime, UUID]) -> list[PagedOrder]:
    from_at, from_id = start
    wanted = IN_STATE if state else IN_EVERY_STATE
    this_year = viewer().now.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    return wanted.all(db.session(), state=state, from_at=from_at, from_id=from_id, this_year=this_year)


@bp.get("/orders/<number>")
def receipt(number: str) -> ResponseReturnValue:
    """One order on a sheet that prints."""
    row = find(ONE, number=number.replace("\x00", ""))
    if row.completed_at is None:
        abort(404)
    place = viewer()
    pays_for = (
        f"{span(row.period_start, row.period_end, place.tz)}, {place.city}"
        if row.period_start and row.period_end
        else ""
    )
    return page(
        "billing/receipt.html",
        o=line(row, place.now),
        paid=place.day(row.completed_at),
        number=row.invoice_number,
        pays_for=pays_for,
        kept=money.shown(row.amount - row.refunded_amount, row.currency),
        at_provider=row.provider_invoice_id is not None and provider.is_connected(),
        reference=row.reference,
        return_reference=row.return_reference,
        address=current_app.config["SETTINGS"].club_address,
        tax_id=current_app.config["SETTINGS"].club_tax_id,
    )


@bp.post("/orders/<number>/invoice")
def invoice(number: str) -> ResponseReturnValue:
    """On to the provider's own invoice; its address opens it to whoever has it, so it is asked for and kept nowhere."""
    row = find(BILLED, number=number.replace("\x00", ""))
    plan.let_go()
    return redirect(provider.invoice_url(str(row.provider_invoice_id)) or f"/orders/{row.order_number}", 303)


@bp.post("/orders/<number>/pay")
def pay(number: str) -> ResponseReturnValue:
    """On to the provider's page of a bill that waits for its payer."""
    row = find(UNPAID, number=number.replace("\x00", ""))
    plan.let_go()
    return redirect(provider.invoice_url(str(row.provider_invoice_id)) or "/orders", 303)


@bp.get("/orders.csv")
def spreadsheet() -> ResponseReturnValue:
    """All of one's orders, for a spreadsheet. Moments in UTC, amounts as numbers with the currency beside them.

    The mark of UTF-8 stands first: without it Excel takes the file for its own old alphabet.
    """
    out = io.StringIO()
    out.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    sheet = csv.writer(out)
    sheet.writerow(HEAD)
    sheet.writerows(_cells(row) for row in EVERY.all(db.session()))
    attached = {"Content-Disposition": 'attachment; filename="orders.csv"'}
    return Response(out.getvalue(), content_type="text/csv; charset=utf-8", headers=attached)


def _cells(row: OwnOrder) -> Iterator[str]:
    """A cell no spreadsheet takes for a formula (OWASP, CSV injection)."""
    paid = f"{row.completed_at.astimezone(UTC):%Y-%m-%d %H:%M}" if row.completed_at else ""
    values = (
        row.order_number,
        f"{row.created_at.astimezone(UTC):%Y-%m-%d %H:%M}",
        paid,
        row.subscription_type,
        row.billing_cycle,
        row.state,
        money.plain(row.amount, row.currency),
        money.plain(row.refunded_amount, row.currency),
        row.currency,
        row.payment_method or "",
    )
    return (f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value for value in values)
