"""Housekeeping of the projection. Access itself ends by the clock; this only brings the columns after it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import clock
from portal.accounts.models import User
from portal.billing.actions import PROJECT
from portal.jobs import job


@job("billing.expire", cron="*/5 * * * *", lock="billing.expire")
def expire(db: Session) -> None:
    """People whose date has passed are no longer called active."""
    at = clock.now()
    late = select(User.id).where(User.subscription_status == "active", User.access_until <= at).limit(1000)
    for user_id in db.scalars(late).all():
        db.execute(PROJECT, {"user_id": user_id, "at": at})
