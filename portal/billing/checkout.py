"""From a choice to the provider's payment page and back. No step takes the page's word for a payment.

Choosing opens a pending order and a checkout, and is ours alone; paying asks the provider for its page, once for each
checkout however often the button is pressed; coming back asks the provider again.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import bindparam, select, text
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from portal import clock, limits
from portal.access import public
from portal.accounts import free_days
from portal.arguments import query_arg
from portal.billing import ABOUT, CYCLES, actions, money, offers, plan_name, plans, provider, trouble
from portal.billing.models import Checkout, Order, Subscription
from portal.database import db
from portal.database.query import Query
from portal.forms import Form
from portal.problems import Refused
from portal.times import number
from portal.viewer import me, viewer
from portal.web import find, page, wants_fragment

bp = Blueprint("checkout", __name__)


class AlreadyPaying(Refused):
    """You have a plan already. Change it on your plan page; nobody pays for two plans."""


class ChoiceForm(Form):
    """A plan and a cycle."""

    plan = RadioField(choices=[SelectChoice(key) for key in ABOUT], validators=[InputRequired("Choose a plan.")])
    cycle = RadioField(
        choices=[SelectChoice(cycle) for cycle in CYCLES], validators=[InputRequired("Choose how often you pay.")]
    )
    transfer = StringField(validators=[Optional()])


@bp.get("/plans")
@public
def show_plans() -> ResponseReturnValue:
    """What the club costs; for members, with what they have."""
    return _plans_page(ChoiceForm())


def _plans_page(form: ChoiceForm, status: int = 200) -> ResponseReturnValue:
    live = OWN_LIVE.one_or_none(db.session()) if current_user.is_authenticated else None
    name = live and plan_name(live.subscription_type)
    wrong = trouble.of_own_plan() if live else None
    changeable = live is not None and live.ends_at is None and live.failed_at is None and live.next_type is None
    other = "monthly" if live and live.billing_cycle == "yearly" else "yearly"
    return page(
        "billing/plans.html",
        status,
        changeable=changeable,
        other_cycle=other,
        plans=[{**offer, "mine": live is not None and live.subscription_type == offer["key"]} for offer in offers()],
        live=live,
        live_name=name,
        form=form,
        t=wrong,
        wanted=wanted_plan(),
        covered="" if live else covered_until(),
        begins=_begins(),
        used="" if live else free_days_used(),
        free_days=number(current_app.config["SETTINGS"].welcome_days),
    )


def wanted_plan() -> dict[str, str] | None:
    """The plan the address names, like family-yearly: what somebody chose before they had an account."""
    key, _, cycle = query_arg("plan").partition("-")
    if key not in plans() or cycle not in CYCLES:
        return None
    plan = plans()[key]
    return {"key": key, "cycle": cycle, "name": plan.name, "price": f"{plan.shown(cycle)} {CYCLES[cycle]}"}


def covered_until() -> str:
    """Until when the viewer is in already; empty if they are not."""
    paid_until = getattr(current_user, "paid_until", None)
    return viewer().day(paid_until) if paid_until and paid_until > clock.now() else ""


def _begins() -> str:
    """The day a plan of the viewer's begins that is chosen now, if it is not today."""
    return viewer().day(actions.free_until(db.session(), clock.now())) if current_user.is_authenticated else ""


def free_days_used() -> str:
    """Why the viewer has no free days, if somebody had them with this address before."""
    days = current_app.config["SETTINGS"].welcome_days
    if not (days and current_user.is_authenticated and free_days.used(db.session(), current_user.email)):
        return ""
    what = "week was" if days == 7 else "days were"
    return f"The free {what} already used with this address."


class OwnLive(NamedTuple):
    """The plan the viewer pays."""

    subscription_type: str
    billing_cycle: str
    renews_at: datetime | None
    ends_at: datetime | None
    failed_at: datetime | None
    next_type: str | None


class WaitingPage(NamedTuple):
    """A checkout whose page at the provider is open."""

    id: UUID
    session_id: str
    customer_id: str | None


class OwnCheckout(NamedTuple):
    """A checkout of the viewer's, with its order."""

    id: UUID
    user_id: UUID
    order_id: UUID
    state: str
    subscription_type: str
    billing_cycle: str
    url: str | None
    customer_id: str | None
    transfer_plan_id: UUID | None
    starts_at: datetime | None
    created_at: datetime
    status: str
    order_number: str
    amount: Decimal
    currency: str


OWN_LIVE = Query(
    OwnLive,
    select(
        Subscription.subscription_type,
        Subscription.billing_cycle,
        Subscription.renews_at,
        Subscription.ends_at,
        Subscription.failed_at,
        Subscription.next_type,
    ).where(Subscription.live, Subscription.user_id == text("(select auth.uid())")),
)


@bp.post("/plans/choose")
def choose() -> ResponseReturnValue:
    """A choice becomes a checkout: a page that says what will be paid before anything is."""
    limits.limit("checkout", allowed=20, seconds=3600, whose=str(me()))
    form = ChoiceForm()
    if not form.validate():
        return _plans_page(form, 422)
    if OWN_LIVE.one_or_none(db.session()):
        raise AlreadyPaying
    if paid := _paid_before():
        flash("You paid for this one a moment ago, so nothing new was begun.", "note")
        return redirect(f"/checkouts/{paid}?back=1", 303)
    made = actions.open_checkout(db.session(), form.plan.data, form.cycle.data, optional_uuid(form.transfer.data))
    return redirect(f"/checkouts/{made}", 303)


WAITING = Query(
    WaitingPage,
    select(Checkout.id, Checkout.session_id, Checkout.customer_id).where(
        Checkout.user_id == text("(select auth.uid())"), Checkout.state == "open", Checkout.session_id.is_not(None)
    ),
)


def _paid_before() -> UUID | None:
    """Close the page of a choice before this one, so that nobody pays twice; that choice, if it was paid a moment ago."""
    before = WAITING.one_or_none(db.session())
    db.session.rollback()  # nothing is held while the provider is asked
    if before is None or provider.close_session(before.session_id) != "complete":
        return None
    actions.ask_about(db.session(), me())
    return before.id


def optional_uuid(typed: str | None) -> UUID | None:
    """The id that was sent along, if it is one."""
    try:
        return UUID(typed) if typed else None
    except ValueError:
        return None


CHECKOUT = Query(
    OwnCheckout,
    select(
        Checkout.id,
        Checkout.user_id,
        Checkout.order_id,
        Checkout.state,
        Checkout.subscription_type,
        Checkout.billing_cycle,
        Checkout.url,
        Checkout.customer_id,
        Checkout.transfer_plan_id,
        Checkout.starts_at,
        Checkout.created_at,
        Order.status,
        Order.order_number,
        Order.amount,
        Order.currency,
    )
    .join(Order, Order.id == Checkout.order_id)
    .where(Checkout.id == bindparam("checkout"), Checkout.user_id == bindparam("me")),
)


def _own(checkout_id: UUID) -> OwnCheckout:
    return find(CHECKOUT, checkout=checkout_id, me=me())


@bp.get("/checkouts/<uuid:checkout_id>")
def show(checkout_id: UUID) -> ResponseReturnValue:
    """What will be paid, and once it was: how it stands at the provider."""
    return _show(_own(checkout_id))


def _show(row: OwnCheckout) -> ResponseReturnValue:
    state = "paid" if row.status in ("completed", "refunded") or row.state == "paid" else row.state
    context = {
        "c": row,
        "plan": plans()[row.subscription_type],
        "per": CYCLES[row.billing_cycle],
        "state": state,
        "price": money.shown(row.amount, row.currency),
        "back": "back" in request.args or (wants_fragment() and state == "open"),
        "starts": viewer().day(row.starts_at),
        "covered": covered_until(),
    }
    return page("billing/_checkout.html" if wants_fragment() else "billing/checkout.html", **context)


@bp.post("/checkouts/<uuid:checkout_id>/pay")
def pay(checkout_id: UUID) -> ResponseReturnValue:
    """On to the provider's page; pressed twice, or in two tabs, it is the same page."""
    row = _own(checkout_id)
    return redirect(row.url or _payment_page(row), 303)


def _payment_page(row: OwnCheckout) -> str:
    wanted = actions.page_wanted(db.session(), row, current_user.email)
    db.session.rollback()  # nothing is held while the provider is asked
    made = provider.payment_page(wanted)
    if not actions.keep_page(db.session(), row, made):
        db.session.rollback()
        provider.close_session(made.session_id)
        raise actions.NothingToPay
    return made.url


@bp.post("/checkouts/<uuid:checkout_id>/check")
def check(checkout_id: UUID) -> ResponseReturnValue:
    """Ask the provider now how it stands."""
    limits.limit("check", allowed=60, seconds=600, whose=str(me()))
    row = _own(checkout_id)
    if row.customer_id and row.state == "open":
        actions.ask_about(db.session(), me())
    return _show(row) if wants_fragment() else redirect(f"/checkouts/{row.id}?back=1", 303)
