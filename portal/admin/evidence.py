"""What the club can show a bank about a disputed payment: the account, and what its owner did with what was paid for."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, func, select, text

from portal.access import admin
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.billing import money, plan_name
from portal.billing.models import Order
from portal.billing.orders import span
from portal.billing.ways import only
from portal.database import db
from portal.database.query import Query
from portal.viewer import viewer
from portal.web import find, page

MOST = 100


class Disputed(NamedTuple):
    """An order that a bank asked back, with its buyer; `begins` is when the time begins that it pays for."""

    order_number: str
    user_id: UUID
    subscription_type: str
    billing_cycle: str
    amount: Decimal
    currency: str
    payment_method: str | None
    completed_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    disputed_at: datetime
    begins: datetime
    first_name: str | None
    last_name: str | None
    email: str
    joined_at: datetime
    email_verified: bool


class SignedIn(NamedTuple):
    """A sign-in, as the log has it."""

    timestamp: datetime
    message: str
    ip_address: object


class Came(NamedTuple):
    """A meeting somebody joined; `minutes` where they were measured."""

    joined_at: datetime
    title: str
    minutes: int | None


class Mailed(NamedTuple):
    """A mail that was sent."""

    sent_at: datetime
    subject: str
    recipient: str


DISPUTED = Query(
    Disputed,
    select(
        Order.order_number,
        Order.user_id,
        Order.subscription_type,
        Order.billing_cycle,
        Order.amount,
        Order.currency,
        Order.payment_method,
        Order.completed_at,
        Order.period_start,
        Order.period_end,
        Order.disputed_at,
        func.coalesce(Order.period_start, Order.created_at).label("begins"),
        User.first_name,
        User.last_name,
        User.email,
        User.created_at.label("joined_at"),
        User.email_verified,
    )
    .join(User, User.id == Order.user_id)
    .where(Order.order_number == bindparam("number"), Order.disputed_at.is_not(None)),
)
SIGN_INS = Query(
    SignedIn,
    text("""
select timestamp, message, ip_address from system_logs
 where subject_id = :person and operation = 'sign-in.opened' and timestamp >= :since order by timestamp desc limit :most
"""),
)
MEETINGS = Query(
    Came,
    text("""
select a.joined_at, m.title, a.join_duration as minutes
  from meeting_attendances a join meetings m on m.id = a.meeting_id
 where a.user_id = :person and a.joined_at >= :since order by a.joined_at desc limit :most
"""),
)
MAILS = Query(
    Mailed,
    text("""
select sent_at, subject, recipient from mails
 where user_id = :person and state = 'sent' and created_at >= :since order by created_at desc limit :most
"""),
)


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/orders/<number>/evidence", "evidence", only("card")(evidence))


@admin
def evidence(number: str) -> ResponseReturnValue:
    """What speaks for the club about a disputed order, on sheets that print."""
    row = find(DISPUTED, number=number.replace("\x00", ""))
    since = {"person": row.user_id, "since": row.begins, "most": MOST}
    return page(
        "admin/evidence.html",
        o=row,
        name=display_name(row.first_name, row.last_name, row.email),
        amount=money.shown(row.amount, row.currency),
        what=plan_name(row.subscription_type, row.billing_cycle),
        pays_for=span(row.period_start, row.period_end, viewer().tz) if row.period_start and row.period_end else "",
        day=viewer().day,
        moment=lambda at: f"{viewer().day(at)}, {at.astimezone(viewer().tz):%H:%M}",
        sign_ins=SIGN_INS.all(db.session(), **since),
        meetings=MEETINGS.all(db.session(), **since),
        mails=MAILS.all(db.session(), **since),
    )
