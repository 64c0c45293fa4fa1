"""Your plan: what you pay, when next, with what card; change it, end it, let it go on. And why you have access.

Wishes go to the provider first; the rows follow when it says so, a moment later.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text, update

from portal import audit, clock
from portal.billing import CYCLES, access, money, plan_name, plans, provider, reading
from portal.billing.actions import ask_provider, customers_of
from portal.billing.models import Payer, Subscription
from portal.database import db
from portal.problems import Refused
from portal.times import date_in_words
from portal.web import find, me, page, reader

bp = Blueprint("plan", __name__)

OWN = select(Subscription.__table__).where(Subscription.user_id == text("(select auth.uid())"), ~Subscription.twin)
LIVE = OWN.where(Subscription.status.in_(provider.LIVE))
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
    return page("billing/access.html", v=verdict, line=access.line(verdict, reader().now), day=_day)


@bp.get("/plan")
def show() -> ResponseReturnValue:
    """What the reader pays and what can be done about it."""
    row = db.session.execute(LATEST).one_or_none()
    asked = db.session.execute(ASKED).first()
    waiting = asked is not None and (asked.fetched_at is None or asked.fetched_at < asked.asked_at)
    return page("billing/plan.html", s=_seen(row) if row else None, waiting=waiting)


def _seen(row: Any) -> dict[str, Any]:
    live = row.status in provider.LIVE
    following = None
    if row.next_type and row.next_amount_minor:
        amount = money.shown(money.major(row.next_amount_minor, row.currency), row.currency)
        following = f"{plan_name(row.next_type, row.next_cycle)}, {amount}"
    return {
        "live": live, "name": plan_name(row.subscription_type),
        "amount": money.shown(money.major(row.amount_minor, row.currency), row.currency), "per": CYCLES[row.billing_cycle],
        "renews": _day(row.renews_at), "ends": _day(row.ends_at), "ended": _day(row.ended_at), "card": row.card,
        "card_expires": row.card_expires, "failed": _day(row.failed_at), "next_try": _day(row.next_try_at),
        "next": following, "by_failure": row.ended_by == "failure",
    }  # fmt: skip


def _day(moment: datetime | None) -> str:
    return date_in_words(moment.astimezone(reader().now.tzinfo)) if moment else ""


@bp.post("/plan/card")
def card() -> ResponseReturnValue:
    """To the provider's page for the card, and back."""
    customers = customers_of(db.session(), me())
    if not customers:
        return redirect("/plans", 303)
    db.session.rollback()
    return redirect(provider.portal_address(customers[0], f"{current_app.config['SETTINGS'].public_url}/plan"), 303)


@bp.get("/plan/end")
def ask_to_end() -> ResponseReturnValue:
    """What ending means, with its date, before anything happens."""
    row = find(LIVE)
    family = db.session.execute(COVERED).scalars().all() if row.subscription_type == "family" else []
    return page("billing/end.html", s=_seen(row), family=family)


@bp.post("/plan/end")
def end() -> ResponseReturnValue:
    """It ends with the paid period; everything stays until then."""
    row = find(LIVE)
    _wish(
        lambda: provider.set_to_end(row.provider_subscription_id, True),
        "plan.set-to-end",
        "The plan was set to end",
    )
    flash(f"Your plan ends on {_day(row.renews_at or row.ends_at)}. You keep everything until then.", "note")
    return redirect("/plan", 303)


@bp.post("/plan/resume")
def resume() -> ResponseReturnValue:
    """It goes on after all."""
    row = find(LIVE)
    _wish(lambda: provider.set_to_end(row.provider_subscription_id, False), "plan.resumed", "The plan goes on")
    flash("Your plan goes on. The next payment is on the day it would have ended.", "note")
    return redirect("/plan", 303)


@bp.get("/plan/change")
def changes() -> ResponseReturnValue:
    """Every other plan, with what it would cost now or from when."""
    row = find(LIVE)
    offers = [
        {"plan": plan, "cycle": cycle, "price": plan.shown(cycle), "per": CYCLES[cycle], "now": _now(row, plan.key, cycle)}
        for plan in plans().values() for cycle in CYCLES
        if (plan.key, cycle) != (row.subscription_type, row.billing_cycle)
    ]  # fmt: skip
    return page("billing/changes.html", s=_seen(row), offers=offers)


def _now(row: Any, plan_key: str, cycle: str) -> bool:
    """More is had at once; less begins when the paid period ends."""
    more = (plan_key == "family", cycle == "yearly") > (
        row.subscription_type == "family",
        row.billing_cycle == "yearly",
    )
    loses = (row.subscription_type == "family" and plan_key == "individual") or (
        row.billing_cycle == "yearly" and cycle == "monthly"
    )
    return more and not loses


@bp.get("/plan/change/<plan_key>/<cycle>")
def preview(plan_key: str, cycle: str) -> ResponseReturnValue:
    """One change in a sentence, with its amount and its day."""
    row, plan = find(LIVE), _known(plan_key, cycle)
    if (plan_key, cycle) == (row.subscription_type, row.billing_cycle):
        raise NoChange
    now, at = _now(row, plan_key, cycle), clock.now()
    family = db.session.execute(COVERED).scalars().all() if row.subscription_type == "family" != plan_key else []
    costs = None
    if now:
        facts = _at_provider(row)
        costs = provider.change_costs(facts.id, facts.item, provider.price(plan, cycle), at)
    return page(
        "billing/change.html", s=_seen(row), plan=plan, cycle=cycle, per=CYCLES[cycle], price=plan.shown(cycle), now=now,
        costs=None if costs is None else money.shown(money.major(abs(costs), plan.currency), plan.currency),
        credit=costs is not None and costs < 0, minor=costs, at=int(at.timestamp()), family=family, day=_day(row.renews_at or row.ends_at),
    )  # fmt: skip


def _known(plan_key: str, cycle: str) -> Any:
    if plan_key not in plans() or cycle not in CYCLES:
        abort(404)
    return plans()[plan_key]


def _at_provider(row: Any) -> reading.Subscription:
    name, customers = row.provider_subscription_id, customers_of(db.session(), me())
    db.session.rollback()
    return next(s for customer in customers for s in reading.fetch(customer).subscriptions if s.id == name)


@bp.post("/plan/change/<plan_key>/<cycle>")
def change(plan_key: str, cycle: str) -> ResponseReturnValue:
    """Do what the sentence said, for the amount it said."""
    row, plan = find(LIVE), _known(plan_key, cycle)
    if (plan_key, cycle) == (row.subscription_type, row.billing_cycle):
        raise NoChange
    facts, price_id = _at_provider(row), provider.price(plan, cycle)
    if _now(row, plan_key, cycle):
        at = _moment(request.form.get("at", ""))
        if str(provider.change_costs(facts.id, facts.item, price_id, at)) != request.form.get("minor"):
            raise PriceMoved
        _wish(
            lambda: provider.change_now(facts.id, facts.item, price_id, at),
            "plan.changed",
            f"Now {plan.name}, {cycle}",
        )
        flash(f"You are on {plan.name}, paid {cycle}, from now on.", "note")
    else:
        _wish(lambda: provider.change_later(facts.id, price_id), "plan.change-planned", f"Later {plan.name}, {cycle}")
        flash(
            f"From {_day(row.renews_at or row.ends_at)} you are on {plan.name}, paid {cycle}. Until then nothing changes.",
            "note",
        )
    return redirect("/plan", 303)


def _moment(given: str) -> datetime:
    """The moment the amount was worked out for; an hour old at most."""
    at = (
        datetime.fromtimestamp(int(given), UTC)
        if given.isdecimal() and len(given) < 12
        else datetime.fromtimestamp(0, UTC)
    )
    if not 0 <= (clock.now() - at).total_seconds() <= 3600:
        raise PriceMoved
    return at


@bp.post("/plan/change/cancel")
def keep() -> ResponseReturnValue:
    """A planned change is taken back."""
    row = find(LIVE)
    if schedule := _at_provider(row).schedule:
        _wish(lambda: provider.change_never(schedule), "plan.change-dropped", "A planned change was taken back")
    flash("Your plan stays as it is.", "note")
    return redirect("/plan", 303)


def _wish(wish: Callable[[], None], operation: str, message: str) -> None:
    """Tell the provider, note it, and have the facts fetched."""
    db.session.rollback()  # nothing is held while the provider is asked
    wish()
    audit.record(db.session(), operation, message, category="billing", subject_id=me())
    db.session.execute(update(Payer).where(Payer.user_id == me()).values(asked_at=clock.now()))
    for customer_id in customers_of(db.session(), me()):
        ask_provider(db.session(), customer_id)
