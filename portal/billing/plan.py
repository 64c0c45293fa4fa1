"""Your plan: what you pay, when next, with what card; change it, end it, let it go on.

Wishes go to the provider first; the rows follow when it says so, a moment later.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import func, select, text, update

from portal import audit, clock, limits
from portal.accounts.models import User
from portal.billing import CYCLES, Plan, entitlement, first_charge, money, plan_name, plans, provider, reading, trouble
from portal.billing.actions import ask_about, customers_of, note_wish
from portal.billing.models import Payer, Subscription
from portal.database import db
from portal.database.query import Query
from portal.problems import Refused
from portal.viewer import me, viewer
from portal.web import find, page

bp = Blueprint("plan", __name__)

T = TypeVar("T")


class OwnPlan(NamedTuple):
    """A subscription of whoever asks; its columns are those of `Subscription`."""

    provider_subscription_id: str
    status: str
    live: bool
    subscription_type: str
    billing_cycle: str
    amount_minor: int
    currency: str
    renews_at: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    failed_at: datetime | None
    next_try_at: datetime | None
    next_type: str | None
    next_cycle: str | None
    next_amount_minor: int | None
    card: str | None
    card_expires: str | None
    transfer_plan_id: UUID | None


class Waits(NamedTuple):
    """At how many names of theirs something was asked that is not answered yet, and what."""

    names: int
    wish: str | None


OWN = select(*(getattr(Subscription, name) for name in OwnPlan._fields)).where(
    Subscription.user_id == text("(select auth.uid())"), ~Subscription.is_duplicate
)
LIVE = Query(OwnPlan, OWN.where(Subscription.live))
LATEST = Query(
    OwnPlan,
    OWN.where(Subscription.status.not_in(("incomplete", "incomplete_expired")))
    .order_by(Subscription.started_at.desc())
    .limit(1),
)
WAITS = Query(
    Waits,
    select(func.count().label("names"), func.max(Payer.asked_for).label("wish")).where(
        Payer.user_id == text("(select auth.uid())"), func.coalesce(Payer.fetched_at, Payer.created_at) < Payer.asked_at
    ),
)
COVERED = text("select first_name from family_people() where user_id <> auth.uid() order by family_joined_at")


class NoChange(Refused):
    """That is the plan you have. Nothing was changed."""


class OtherCurrency(Refused):
    """Your plan is paid in another currency than the plans of today. End it, and choose a plan when it is over."""


class PriceMoved(Refused):
    """This page was open too long and the amount has changed. Open it again to see the new one; nothing was charged."""


@bp.get("/plan")
def show() -> ResponseReturnValue:
    """What the viewer pays and what can be done about it."""
    row = LATEST.one_or_none(db.session())
    waits = WAITS.one(db.session())
    return page(
        "billing/plan.html",
        s=shown_plan(row) if row else None,
        waiting=waits.names > 0,
        wish=waits.wish,
        t=trouble.of_own_plan(),
        renewal_mail=db.session.scalar(select(User.renewal_mail).where(User.id == me())),
        covered=_in_until(),
        unpaid_since=_unpaid_since(row) if row and row.live else "",
    )


def _unpaid_since(row: OwnPlan) -> str:
    """The day since when a plan runs that nobody has paid for; empty while it is paid, or its renewal is on the way."""
    sources = entitlement.MINE.all(db.session())
    own = [source for source in sources if source.source == "own" and source.phase not in ("disputed", "lost")]
    paid_until = max((source.promised_until for source in own), default=None)
    is_over = paid_until is not None and paid_until <= clock.now()
    counts = any(source.counts_until > clock.now() for source in own)
    return viewer().day(paid_until) if is_over and (row.failed_at or not counts) else ""


def _in_until() -> str:
    """The day to which the viewer is in, plan or not; empty if they are not."""
    return viewer().day(current_user.paid_until or current_user.access_until) if current_user.entitled else ""


@bp.post("/plan/mails")
def tell() -> ResponseReturnValue:
    """Whether a mail comes before each monthly payment."""
    wanted = request.form.get("tell") == "yes"
    db.session.execute(update(User).where(User.id == me()).values(renewal_mail=wanted))
    notice = (
        "An e-mail will come three days before each payment." if wanted else "No e-mail will come before your payments."
    )
    flash(notice, "note")
    return redirect("/plan", 303)


def shown_plan(row: OwnPlan) -> dict[str, object]:
    """A subscription in the words of the pages that show it."""
    day, following = viewer().day, None
    if row.next_type and row.next_amount_minor:
        following = f"{plan_name(row.next_type, row.next_cycle or row.billing_cycle)}, {_shown(row.next_amount_minor, row.currency)}"
    following_minor = row.amount_minor if row.next_amount_minor is None else row.next_amount_minor
    next_amount = _shown(following_minor, row.currency)
    return {
        "next_amount": next_amount,
        "live": row.live,
        "paused": row.status == "paused",
        "name": plan_name(row.subscription_type),
        "amount": _shown(row.amount_minor, row.currency),
        "per": CYCLES[row.billing_cycle],
        "renews": day(row.renews_at),
        "ends": day(row.ends_at),
        "ended": day(row.ended_at),
        "until": day(row.renews_at or row.ends_at),
        "card": row.card,
        "card_expires": row.card_expires,
        "failed": day(row.failed_at),
        "next_try": day(row.next_try_at),
        "next": following,
        "by_failure": row.ended_by == "failure",
        "yearly": row.billing_cycle == "yearly",
        "first": first_charge.is_ahead(row.status, row.renews_at),
        "handed_over": row.transfer_plan_id is not None,
    }


def _shown(minor: int, currency: str) -> str:
    return money.shown(money.major(minor, currency), currency)


@bp.post("/plan/card")
def card() -> ResponseReturnValue:
    """To the provider's page for the card, and back."""
    row, customers = LIVE.one_or_none(db.session()), customers_of(db.session(), me())
    let_go()
    if row:  # of several names at the provider, the one that pays
        customers = [provider.payer_of(row.provider_subscription_id)]
    customer = provider.first_living(customers) if customers else None
    if customer is None:
        return redirect("/plans", 303)
    return redirect(provider.customer_portal_url(customer, f"{current_app.config['SETTINGS'].public_url}/plan"), 303)


@bp.get("/plan/end")
def ask_to_end() -> ResponseReturnValue:
    """What ending means, with its date, before anything happens."""
    row = find(LIVE)
    unpaid = _unpaid_since(row) if row.failed_at else ""
    return page("billing/end.html", s=shown_plan(row), family=_covered(row), unpaid_since=unpaid)


def _covered(row: OwnPlan) -> list[str]:
    """Whom else the viewer's plan covers, by first name."""
    return list(db.session.scalars(COVERED)) if row.subscription_type == "family" else []


@bp.post("/plan/end")
def end() -> ResponseReturnValue:
    """End the plan with its paid period; access stays until then. One whose payment failed ends now, and is tried no more."""
    row, until = find(LIVE), shown_plan(find(LIVE))["until"]
    ended = _wish(
        lambda: provider.set_to_end(row.provider_subscription_id), "end", "plan.set-to-end", "The plan was set to end"
    )
    if ended:
        flash("Your plan has ended. The payment that failed is not tried again.", "note")
    else:
        flash(f"Your plan ends on {until}. You keep everything until then.", "note")
    return redirect("/plan", 303)


@bp.post("/plan/resume")
def resume() -> ResponseReturnValue:
    """Let a plan that was set to end renew again."""
    row = find(LIVE)
    _wish(lambda: provider.let_renew(row.provider_subscription_id), "renew", "plan.resumed", "The plan goes on")
    flash(f"Your plan renews after all. The next payment is on {shown_plan(row)['until']}.", "note")
    return redirect("/plan", 303)


# --- another plan ----------------------------------------------------------------------------------------------------


@bp.get("/plan/change")
def changes() -> ResponseReturnValue:
    """Every other plan, with what it would cost now or from when."""
    row = _changeable()
    offers = [
        {
            "plan": plan,
            "cycle": cycle,
            "price": plan.shown(cycle),
            "per": CYCLES[cycle],
            "now": _at_once(row, plan.key, cycle),
        }
        for plan in plans().values()
        for cycle in CYCLES
        if (plan.key, cycle) != (row.subscription_type, row.billing_cycle)
    ]
    return page("billing/changes.html", s=shown_plan(row), offers=offers)


def _changeable() -> OwnPlan:
    """The viewer's live plan. Raises OtherCurrency when the club sells in another by now."""
    row = find(LIVE)
    if any(plan.currency != row.currency for plan in plans().values()):
        raise OtherCurrency
    return row


def _at_once(row: OwnPlan, plan_key: str, cycle: str) -> bool:
    """More is had at once; what has less of anything begins when the paid period ends."""
    fewer = row.subscription_type == "family" and plan_key == "individual"
    shorter = row.billing_cycle == "yearly" and cycle == "monthly"
    return not (fewer or shorter)


def _another(plan_key: str, cycle: str) -> tuple[OwnPlan, Plan]:
    """The viewer's live plan, and the one it is to become. Raises NoChange or OtherCurrency."""
    if plan_key not in plans() or cycle not in CYCLES:
        abort(404)
    row = _changeable()
    if (plan_key, cycle) == (row.subscription_type, row.billing_cycle):
        raise NoChange
    return row, plans()[plan_key]


@bp.get("/plan/change/<plan_key>/<cycle>")
def preview(plan_key: str, cycle: str) -> ResponseReturnValue:
    """One change in a sentence, with its amount and its day."""
    row, plan = _another(plan_key, cycle)
    about: dict[str, object] = {
        "s": shown_plan(row),
        "plan": plan,
        "cycle": cycle,
        "per": CYCLES[cycle],
        "price": plan.shown(cycle),
        "family": _covered(row) if plan_key == "individual" else [],
        "now": _at_once(row, plan_key, cycle),
    }
    if about["now"]:
        about |= _costs(row, plan, cycle)
    return page("billing/change.html", **about)


def _costs(row: OwnPlan, plan: Plan, cycle: str) -> dict[str, object]:
    """What the change charges at this moment; less than nothing is credit."""
    at = clock.now()
    theirs = _at_provider(row)
    minor = provider.change_costs(theirs.id, theirs.item, provider.price(plan, cycle), at)
    return {"costs": _shown(abs(minor), plan.currency), "credit": minor < 0, "minor": minor, "at": int(at.timestamp())}


@bp.post("/plan/change/<plan_key>/<cycle>")
def change(plan_key: str, cycle: str) -> ResponseReturnValue:
    """Change the plan, for the amount that the preview showed."""
    row, plan = _another(plan_key, cycle)
    until, at_once = shown_plan(row)["until"], _at_once(row, plan_key, cycle)
    theirs, price_id = _at_provider(row), provider.price(plan, cycle)
    if at_once:
        if page_of_bill := _change_now(theirs, price_id, plan, cycle):
            return redirect(page_of_bill, 303)
        flash(f"You have changed to {plan.name}, paid {cycle}.", "note")
    else:
        later = f"Later {plan.name}, {cycle}"
        _wish(lambda: provider.change_later(theirs.id, price_id), "change", "plan.change-planned", later)
        flash(f"From {until} you will be on {plan.name}, paid {cycle}. Until then nothing changes.", "note")
    return redirect("/plan", 303)


def _change_now(theirs: reading.Subscription, price_id: str, plan: Plan, cycle: str) -> str:
    """The change; where its payer has to confirm it with the bank first, if so."""
    at = _moment(request.form.get("at", ""))
    if str(provider.change_costs(theirs.id, theirs.item, price_id, at)) != request.form.get("minor"):
        raise PriceMoved
    return _wish(
        lambda: provider.change_now(theirs.id, theirs.item, price_id, at),
        "change",
        "plan.changed",
        f"Now {plan.name}, {cycle}",
    )


def _moment(typed: str) -> datetime:
    """The moment the amount was worked out for; an hour old at most."""
    at = datetime.fromtimestamp(int(typed) if typed.isdecimal() and len(typed) < 12 else 0, UTC)
    if not 0 <= (clock.now() - at).total_seconds() <= 3600:
        raise PriceMoved
    return at


@bp.post("/plan/change/cancel")
def keep() -> ResponseReturnValue:
    """Cancel a planned change."""
    if schedule := _at_provider(find(LIVE)).schedule:
        _wish(lambda: provider.change_never(schedule), "stay", "plan.change-dropped", "A planned change was taken back")
    flash("Your plan stays as it is.", "note")
    return redirect("/plan", 303)


# --- what goes to the provider ---------------------------------------------------------------------------------------


def let_go() -> None:
    """Nothing is held while the provider is asked, and nobody has it asked without end."""
    db.session.rollback()
    limits.limit("plan", allowed=60, seconds=3600, whose=str(me()))


def _at_provider(row: OwnPlan) -> reading.Subscription:
    name = row.provider_subscription_id
    let_go()
    return reading.subscription(name)


def _wish(tell_provider: Callable[[], T], wish: str, operation: str, message: str) -> T:
    """Tell the provider, note it, and have the facts fetched; until they are, the page says what was wished. Its answer."""
    let_go()
    answer = tell_provider()
    note_wish(db.session(), me(), wish)
    audit.record(db.session(), operation, message, category="billing", subject_id=me())
    ask_about(db.session(), me())
    return answer
