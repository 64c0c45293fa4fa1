"""Your plan: what you pay, when next, with what card; change it, end it, let it go on. And why you have access.

Wishes go to the provider first; the rows follow when it says so, a moment later.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text

from portal import audit, clock, limits
from portal.billing import CYCLES, Plan, access, money, plan_name, plans, provider, reading, trouble
from portal.billing.actions import ask_about, customers_of
from portal.billing.models import Payer, Subscription
from portal.database import db
from portal.problems import Refused
from portal.web import find, me, page, reader

bp = Blueprint("plan", __name__)

OWN = select(Subscription.__table__).where(Subscription.user_id == text("(select auth.uid())"), ~Subscription.twin)
LIVE = OWN.where(Subscription.live)
LATEST = (
    OWN.where(Subscription.status.not_in(("incomplete", "incomplete_expired")))
    .order_by(Subscription.started_at.desc())
    .limit(1)
)
ASKED = select(Payer.asked_at, Payer.fetched_at).where(
    Payer.user_id == text("(select auth.uid())"), Payer.asked_at.is_not(None)
)
COVERED = text("select first_name from family_people() where user_id <> auth.uid() order by family_joined_at")


class NoChange(Refused):
    """That is the plan you have. Nothing was changed."""


class PriceMoved(Refused):
    """This page was open too long and the amount has moved. Look at it again; nothing was charged."""


@bp.get("/account/access")
def why() -> ResponseReturnValue:
    """The verdict, every reason for it, and the dates on a line."""
    verdict = access.mine(db.session(), reader())
    return page("billing/access.html", v=verdict, line=access.line(verdict, reader().now), day=reader().day, t=trouble.trouble())


@bp.get("/plan")
def show() -> ResponseReturnValue:
    """What the reader pays and what can be done about it."""
    row = db.session.execute(LATEST).one_or_none()
    asked = db.session.execute(ASKED).first()
    waiting = asked is not None and (asked.fetched_at is None or asked.fetched_at < asked.asked_at)
    return page("billing/plan.html", s=_seen(row) if row else None, waiting=waiting, t=trouble.of_own_plan())


def _seen(row: Any) -> dict[str, Any]:
    day, following = reader().day, None
    if row.next_type and row.next_amount_minor:
        following = f"{plan_name(row.next_type, row.next_cycle)}, {_shown(row.next_amount_minor, row.currency)}"
    return {
        "live": row.live, "name": plan_name(row.subscription_type), "amount": _shown(row.amount_minor, row.currency),
        "per": CYCLES[row.billing_cycle], "renews": day(row.renews_at), "ends": day(row.ends_at), "ended": day(row.ended_at),
        "until": day(row.renews_at or row.ends_at), "card": row.card, "card_expires": row.card_expires,
        "failed": day(row.failed_at), "next_try": day(row.next_try_at), "next": following,
        "by_failure": row.ended_by == "failure",
    }  # fmt: skip


def _shown(minor: int, currency: str) -> str:
    return money.shown(money.major(minor, currency), currency)


@bp.post("/plan/card")
def card() -> ResponseReturnValue:
    """To the provider's page for the card, and back."""
    customers = customers_of(db.session(), me())
    let_go()
    customer = provider.first_living(customers) if customers else None
    if customer is None:
        return redirect("/plans", 303)
    return redirect(provider.portal_address(customer, f"{current_app.config['SETTINGS'].public_url}/plan"), 303)


@bp.get("/plan/end")
def ask_to_end() -> ResponseReturnValue:
    """What ending means, with its date, before anything happens."""
    row = find(LIVE)
    return page("billing/end.html", s=_seen(row), family=_covered(row))


def _covered(row: Any) -> list[str]:
    """Whom else the reader's plan covers, by first name."""
    return list(db.session.scalars(COVERED)) if row.subscription_type == "family" else []


@bp.post("/plan/end")
def end() -> ResponseReturnValue:
    """It ends with the paid period; everything stays until then."""
    row = find(LIVE)
    _wish(
        lambda: provider.set_to_end(row.provider_subscription_id, True), "plan.set-to-end", "The plan was set to end"
    )
    flash(f"Your plan ends on {_seen(row)['until']}. You keep everything until then.", "note")
    return redirect("/plan", 303)


@bp.post("/plan/resume")
def resume() -> ResponseReturnValue:
    """It goes on after all."""
    row = find(LIVE)
    _wish(lambda: provider.set_to_end(row.provider_subscription_id, False), "plan.resumed", "The plan goes on")
    flash("Your plan goes on. The next payment is on the day it would have ended.", "note")
    return redirect("/plan", 303)


# --- another plan ----------------------------------------------------------------------------------------------------


@bp.get("/plan/change")
def changes() -> ResponseReturnValue:
    """Every other plan, with what it would cost now or from when."""
    row = find(LIVE)
    offers = [
        {"plan": plan, "cycle": cycle, "price": plan.shown(cycle), "per": CYCLES[cycle], "now": _at_once(row, plan.key, cycle)}
        for plan in plans().values() for cycle in CYCLES
        if (plan.key, cycle) != (row.subscription_type, row.billing_cycle)
    ]  # fmt: skip
    return page("billing/changes.html", s=_seen(row), offers=offers)


def _at_once(row: Any, plan_key: str, cycle: str) -> bool:
    """More is had at once; what has less of anything begins when the paid period ends."""
    fewer = row.subscription_type == "family" and plan_key == "individual"
    shorter = row.billing_cycle == "yearly" and cycle == "monthly"
    return not (fewer or shorter)


def _another(plan_key: str, cycle: str) -> tuple[Any, Plan]:
    """The reader's live plan, and the one it is to become. Raises NoChange."""
    if plan_key not in plans() or cycle not in CYCLES:
        abort(404)
    row = find(LIVE)
    if (plan_key, cycle) == (row.subscription_type, row.billing_cycle):
        raise NoChange
    return row, plans()[plan_key]


@bp.get("/plan/change/<plan_key>/<cycle>")
def preview(plan_key: str, cycle: str) -> ResponseReturnValue:
    """One change in a sentence, with its amount and its day."""
    row, plan = _another(plan_key, cycle)
    about: dict[str, Any] = {
        "s": _seen(row), "plan": plan, "cycle": cycle, "per": CYCLES[cycle], "price": plan.shown(cycle),
        "family": _covered(row) if plan_key == "individual" else [], "now": _at_once(row, plan_key, cycle),
    }  # fmt: skip
    if about["now"]:
        about |= _costs(row, plan, cycle)
    return page("billing/change.html", **about)


def _costs(row: Any, plan: Plan, cycle: str) -> dict[str, Any]:
    """What the change charges at this moment; less than nothing is credit."""
    at = clock.now()
    theirs = _at_provider(row)
    minor = provider.change_costs(theirs.id, theirs.item, provider.price(plan, cycle), at)
    return {"costs": _shown(abs(minor), plan.currency), "credit": minor < 0, "minor": minor, "at": int(at.timestamp())}


@bp.post("/plan/change/<plan_key>/<cycle>")
def change(plan_key: str, cycle: str) -> ResponseReturnValue:
    """Do what the sentence said, for the amount it said."""
    row, plan = _another(plan_key, cycle)
    until, at_once = _seen(row)["until"], _at_once(row, plan_key, cycle)
    theirs, price_id = _at_provider(row), provider.price(plan, cycle)
    if at_once:
        _change_now(theirs, price_id, plan, cycle)
        flash(f"You are on {plan.name}, paid {cycle}, from now on.", "note")
    else:
        later = f"Later {plan.name}, {cycle}"
        _wish(lambda: provider.change_later(theirs.id, price_id), "plan.change-planned", later)
        flash(f"From {until} you are on {plan.name}, paid {cycle}. Until then nothing changes.", "note")
    return redirect("/plan", 303)


def _change_now(theirs: reading.Subscription, price_id: str, plan: Plan, cycle: str) -> None:
    at = _moment(request.form.get("at", ""))
    if str(provider.change_costs(theirs.id, theirs.item, price_id, at)) != request.form.get("minor"):
        raise PriceMoved
    _wish(
        lambda: provider.change_now(theirs.id, theirs.item, price_id, at), "plan.changed", f"Now {plan.name}, {cycle}"
    )


def _moment(given: str) -> datetime:
    """The moment the amount was worked out for; an hour old at most."""
    at = datetime.fromtimestamp(int(given) if given.isdecimal() and len(given) < 12 else 0, UTC)
    if not 0 <= (clock.now() - at).total_seconds() <= 3600:
        raise PriceMoved
    return at


@bp.post("/plan/change/cancel")
def keep() -> ResponseReturnValue:
    """A planned change is taken back."""
    if schedule := _at_provider(find(LIVE)).schedule:
        _wish(lambda: provider.change_never(schedule), "plan.change-dropped", "A planned change was taken back")
    flash("Your plan stays as it is.", "note")
    return redirect("/plan", 303)


# --- what goes to the provider ---------------------------------------------------------------------------------------


def let_go() -> None:
    """Nothing is held while the provider is asked, and nobody has it asked without end."""
    db.session.rollback()
    limits.limit("plan", allowed=60, seconds=3600, whose=str(me()))


def _at_provider(row: Any) -> reading.Subscription:
    name = row.provider_subscription_id
    let_go()
    return reading.subscription(name)


def _wish(wish: Callable[[], None], operation: str, message: str) -> None:
    """Tell the provider, note it, and have the facts fetched."""
    let_go()
    wish()
    audit.record(db.session(), operation, message, category="billing", subject_id=me())
    ask_about(db.session(), me())
