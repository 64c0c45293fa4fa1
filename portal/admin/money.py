"""Money for admins: what came in, what the provider and the club disagree on; one person's money, and what may be done.

Nothing here moves money by itself: a refund is asked of the provider, and the order changes when the provider says so.
"""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text
from wtforms import DateField, DecimalField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from portal import audit, clock, jobs
from portal.access import admin, elevated
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.billing import access, money, provider
from portal.billing.actions import ask_provider, customers_of
from portal.billing.models import Drift, Order, ProviderEvent, Subscription
from portal.billing.views import line
from portal.database import db
from portal.forms import Form
from portal.times import date_in_words, since
from portal.web import find, me, page, reader

MONTHS = text("""
select day, coalesce(sum(o.amount - o.refunded_amount), 0) as kept
  from (select cast(d as date) as day, d at time zone :zone as begins, (d + interval '1 month') at time zone :zone as ends
          from generate_series(cast(:first as timestamp), cast(:last as timestamp), interval '1 month') d) m
  left join orders o on o.completed_at >= m.begins and o.completed_at < m.ends and o.currency = :currency
       and coalesce(o.dispute_state, 'won') = 'won'
 group by day order by day
""")
STANDING = text("""
select (select count(*) from subscriptions where status in ('trialing', 'active', 'past_due', 'unpaid') and not twin) as live,
       (select count(*) from subscriptions where status in ('past_due', 'unpaid')) as failing,
       (select count(*) from subscriptions where ends_at > :at) as ending,
       (select count(*) from provider_events where handled_at is null and customer_id is not null) as unheard,
       (select max(timestamp) from system_logs where category = 'billing' and level in ('info', 'warn')
         and operation = 'billing.reconciled') as compared
""")
GIVE = text("select give_access(:person, :kind, :until, :why, :at)")
CUT = text("select cut_order(:order, :until, :at)")


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/money", "money", overview)
    bp.add_url_rule("/money/compare", "compare", compare, methods=["POST"])
    one = "/people/<uuid:person_id>/money"
    bp.add_url_rule(one, "person_money", of_person)
    bp.add_url_rule(f"{one}/ask", "person_ask", ask, methods=["POST"])
    bp.add_url_rule(f"{one}/days", "person_days", give, methods=["POST"])
    bp.add_url_rule("/orders/<number>/refund", "refund", refund)
    bp.add_url_rule("/orders/<number>/refund", "send_refund", send_refund, methods=["POST"])


class DaysForm(Form):
    """Days without an order."""

    kind = SelectField("Why", choices=[("complimentary", "From the club"), ("offline", "Paid outside the portal")])
    until = DateField(
        "Until", validators=[InputRequired("Give a day.")], description="The last day, in the club’s zone."
    )
    reason = StringField(
        "Reason",
        validators=[InputRequired("Say why; the person sees it."), Length(max=200)],
        description="The person sees it.",
    )


class RefundForm(Form):
    """Some or all of a payment."""

    amount = DecimalField("Amount", validators=[InputRequired("Give an amount, like 12.00.")])
    cut = DateField(
        "Access from this order ends on", validators=[Optional()], description="Leave it empty and access stays."
    )
    reason = StringField("Reason", validators=[InputRequired("Say why, for the log."), Length(max=200)])


@admin
def overview() -> ResponseReturnValue:
    """What came in by month, how the subscriptions stand, and where provider and club disagree."""
    at, currency = clock.now(), current_app.config["SETTINGS"].currency
    last = reader().now.date().replace(day=1)
    first = (last - timedelta(days=330)).replace(day=1)
    months = db.session.execute(
        MONTHS, {"first": first, "last": last, "currency": currency, "zone": reader().zone}
    ).all()
    now = db.session.execute(STANDING, {"at": at}).one()
    drifts = db.session.scalars(
        select(Drift).where(Drift.resolved_at.is_(None)).order_by(Drift.found_at).limit(100)
    ).all()
    return page(
        "admin/money.html", bars=[(round(m.kept), f"{m.day:%b %Y}") for m in months], currency=currency,
        figures=[
            (f"{now.live:,}", "live subscriptions", ""), (f"{now.failing:,}", "with a failed payment", ""),
            (f"{now.ending:,}", "set to end", ""), (money.shown(months[-1].kept, currency), "this month, after refunds", ""),
        ],
        drifts=[{"said": d.said, "since": since(d.found_at, reader().now), "person": d.user_id} for d in drifts],
        unheard=now.unheard, compared=since(now.compared, reader().now) if now.compared else "",
    )  # fmt: skip


@admin
def compare() -> ResponseReturnValue:
    """Do now what is done each night."""
    jobs.enqueue(db.session(), "billing.reconcile", one_at_a_time="billing.reconcile")
    audit.record(db.session(), "billing.compare-asked", "Asked to compare with the provider", category="billing")
    flash("The worker compares now; look again in a moment.", "note")
    return redirect("/admin/money", 303)


@admin
def of_person(person_id: UUID) -> ResponseReturnValue:
    """Why somebody has access, what they paid, and what the provider said of them."""
    return _person_page(person_id, DaysForm())


def _person_page(person_id: UUID, form: DaysForm, status: int = 200) -> ResponseReturnValue:
    who = find(select(User.id, User.first_name, User.last_name, User.email).where(User.id == person_id))
    verdict = access.of(db.session(), person_id, reader())
    bought = db.session.scalars(
        select(Order).where(Order.user_id == person_id).order_by(Order.created_at.desc(), Order.id.desc()).limit(50)
    ).all()
    plans = db.session.scalars(
        select(Subscription).where(Subscription.user_id == person_id).order_by(Subscription.started_at.desc()).limit(10)
    ).all()
    customers = customers_of(db.session(), person_id)
    events = db.session.scalars(
        select(ProviderEvent)
        .where(ProviderEvent.customer_id.in_(customers))
        .order_by(ProviderEvent.received_at.desc(), ProviderEvent.id)
        .limit(50)
    ).all()
    now = reader().now
    return page(
        "admin/person_money.html", status, who=who, name=display_name(who.first_name, who.last_name, who.email), v=verdict,
        line=access.line(verdict, now), day=_day, form=form, orders=[_order(o, now) for o in bought],
        plans=plans, customers=customers,
        events=[{"kind": e.kind, "at": since(e.received_at, now), "did": e.outcome or "waiting"} for e in events],
    )  # fmt: skip


def _order(order: Order, now: datetime) -> dict[str, Any]:
    said = line(order, now)
    return said | {"refundable": order.status == "completed" and order.provider_payment_id is not None}


def _day(moment: datetime | None) -> str:
    return date_in_words(moment.astimezone(reader().now.tzinfo)) if moment else ""


@admin
def ask(person_id: UUID) -> ResponseReturnValue:
    """Have the provider asked about one person now."""
    customers = customers_of(db.session(), person_id)
    for customer_id in customers:
        ask_provider(db.session(), customer_id)
    flash(
        "Stripe is asked now; look again in a moment." if customers else "This person has never paid at Stripe.", "note"
    )
    return redirect(f"/admin/people/{person_id}/money", 303)


@admin
@elevated
def give(person_id: UUID) -> ResponseReturnValue:
    """Days from the club, or for money that came another way."""
    form = DaysForm()
    find(select(User.id).where(User.id == person_id))
    if form.validate() and form.until.data < reader().now.date():
        form.until.errors = ["That day is over. Give a later one."]
    if form.errors:
        return _person_page(person_id, form, 422)
    until = datetime.combine(form.until.data + timedelta(days=1), time(0), reader().tz)
    db.session.execute(
        GIVE, {"person": person_id, "kind": form.kind.data, "until": until, "why": form.reason.data, "at": clock.now()}
    )
    audit.record(
        db.session(),
        "access.given",
        f"Days given: {form.kind.data}, {form.reason.data}",
        category="billing",
        subject_id=person_id,
    )
    flash(f"Given, until {date_in_words(form.until.data)}.", "note")
    return redirect(f"/admin/people/{person_id}/money", 303)


ORDER = select(
    Order.id, Order.user_id, Order.order_number, Order.amount, Order.refunded_amount, Order.currency,
    Order.provider_payment_id, Order.period_end, User.first_name, User.last_name, User.email,
).join(User, User.id == Order.user_id)  # fmt: skip


def _refundable(number: str) -> Any:
    return find(
        ORDER.where(
            Order.order_number == number.replace("\x00", ""),
            Order.status == "completed",
            Order.provider_payment_id.is_not(None),
        )
    )


@admin
def refund(number: str) -> ResponseReturnValue:
    """How much goes back, and what that means."""
    row = _refundable(number)
    return _refund_page(row, RefundForm(amount=row.amount - row.refunded_amount))


def _refund_page(row: Any, form: RefundForm, status: int = 200) -> ResponseReturnValue:
    return page(
        "admin/refund.html", status, o=row, form=form, name=display_name(row.first_name, row.last_name, row.email),
        left=money.shown(row.amount - row.refunded_amount, row.currency), paid_until=_day(row.period_end),
    )  # fmt: skip


@admin
@elevated
def send_refund(number: str) -> ResponseReturnValue:
    """Ask the provider to give it back; the order changes when it has."""
    row, form = _refundable(number), RefundForm()
    left = row.amount - row.refunded_amount
    if form.validate() and not _whole(form.amount.data, left, row.currency):
        form.amount.errors = [
            f"Give an amount up to {money.shown(left, row.currency)}, in the currency’s own decimals."
        ]
    if form.errors:
        return _refund_page(row, form, 422)
    minor, admin_id = money.minor(form.amount.data, row.currency), me()
    customers = customers_of(db.session(), row.user_id)
    db.session.rollback()  # nothing is held while the provider is asked
    # The same button pressed twice is one refund: what had gone back before is part of its key.
    provider.give_back(
        row.provider_payment_id, f"{row.id}-{money.minor(row.refunded_amount, row.currency)}-{minor}", minor
    )
    if form.cut.data:
        ends = datetime.combine(form.cut.data, time(0), reader().tz)
        db.session.execute(CUT, {"order": row.id, "until": ends, "at": clock.now()})
    audit.record(
        db.session(), "order.refund-asked", f"Refund of {form.amount.data} {row.currency} of {row.order_number}: {form.reason.data}",
        category="billing", subject_id=row.user_id, by=str(admin_id),
    )  # fmt: skip
    for customer_id in customers:
        ask_provider(db.session(), customer_id)
    flash("Stripe gives it back; the order says so in a moment.", "note")
    return redirect(f"/admin/people/{row.user_id}/money", 303)


def _whole(amount: Decimal, left: Decimal, currency: str) -> bool:
    """Whether an amount can be paid in the currency and is no more than what is left."""
    return amount.is_finite() and 0 < amount <= left and amount == round(amount, money.decimals(currency))
