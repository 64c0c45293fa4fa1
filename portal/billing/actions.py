"""The verbs of money: choosing a plan, going to pay for it, having the provider asked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock, jobs
from portal.billing import plans, provider
from portal.billing.models import Checkout, Payer
from portal.problems import Refused

NUMBER = text("select next_order_number(:at)")
PROJECT = text("select project_access(:user_id, :at)")


def ask_provider(db: Session, customer_id: str, event_id: str | None = None) -> None:
    """Have the provider asked about a customer, one job at a time for each."""
    jobs.enqueue(
        db, "billing.refetch", one_at_a_time=f"customer:{customer_id}", customer_id=customer_id, event_id=event_id
    )  # fmt: skip


def customers_of(db: Session, user_id: UUID) -> Sequence[str]:
    """The names a person has at the provider, the one last heard of first."""
    mine = select(Payer.customer_id).where(Payer.user_id == user_id)
    return db.scalars(mine.order_by(Payer.fetched_at.desc().nulls_last())).all()


OPEN = text("select open_checkout(:plan, :cycle, :minor, :price, :currency, :transfer, :at)")
PAID_UNTIL = text("select subscription_expiry from family_plans where id = :plan")
PAGE_LIFE = timedelta(hours=23)
"""How long a payment page can be paid, from the choice on; so asking twice asks for the same page."""


OFFERED = text("select 1 from family_plans where id = :plan and is_active and transfer_to = auth.uid()")


class NotOffered(Refused):
    """Nobody has asked you to take this family over, or not any more. Nothing was charged."""


class NothingToPay(Refused):
    """This checkout is over. Choose a plan again; nothing was charged."""


def open_checkout(db: Session, plan_key: str, cycle: str, transfer_plan_id: UUID | None = None) -> UUID:
    """The asker's choice, as a pending order and a checkout; whatever was open before is over.

    Raises NotOffered when it is to take over a family that was not offered to the asker.
    """
    plan = plans()[plan_key]
    if transfer_plan_id and not db.execute(OFFERED, {"plan": transfer_plan_id}).scalar():
        raise NotOffered
    made: UUID = db.execute(
        OPEN,
        {"plan": plan.key, "cycle": cycle, "minor": plan.minor(cycle), "price": plan.price(cycle), "currency": plan.currency,
         "transfer": transfer_plan_id, "at": clock.now()},
    ).scalar_one()  # fmt: skip
    audit.record(db, "order.opened", f"Chose {plan.name}, {cycle}", category="billing")
    return made


def send_to_provider(db: Session, checkout: Any, email: str) -> str:
    """The address of the provider's payment page for one of the asker's checkouts, made once.

    Raises:
        NothingToPay: it is paid, was replaced, or nearly a day old.
        ProviderDown: no answer; the next try asks for the same page.
    """
    if checkout.state != "open" or checkout.created_at + PAGE_LIFE <= clock.now() + timedelta(hours=1):
        raise NothingToPay
    known = customers_of(db, checkout.user_id)
    begins = starts_at(db, checkout)
    db.rollback()  # nothing is held while the provider is asked; the key makes it once
    customer_id = provider.customer(checkout.user_id, email, known)
    price_id = provider.price(plans()[checkout.subscription_type], checkout.billing_cycle)
    here = f"{current_app.config['SETTINGS'].public_url}/checkouts/{checkout.id}"
    session_id, url, expires_at = provider.open_session(
        checkout.id, checkout.user_id, customer_id, price_id, back=f"{here}?back=1", given_up=here,
        expires_at=checkout.created_at + PAGE_LIFE, starts_at=begins, transfer_plan_id=checkout.transfer_plan_id,
    )  # fmt: skip
    ours = update(Checkout).where(
        Checkout.id == checkout.id, Checkout.state == "open", Checkout.user_id == checkout.user_id
    )
    ours = ours.values(customer_id=customer_id, session_id=session_id, url=url, expires_at=expires_at)
    if not db.execute(ours).rowcount:  # type: ignore[attr-defined]
        provider.close_session(session_id)
        raise NothingToPay
    return url


def starts_at(db: Session, checkout: Any) -> datetime | None:
    """A new payer of a family plan begins to pay when what the old one paid for ends."""
    if checkout.transfer_plan_id is None:
        return None
    paid_until: datetime | None = db.execute(PAID_UNTIL, {"plan": checkout.transfer_plan_id}).scalar()
    return paid_until if paid_until and paid_until > clock.now() else None
