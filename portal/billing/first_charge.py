"""The end of what is free: said ahead of the first charge, on every page for the last days and by mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from flask_login import current_user
from sqlalchemy import select, text

from portal import clock
from portal.billing import money
from portal.billing.models import Subscription
from portal.database import db
from portal.database.query import Query
from portal.times import day_long
from portal.viewer import viewer

BANNER_FOR = timedelta(days=3)
"""How long before the first charge every page of its payer says so."""


class Ahead(NamedTuple):
    """The live subscription of whoever asks."""

    status: str
    renews_at: datetime | None
    amount_minor: int
    next_amount_minor: int | None
    currency: str
    card: str | None
    transfer_plan_id: UUID | None


AHEAD = Query(
    Ahead,
    select(
        Subscription.status,
        Subscription.renews_at,
        Subscription.amount_minor,
        Subscription.next_amount_minor,
        Subscription.currency,
        Subscription.card,
        Subscription.transfer_plan_id,
    ).where(Subscription.live, Subscription.user_id == text("(select auth.uid())")),
)


@dataclass(frozen=True)
class FirstCharge:
    """What is charged first, on which day and card; `handed_over`: what somebody else paid for ends then, no free days."""

    amount: str
    day: str
    card: str | None
    handed_over: bool


def is_ahead(status: str, renews_at: datetime | None) -> bool:
    """Whether a subscription has not charged yet, and will by itself."""
    return status == "trialing" and renews_at is not None


def first_charge() -> FirstCharge | None:
    """The viewer's first charge, if it is due within days. Who is in for longer than that is not even looked up."""
    until = current_user.paid_until
    if until is None or not clock.now() < until <= clock.now() + BANNER_FOR:
        return None
    row = AHEAD.one_or_none(db.session())
    if row is None or row.renews_at is None or not is_ahead(row.status, row.renews_at):
        return None
    minor = row.amount_minor if row.next_amount_minor is None else row.next_amount_minor
    amount = money.shown(money.major(minor, row.currency), row.currency)
    day = day_long(row.renews_at.astimezone(viewer().tz))
    return FirstCharge(amount, day, row.card, row.transfer_plan_id is not None)
