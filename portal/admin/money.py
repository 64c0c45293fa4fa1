"""Money for admins: what came in, what the provider and the club disagree on; one person's money, and what may be done.

Nothing here moves money by itself: a refund is asked of the provider, and the order changes when the provider says so. Where
no cards are taken, an admin says what came in and what was sent back.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, flash, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, or_, select, text
from wtforms import DateField, DecimalField, Field, HiddenField, SelectField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from portal import audit, clock
from portal.access import admin
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.accounts.queries import NAME
from portal.admin import renewal
from portal.billing import actions, entitlement, money, plan_name, provider, transfers
from portal.billing.jobs import reconcile
from portal.billing.models import Drift, Order, ProviderEvent, Subscription
from portal.billing.orders import COLUMNS, STATE, OrderRow, line
from portal.billing.refundable import Refundable
from portal.billing.ways import only
from portal.config import Settings
from portal.database import db
from portal.database.query import Query
from portal.database.rows import row_type, typed
from portal.forms import Form, Line, readable, this_century
from portal.sentences import ngettext
from portal.times import date_in_words, moment_of, since
from portal.viewer import viewer
from portal.web import find, page


class Month(NamedTuple):
    """What was kept in a month that begins on this day."""

    day: date
    kept: Decimal


class Now(NamedTuple):
    """How the subscriptions stand, how many words of the provider's wait, and when both sides were last compared."""

    live: int
    failing: int
    ending: int
    unhandled: int
    compared: datetime | None


class Differs(NamedTuple):
    """Where the provider and the club differ, and about whom."""

    difference: str
    found_at: datetime
    user_id: UUID | None
    first_name: str | None
    last_name: str | None
    email: str | None


@row_type
class Waiting(OrderRow):
    """An order whose money has not come, with its buyer."""

    user_id: UUID
    first_name: str | None
    last_name: str | None
    email: str


@row_type
class Disputed(OrderRow):
    """An order whose money a bank has asked back, with its buyer."""

    user_id: UUID
    disputed_at: datetime
    first_name: str | None
    last_name: str | None
    email: str


class Who(NamedTuple):
    """Whose money it is."""

    id: UUID
    first_name: str | None
    last_name: str | None
    email: str


MONTHS = Query(
    Month,
    text("""
select day, coalesce(sum(i.kept), 0) as kept
  from unnest(cast(:days as date[]), cast(:begins as timestamptz[]), cast(:ends as timestamptz[])) m (day, begins, ends)
  left join income i on i.completed_at >= m.begins and i.completed_at < m.ends and i.currency = :currency
 group by day order by day
"""),
)
STANDING = Query(
    Now,
    text("""
select (select count(*) from subscriptions where live) as live,
       (select count(*) from subscriptions where live and failed_at is not null) as failing,
       (select count(*) from subscriptions where live and ends_at > :at) as ending,
       (select count(*) from provider_events where handled_at is null) as unhandled,
       (select max(timestamp) from system_logs where category = 'billing' and level in ('info', 'warn')
         and operation = 'billing.reconciled') as compared
"""),
)
DRIFTS = Query(
    Differs,
    select(Drift.difference, Drift.found_at, Drift.user_id, User.first_name, User.last_name, User.email)
    .outerjoin(User, User.id == Drift.user_id)
    .where(Drift.resolved_at.is_(None))
    .order_by(Drift.found_at)
    .limit(100),
)
WAITING = Query(
    Waiting,
    select(*COLUMNS, Order.user_id, User.first_name, User.last_name, User.email)
    .join(User, User.id == Order.user_id)
    .where(Order.status == "pending", Order.payment_provider == "transfer")
    .order_by(Order.created_at)
    .limit(200),
)
DISPUTED = Query(
    Disputed,
    select(*COLUMNS, Order.user_id, Order.disputed_at, User.first_name, User.last_name, User.email)
    .join(User, User.id == Order.user_id)
    .where(Order.dispute_state == "open")
    .order_by(Order.disputed_at)
    .limit(100),
)
WHO = Query(Who, select(User.id, User.first_name, User.last_name, User.email).where(User.id == bindparam("person")))


NOON = time(12)
"""Only the day a payment came is known."""


def add_to(bp: Blueprint) -> None:
    """Routes of this subject; a club that is free has none of them."""
    paid, by_card, by_transfer = only("card", "transfer"), only("card"), only("transfer")
    bp.add_url_rule("/money", "money", paid(overview))
    bp.add_url_rule("/money/compare", "compare", by_card(compare), methods=["POST"])
    one = "/people/<uuid:person_id>/money"
    bp.add_url_rule(one, "person_money", paid(of_person))
    bp.add_url_rule(f"{one}/ask", "person_ask", by_card(ask), methods=["POST"])
    bp.add_url_rule(f"{one}/days", "person_days", paid(give), methods=["POST"])
    bp.add_url_rule("/orders/<number>/refund", "refund", paid(refund))
    bp.add_url_rule("/orders/<number>/refund", "send_refund", paid(send_refund), methods=["POST"])
    bp.add_url_rule("/orders/<number>/paid", "ask_paid", by_transfer(ask_paid))
    bp.add_url_rule("/orders/<number>/paid", "mark_paid", by_transfer(mark_paid), methods=["POST"])


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


class DaysForm(Form):
    """Days without an order."""

    kind = SelectField(
        "Why",
        choices=[SelectChoice("complimentary", "From the club"), SelectChoice("offline", "Paid outside the portal")],
    )
    until = DateField(
        "Until",
        validators=[readable("Give a day that exists."), this_century],
        description="The last day, in the club’s zone.",
    )
    reason = Line("Reason", most=200, missing="Say why; the person sees it.", description="The person sees it.")

    def validate_until(self, field: Field) -> None:
        """A day that is not over where the club is."""
        if field.data < _today():
            raise ValidationError("That day is over. Give a later one.")


class BackForm(Form):
    """Some or all of a payment."""

    order: Refundable
    """The order it is about."""
    amount = DecimalField("Amount", validators=[readable("Give an amount, like 12.00.")])
    cut = DateField(
        "Access until",
        validators=[Optional(), readable("Give a day that exists."), this_century],
        description="The last day, in the club’s zone. Leave it empty to keep access as it is.",
    )

    def validate_amount(self, field: Field) -> None:
        """It can be paid in the currency, and is no more than what is left."""
        left, currency = self.order.amount - self.order.refunded_amount, self.order.currency
        some = field.data.is_finite() and 0 < field.data <= left
        if not (some and money.can_be_paid(field.data, currency)):
            steps = money.shown(money.least(currency), currency)
            raise ValidationError(f"Give an amount up to {money.shown(left, currency)}, in steps of {steps}.")


class RefundForm(BackForm):
    """What the provider is asked to give back."""

    reason = Line("Reason", most=200, missing="Say why, for the log.")


class ReturnForm(BackForm):
    """What was sent back by hand; `before` is what had gone back when the page was shown."""

    reference = Line(
        "Reference",
        most=200,
        missing="Say how it went back, like the bank’s own number for it.",
        description="How it went back, as the bank’s statement names it.",
    )
    before = HiddenField()


class PaidForm(Form):
    """The payment of an order that came in."""

    came = DateField(
        "Day it came",
        validators=[readable("Give a day that exists."), this_century],
        description="As the bank’s statement has it; it counts as income of that day.",
    )
    reference = Line(
        "Reference",
        most=200,
        missing="Give what the bank’s statement calls it.",
        description="As the bank’s statement names it; the receipt shows it.",
    )

    def validate_came(self, field: Field) -> None:
        """No day that is still to come where the club is."""
        if field.data > _today():
            raise ValidationError("That day is still to come. Give the day the money came.")


# --- the club's ------------------------------------------------------------------------------------------------------


@admin
def overview() -> ResponseReturnValue:
    """What came in by month, how the subscriptions stand, and where provider and club disagree."""
    now, months = STANDING.one(db.session(), at=clock.now()), _months()
    waiting = _waiting()
    return page(
        "admin/money.html",
        bars=[(round(m.kept), f"{m.day:%b %Y}") for m in months],
        currency=_settings().currency,
        waiting=waiting,
        figures=[
            (f"{len(waiting):,}", ngettext("order waits", "orders wait", len(waiting)), "#waiting"),
            (money.shown(months[-1].kept, _settings().currency), "this month, after refunds", ""),
        ]
        if _settings().payment_way == "transfer"
        else [
            (f"{now.live:,}", "active subscriptions", "/admin/people?access=paying"),
            (f"{now.failing:,}", "with a failed payment", "/admin/people?access=failed"),
            (f"{now.ending:,}", "set to end", "/admin/people?access=leaving"),
            (money.shown(months[-1].kept, _settings().currency), "this month, after refunds", ""),
        ],
        heading=f"{money.shown(months[-1].kept, _settings().currency)} came in this month",
        drifts=[
            (
                row.difference,
                since(row.found_at, viewer().now),
                row.user_id,
                display_name(row.first_name, row.last_name, row.email) if row.email else "",
            )
            for row in DRIFTS.all(db.session())
        ],
        disputes=[
            line(row, viewer().now)
            | {
                "since": since(row.disputed_at, viewer().now),
                "person": row.user_id,
                "name": display_name(row.first_name, row.last_name, row.email),
            }
            for row in DISPUTED.all(db.session())
        ],
        unhandled=now.unhandled,
        compared=since(now.compared, viewer().now) if now.compared else "",
    )


def _waiting() -> list[dict[str, object]]:
    """The orders that wait for their money, the oldest first."""
    return [
        line(row, viewer().now)
        | {
            "since": since(row.created_at, viewer().now),
            "person": row.user_id,
            "name": display_name(row.first_name, row.last_name, row.email),
        }
        for row in WAITING.all(db.session())
    ]


def _months() -> list[Month]:
    """The last twelve months of the viewer's calendar, the running one too, with what was kept in each."""
    middle = viewer().now.date().replace(day=15)
    days = [(middle + timedelta(days=365.25 / 12 * n)).replace(day=1) for n in range(-11, 2)]
    bounds = [moment_of(day, time(0), viewer().zone) for day in days]
    return MONTHS.all(db.session(), days=days[:-1], begins=bounds[:-1], ends=bounds[1:], currency=_settings().currency)


@admin
def compare() -> ResponseReturnValue:
    """Start the nightly comparison with the provider now."""
    reconcile.enqueue(db.session())
    audit.record(db.session(), "billing.compare-asked", "Asked to compare with the provider", category="billing")
    flash("Stripe is being compared with the club now. Reload this page in a moment.", "note")
    return redirect("/admin/money", 303)


# --- one person's ----------------------------------------------------------------------------------------------------


@admin
def of_person(person_id: UUID) -> ResponseReturnValue:
    """Why somebody has access, what they paid, and what the provider said of them."""
    return _person_page(person_id, DaysForm())


def _person_page(person_id: UUID, form: DaysForm, status: int = 200) -> ResponseReturnValue:
    who = find(WHO, person=person_id)
    audit.person_opened(db.session(), person_id)
    granted, now = entitlement.of(db.session(), person_id, viewer()), viewer().now
    customers = actions.customers_of(db.session(), person_id)
    return page(
        "admin/person_money.html",
        status,
        who=who,
        name=display_name(who.first_name, who.last_name, who.email),
        v=granted,
        line=entitlement.timeline(granted, viewer()),
        day=viewer().day,
        form=form,
        orders=_orders(person_id),
        plans=_plans(person_id),
        renewing=renewal.of(person_id),
        customers=customers,
        events=[
            {"kind": e.kind, "at": since(e.received_at, now), "did": e.outcome or "waiting"} for e in _events(customers)
        ],
    )


def _orders(person_id: UUID) -> list[dict[str, object]]:
    cards = provider.is_connected()
    bought = select(*COLUMNS).where(Order.user_id == person_id).order_by(Order.created_at.desc(), Order.id.desc())
    return [
        line(row, viewer().now)
        | {
            "refundable": row.state in REFUNDABLE
            and (row.payment_provider == "transfer" or (row.provider_payment_id is not None and cards)),
            "desk": provider.dashboard_url(row.provider_payment_id) if row.provider_payment_id and cards else "",
            "disputed": row.state in ("disputed", "lost"),
            "markable": row.payment_provider == "transfer" and row.completed_at is None and not cards,
        }
        for row in typed(OrderRow, db.session.execute(bought.limit(50)))
    ]


def _plans(person_id: UUID) -> list[Subscription]:
    theirs = select(Subscription).where(Subscription.user_id == person_id)
    return list(db.session.scalars(theirs.order_by(Subscription.started_at.desc()).limit(10)))


def _events(customers: Sequence[str]) -> list[ProviderEvent]:
    about = select(ProviderEvent).where(ProviderEvent.customer_id.in_(customers))
    return list(db.session.scalars(about.order_by(ProviderEvent.received_at.desc(), ProviderEvent.id).limit(50)))


@admin
def ask(person_id: UUID) -> ResponseReturnValue:
    """Have the provider asked about one person now."""
    known = actions.ask_about(db.session(), person_id)
    flash(
        f"Stripe is being asked about {_name(person_id)} now. Reload this page in a moment."
        if known
        else f"{_name(person_id)} has never paid at Stripe.",
        "note",
    )
    return redirect(f"/admin/people/{person_id}/money", 303)


@admin
def give(person_id: UUID) -> ResponseReturnValue:
    """Days from the club, or for money that came another way."""
    form = DaysForm()
    find(WHO, person=person_id)
    if not form.validate():
        return _person_page(person_id, form, 422)
    actions.give_days(db.session(), person_id, form.kind.data, form.until.data, form.reason.data)
    flash(f"{_name(person_id)} was given access until {date_in_words(form.until.data)}.", "note")
    return redirect(f"/admin/people/{person_id}/money", 303)


REFUNDABLE = ("paid", "partly refunded")
ORDER = Query(
    Refundable,
    select(
        Order.id,
        Order.user_id,
        Order.order_number,
        Order.amount,
        Order.refunded_amount,
        Order.currency,
        Order.payment_provider,
        Order.provider_payment_id,
        Order.period_end,
        User.first_name,
        User.last_name,
        User.email,
    )
    .join(User, User.id == Order.user_id)
    .where(
        STATE.in_(REFUNDABLE),
        or_(Order.provider_payment_id.is_not(None), Order.payment_provider == "transfer"),
        Order.order_number == bindparam("number"),
    ),
)


def _name(person_id: UUID) -> str:
    return display_name(*find(NAME, person=person_id))


def _refundable(number: str) -> Refundable:
    return find(ORDER, number=number.replace("\x00", ""))


@admin
def refund(number: str) -> ResponseReturnValue:
    """How much goes back, and what that means."""
    row = _refundable(number)
    left = row.amount - row.refunded_amount
    if row.payment_provider == "transfer":
        return _refund_page(row, ReturnForm(amount=left, before=row.refunded_amount))
    return _refund_page(row, RefundForm(amount=left))


def _refund_page(row: Refundable, form: BackForm, status: int = 200) -> ResponseReturnValue:
    return page(
        "admin/refund.html",
        status,
        o=row,
        form=form,
        by_hand=row.payment_provider == "transfer",
        name=display_name(row.first_name, row.last_name, row.email),
        left=money.shown(row.amount - row.refunded_amount, row.currency),
        paid_until=viewer().day(row.period_end),
    )


@admin
def send_refund(number: str) -> ResponseReturnValue:
    """Ask the provider to give it back; the order changes when it has. Of an order by transfer, note what went back."""
    row = _refundable(number)
    if row.payment_provider == "transfer":
        return _note_returned(row)
    form = RefundForm()
    form.order = row
    if not form.validate():
        return _refund_page(row, form, 422)
    minor = money.minor(form.amount.data, row.currency)
    db.session.rollback()  # nothing is held while the provider is asked
    provider.give_back(row.provider_payment_id or "", _key(row, minor), minor)
    actions.note_refund(db.session(), row, minor, form.reason.data, form.cut.data)
    name, sum_back = display_name(row.first_name, row.last_name, row.email), money.shown(form.amount.data, row.currency)
    flash(f"Stripe is refunding {sum_back} to {name}; the order says so in a moment.", "note")
    return redirect(f"/admin/people/{row.user_id}/money", 303)


def _note_returned(row: Refundable) -> ResponseReturnValue:
    form = ReturnForm()
    form.order = row
    if not form.validate():
        return _refund_page(row, form, 422)
    try:
        before = Decimal(form.before.data or "")
    except InvalidOperation as unreadable:
        raise transfers.ReturnedMeanwhile from unreadable
    transfers.note_returned(db.session(), row, form.amount.data, before, form.reference.data, form.cut.data)
    name, sum_back = display_name(row.first_name, row.last_name, row.email), money.shown(form.amount.data, row.currency)
    flash(f"It is noted that {sum_back} went back to {name}, who is told by mail.", "note")
    return redirect(f"/admin/people/{row.user_id}/money", 303)


def _key(row: Refundable, minor: int) -> str:
    """The same button pressed twice is one refund: what had gone back before is part of its name."""
    return f"{row.id}-{money.minor(row.refunded_amount, row.currency)}-{minor}"


# --- money that came in another way ----------------------------------------------------------------------------------


@admin
def ask_paid(number: str) -> ResponseReturnValue:
    """Which order it is, and what is to be said of its payment."""
    return _paid_page(_unpaid(number), PaidForm(came=_today()))


def _unpaid(number: str) -> transfers.Unpaid:
    return find(transfers.UNPAID, number=number.replace("\x00", ""))


def _today() -> date:
    return clock.now().astimezone(ZoneInfo(_settings().club_timezone)).date()


def _paid_page(row: transfers.Unpaid, form: PaidForm, status: int = 200) -> ResponseReturnValue:
    return page(
        "admin/order_paid.html",
        status,
        o=row,
        form=form,
        name=_name(row.user_id),
        amount=money.shown(row.amount, row.currency),
        what=plan_name(row.subscription_type, row.billing_cycle),
        ordered=viewer().day(row.created_at),
    )


@admin
def mark_paid(number: str) -> ResponseReturnValue:
    """The money of an order came: it is paid from now on."""
    row, form = _unpaid(number), PaidForm()
    if not form.validate():
        return _paid_page(row, form, 422)
    came = moment_of(form.came.data, NOON, _settings().club_timezone)
    transfers.mark_paid(db.session(), row, form.reference.data, came)
    flash(f"Order {row.order_number} is paid. {_name(row.user_id)} gets the receipt by mail.", "note")
    return redirect("/admin/money", 303)
