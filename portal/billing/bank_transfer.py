"""The member's pages of money in a club that takes no cards: plans, an order and how to pay it, what was paid and until when.

They stand at the addresses that `checkout` and `plan` have where cards are taken.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import bindparam, select, text

from portal import clock, limits
from portal.access import public
from portal.billing import CYCLES, money, offers, plan_name, plans, transfers
from portal.billing.checkout import ChoiceForm, covered_until, free_days_used, optional_uuid, wanted_plan
from portal.billing.models import Checkout, Order
from portal.database import db
from portal.database.query import Query
from portal.times import number
from portal.viewer import me, viewer
from portal.web import find, page

bp = Blueprint("bank_transfer", __name__)


class OwnOrder(NamedTuple):
    """An order of the current user's with the checkout it was opened by, if one was; `lapses_at` is when it stops waiting for its money."""

    checkout_id: UUID | None
    checkout_state: str | None
    status: str
    order_number: str
    amount: Decimal
    currency: str
    subscription_type: str
    billing_cycle: str
    created_at: datetime
    lapses_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    transfer_plan_id: UUID | None


OWN = (
    select(
        Checkout.id.label("checkout_id"),
        Checkout.state.label("checkout_state"),
        Order.status,
        Order.order_number,
        Order.amount,
        Order.currency,
        Order.subscription_type,
        Order.billing_cycle,
        Order.created_at,
        Checkout.expires_at.label("lapses_at"),
        Order.period_start,
        Order.period_end,
        Checkout.transfer_plan_id,
    )
    .select_from(Order)
    .outerjoin(Checkout, Checkout.order_id == Order.id)
    .where(Order.user_id == text("(select auth.uid())"), Order.payment_provider == "transfer")
)
ONE = Query(OwnOrder, OWN.where(Checkout.id == bindparam("checkout")))
WAITING = Query(OwnOrder, OWN.where(Checkout.state == "open"))
LAST_PAID = Query(OwnOrder, OWN.where(Order.status == "completed").order_by(Order.period_end.desc()).limit(1))


@bp.get("/plans")
@public
def show_plans() -> ResponseReturnValue:
    """What the club costs; for members, with the order that waits to be paid."""
    return _plans_page(ChoiceForm())


def _plans_page(form: ChoiceForm, status: int = 200) -> ResponseReturnValue:
    return page(
        "billing/transfer/plans.html",
        status,
        form=form,
        plans=offers(),
        wanted=wanted_plan(),
        covered=covered_until(),
        waiting=_waiting(),
        used=free_days_used(),
        free_days=number(current_app.config["SETTINGS"].welcome_days),
    )


def _waiting() -> dict[str, object] | None:
    """The order of the current user's that waits for its money."""
    row = WAITING.one_or_none(db.session()) if current_user.is_authenticated else None
    return _shown(row) if row else None


def _shown(row: OwnOrder) -> dict[str, object]:
    return {
        "checkout": row.checkout_id,
        "number": row.order_number,
        "amount": money.shown(row.amount, row.currency),
        "per": CYCLES[row.billing_cycle],
        "what": plan_name(row.subscription_type, row.billing_cycle),
        "kind": row.subscription_type,
        "cycle": row.billing_cycle,
        "lapses": viewer().day(row.lapses_at),
        "from": viewer().day(row.period_start),
        "begins_later": row.period_start is not None and row.period_start > clock.now(),
        "until": viewer().day(row.period_end),
        "is_over": row.period_end is not None and row.period_end <= clock.now(),
    }


@bp.post("/plans/choose")
def choose() -> ResponseReturnValue:
    """A choice becomes an order, with a page and a mail that say how to pay it."""
    form = ChoiceForm()
    if not form.validate():
        return _plans_page(form, 422)
    return _order(form.plan.data, form.cycle.data, optional_uuid(form.transfer.data))


def _order(plan_key: str, cycle: str, transfer_plan_id: UUID | None = None) -> ResponseReturnValue:
    limits.limit("checkout", allowed=20, seconds=3600, whose=str(me()))
    made = transfers.open_order(db.session(), plan_key, cycle, transfer_plan_id)
    return redirect(f"/checkouts/{made}", 303)


@bp.get("/checkouts/<uuid:checkout_id>")
def show_order(checkout_id: UUID) -> ResponseReturnValue:
    """An order, and how to pay it; once that came, what it pays for."""
    row = find(ONE, checkout=checkout_id)
    state = row.status if row.status in ("completed", "refunded") else row.checkout_state
    return page(
        "billing/transfer/order.html",
        o=_shown(row),
        state=state,
        lapsed=row.lapses_at is not None and row.lapses_at <= clock.now(),
        takes_over=row.transfer_plan_id is not None,
        covered=covered_until(),
        instructions=current_app.config["SETTINGS"].payment_instructions,
    )


@bp.post("/checkouts/<uuid:checkout_id>/withdraw")
def withdraw(checkout_id: UUID) -> ResponseReturnValue:
    """The order is wanted no more."""
    row = find(ONE, checkout=checkout_id)
    transfers.withdraw(db.session(), checkout_id, row.order_number)
    flash(f"Order {row.order_number} was withdrawn. Do not pay it any more.", "note")
    return redirect("/plans", 303)


@bp.get("/plan")
def show_plan() -> ResponseReturnValue:
    """What the current user paid, until when, and how it goes on."""
    row = LAST_PAID.one_or_none(db.session())
    return page(
        "billing/transfer/plan.html",
        o=_shown(row) if row else None,
        price=plans()[row.subscription_type].shown(row.billing_cycle) if row else "",
        waiting=_waiting(),
        covered=covered_until(),
        grace_until=viewer().day(current_user.access_until) if current_user.in_grace else "",
    )


@bp.post("/plan/renew")
def renew() -> ResponseReturnValue:
    """Another order of what the current user paid last, at today's price."""
    row = LAST_PAID.one_or_none(db.session())
    if row is None:
        return redirect("/plans", 303)
    return _order(row.subscription_type, row.billing_cycle)
