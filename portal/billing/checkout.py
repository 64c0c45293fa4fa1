"""From a choice to the provider's payment page and back. No step takes the page's word for a payment.

Choosing opens a pending order and a checkout, and is ours alone; paying asks the provider for its page, once for each
checkout however often the button is pressed; coming back asks the provider again.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select, text, update
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Optional

from portal import clock, limits
from portal.access import public
from portal.billing import CYCLES, actions, plan_name, plans, provider
from portal.billing.actions import ask_provider
from portal.billing.models import Checkout, Order, Payer, Subscription
from portal.database import db
from portal.problems import Refused
from portal.times import date_in_words
from portal.web import find, me, page, reader, wants_fragment

bp = Blueprint("checkout", __name__)


ABOUT = {
    "individual": "Every evening, the calendar in your own time zone, and your own record of the hours you kept.",
    "family": "The same for up to six people including you. Each has an own account; nobody sees another’s answers.",
}


class AlreadyPaying(Refused):
    """You have a plan already, and it renews by itself. Change it on your plan's page; nobody pays twice here."""


class ChoiceForm(FlaskForm):
    """A plan and a cycle."""

    plan = RadioField(
        "Plan", choices=[("individual", "Individual"), ("family", "Family")],
        validators=[InputRequired("Choose a plan.")], validate_choice=True,
    )  # fmt: skip
    cycle = RadioField(
        "Paid", choices=[("monthly", "Each month"), ("yearly", "Each year")],
        validators=[InputRequired("Choose how often you pay.")],
    )  # fmt: skip
    transfer = StringField(validators=[Optional()])


@bp.get("/plans")
@public
def show_plans() -> ResponseReturnValue:
    """What the club costs; for members, with what they have."""
    form = ChoiceForm(plan=request.args.get("plan"), cycle=request.args.get("cycle"))
    return _plans_page(form)


def _plans_page(form: ChoiceForm, status: int = 200) -> ResponseReturnValue:
    live = None
    if current_user.is_authenticated:
        live = db.session.execute(OWN_LIVE).one_or_none()
    offers = [
        {"key": p.key, "name": p.name, "month": p.shown("monthly"), "year": p.shown("yearly"), "text": ABOUT[p.key],
         "mine": live is not None and live.subscription_type == p.key}
        for p in plans().values()
    ]  # fmt: skip
    return page(
        "billing/plans.html",
        status,
        plans=offers,
        live=live,
        live_name=live and plan_name(live.subscription_type),
        form=form,
        cycles=CYCLES,
    )


OWN_LIVE = select(
    Subscription.subscription_type, Subscription.billing_cycle, Subscription.renews_at, Subscription.ends_at
).where(Subscription.status.in_(provider.LIVE), ~Subscription.twin, Subscription.user_id == text("(select auth.uid())"))


@bp.post("/plans/choose")
def choose() -> ResponseReturnValue:
    """A choice becomes a checkout: a page that says what will be paid before anything is."""
    limits.limit("checkout", allowed=20, seconds=3600, whose=str(me()))
    form = ChoiceForm()
    if not form.validate():
        return _plans_page(form, 422)
    if db.session.execute(OWN_LIVE).first():
        raise AlreadyPaying
    before = db.session.execute(WAITING).one_or_none()
    if before and provider.close_session(before.session_id) == "complete":
        ask_provider(db.session(), before.customer_id)
        flash("You paid for this one a moment ago, so nothing new was begun.", "note")
        return redirect(f"/checkouts/{before.id}?back=1", 303)
    made = actions.open_checkout(db.session(), form.plan.data, form.cycle.data, _uuid(form.transfer.data))
    return redirect(f"/checkouts/{made}", 303)


WAITING = select(Checkout.id, Checkout.session_id, Checkout.customer_id).where(
    Checkout.user_id == text("(select auth.uid())"), Checkout.state == "open", Checkout.session_id.is_not(None)
)


def _uuid(given: str | None) -> UUID | None:
    try:
        return UUID(given) if given else None
    except ValueError:
        return None


CHECKOUT = select(
    Checkout.id, Checkout.user_id, Checkout.state, Checkout.subscription_type, Checkout.billing_cycle, Checkout.session_id, Checkout.url,
    Checkout.customer_id, Checkout.transfer_plan_id, Checkout.created_at, Order.status, Order.order_number,
    Order.amount, Order.currency,
).join(Order, Order.id == Checkout.order_id)  # fmt: skip


def _own(checkout_id: UUID) -> Any:
    return find(CHECKOUT.where(Checkout.id == checkout_id, Checkout.user_id == me()))


@bp.get("/checkouts/<uuid:checkout_id>")
def show(checkout_id: UUID) -> ResponseReturnValue:
    """What will be paid, and once it was: how it stands at the provider."""
    return _show(_own(checkout_id))


def _show(row: Any) -> ResponseReturnValue:
    plan = plans()[row.subscription_type]
    state = "paid" if row.status in ("completed", "refunded") or row.state == "paid" else row.state
    back = "back" in request.args or (wants_fragment() and state == "open")
    starts = actions.starts_at(db.session(), row)
    context = {
        "c": row, "plan": plan, "state": state, "price": plan.shown(row.billing_cycle), "per": CYCLES[row.billing_cycle],
        "back": back, "starts": date_in_words(starts.astimezone(reader().now.tzinfo)) if starts else None,
    }  # fmt: skip
    return page("billing/_checkout.html" if wants_fragment() else "billing/checkout.html", **context)


@bp.post("/checkouts/<uuid:checkout_id>/pay")
def pay(checkout_id: UUID) -> ResponseReturnValue:
    """On to the provider's page; pressed twice, or in two tabs, it is the same page."""
    row = _own(checkout_id)
    return redirect(row.url or actions.send_to_provider(db.session(), row, current_user.email), 303)


@bp.post("/checkouts/<uuid:checkout_id>/check")
def check(checkout_id: UUID) -> ResponseReturnValue:
    """Ask the provider now how it stands."""
    limits.limit("check", allowed=60, seconds=600, whose=str(me()))
    row = _own(checkout_id)
    if row.customer_id and row.state == "open":
        asked = update(Payer).where(Payer.user_id == me()).values(asked_at=clock.now())
        db.session.execute(asked)
        ask_provider(db.session(), row.customer_id)
    if wants_fragment():
        return _show(row)
    return redirect(f"/checkouts/{row.id}?back=1", 303)
