"""Orders that are paid outside of the portal: opened and withdrawn by members, marked as paid and as sent back by admins.

What a paid order brings is what the provider's paid invoice brings (`snapshot`): access, a receipt, a family; but for the
access the worker sees to it (`jobs.follow_transfer`). Never commits.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from portal import audit
from portal.billing import actions, money
from portal.billing.events import order_changed
from portal.billing.jobs import follow_transfer
from portal.billing.models import Checkout, Order
from portal.billing.refundable import Refundable
from portal.database.query import Query
from portal.problems import Refused

WITHDRAW = text("select withdraw_order(:checkout)")
MARK = text("select mark_order_paid(:order, :reference, :came, :grace)")
RETURN = text("select return_order_money(:order, :back, :before, :reference)")
ORDER_OF = select(Checkout.order_id).where(Checkout.id == bindparam("checkout"))


class PaidAlready(Refused):
    """This order was marked as paid before. Nothing was changed."""


class OverAlready(Refused):
    """This order is paid or over, so it cannot be withdrawn. Nothing was changed."""


class ReturnedMeanwhile(Refused):
    """Money of this order was sent back since this page was opened. Open it again; nothing was changed."""


class Unpaid(NamedTuple):
    """An order by transfer that is not paid, with its buyer: it waits, was withdrawn or has lapsed."""

    id: UUID
    user_id: UUID
    order_number: str
    status: str
    amount: Decimal
    currency: str
    subscription_type: str
    billing_cycle: str
    created_at: datetime
    transfer_plan_id: UUID | None


UNPAID = Query(
    Unpaid,
    select(
        Order.id,
        Order.user_id,
        Order.order_number,
        Order.status,
        Order.amount,
        Order.currency,
        Order.subscription_type,
        Order.billing_cycle,
        Order.created_at,
        Checkout.transfer_plan_id,
    )
    .join(Checkout, Checkout.order_id == Order.id)
    .where(
        Order.payment_provider == "transfer", Order.completed_at.is_(None), Order.order_number == bindparam("number")
    ),
)


def open_order(db: Session, plan_key: str, cycle: str, transfer_plan_id: UUID | None = None) -> UUID:
    """The current user's choice as an order, and the mail that says how to pay it. The checkout it is shown by; that of an order that
    waits already, if it is the same choice. Raises NotOffered.
    """
    checkout_id = actions.open_checkout(db, plan_key, cycle, transfer_plan_id)
    order_changed.publish(db, order_id=db.scalars(ORDER_OF, {"checkout": checkout_id}).one(), what="opened")
    return checkout_id


def withdraw(db: Session, checkout_id: UUID, number: str) -> None:
    """Withdraw an order of the current user's. Raises OverAlready."""
    if not db.scalar(WITHDRAW, {"checkout": checkout_id}):
        raise OverAlready
    audit.record(db, "order.withdrawn", number, category="billing")


def mark_paid(db: Session, order: Unpaid, reference: str, came: datetime) -> None:
    """As an admin: mark an order as paid on a day. Raises PaidAlready, also for the second of two who do so at once."""
    grace = current_app.config["SETTINGS"].grace_days
    params = {"order": order.id, "reference": reference, "came": came, "grace": grace}
    if db.scalar(MARK, params) is not None:
        raise PaidAlready
    words = f"{order.order_number}, {reference}"
    audit.record(db, "order.marked-paid", words, category="billing", subject_id=order.user_id, order_id=str(order.id))
    follow_transfer.enqueue(db, order_id=order.id, what="paid")


def note_returned(
    db: Session, order: Refundable, back: Decimal, before: Decimal, reference: str, last_day: date | None
) -> None:
    """As an admin: `back` of an order was sent back by hand, when `before` had gone back already; it opens nothing after
    `last_day`, if one is given. Raises ReturnedMeanwhile.
    """
    params = {"order": order.id, "back": back, "before": before, "reference": reference}
    if db.scalar(RETURN, params) is not None:
        raise ReturnedMeanwhile
    if last_day:
        db.execute(actions.CUT, {"order": order.id, "until": actions.end_of(last_day)})
    words = f"{money.plain(back, order.currency)} {order.currency} of {order.order_number}, {reference}"
    audit.record(db, "order.returned", words, category="billing", subject_id=order.user_id, order_id=str(order.id))
    follow_transfer.enqueue(db, order_id=order.id, what="refunded")
