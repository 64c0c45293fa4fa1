"""The verbs of money. They run as the worker; provider adapters call them with facts, never with wishes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from flask import current_app
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock, jobs
from portal.billing import money, plans, provider
from portal.billing.models import AccessGrant, Checkout, Order, Payer
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


class NothingToPay(Refused):
    """This checkout is over. Choose a plan again; nothing was charged."""


def open_checkout(db: Session, plan_key: str, cycle: str, transfer_plan_id: UUID | None = None) -> UUID:
    """The asker's choice, as a pending order and a checkout; whatever was open before is over."""
    plan = plans()[plan_key]
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


def open_order(
    db: Session, user_id: UUID, subscription_type: str, billing_cycle: str, amount_minor: int, currency: str = "USD"
) -> UUID:
    """A payment that was begun. `amount_minor` counts the currency's smallest unit and is more than zero."""
    order_id, at = uuid4(), clock.now()
    db.execute(
        insert(Order).values(
            id=order_id, user_id=user_id, order_number=db.scalar(NUMBER, {"at": at}), amount_minor=amount_minor,
            amount=money.major(amount_minor, currency), currency=currency, subscription_type=subscription_type,
            billing_cycle=billing_cycle, created_at=at,
        )
    )  # fmt: skip
    db.execute(PROJECT, {"user_id": user_id, "at": at})
    audit.record(db, "order.opened", "An order was opened", category="billing", subject_id=user_id)
    return order_id


def complete(
    db: Session, order_id: UUID, *, period: tuple[datetime, datetime], method: str, provider: str, transaction_id: str
) -> None:
    """The order is paid, for the service period given; also after it had failed. Paid twice is once."""
    paid = update(Order).where(Order.id == order_id, Order.status.in_(("pending", "failed")))
    _settle(
        db, order_id,
        paid.values(
            status="completed", completed_at=clock.now(), period_start=period[0], period_end=period[1],
            payment_method=method, payment_provider=provider, transaction_id=transaction_id,
        ),
        "order.paid",
    )  # fmt: skip


def fail(db: Session, order_id: UUID, method: str | None = None) -> None:
    """The payment came to nothing."""
    lost = update(Order).where(Order.id == order_id, Order.status == "pending")
    _settle(db, order_id, lost.values(status="failed", payment_method=method), "order.failed")


def refund(db: Session, order_id: UUID, amount: Decimal) -> None:
    """Money went back: `amount` in total so far, never more than was paid. All of it ends what it bought."""
    given_back = update(Order).where(Order.id == order_id, Order.status == "completed", Order.amount >= amount)
    _settle(
        db, order_id,
        given_back.values(
            refunded_amount=amount, status=text("case when amount = :whole then 'refunded' else status end").bindparams(whole=amount)
        ),
        "order.refunded",
    )  # fmt: skip


def dispute(db: Session, order_id: UUID) -> None:
    """The payer's bank asks for the money back; what it bought is withheld while that is open."""
    open_case = update(Order).where(Order.id == order_id, Order.status == "completed", Order.disputed_at.is_(None))
    _settle(db, order_id, open_case.values(disputed_at=clock.now(), dispute_state="open"), "order.disputed")


def grant(db: Session, user_id: UUID, kind: str, until: datetime, reason: str, granted_by: UUID | None = None) -> None:
    """Days without an order (complimentary, offline, gift), from now until `until`, with the reason."""
    db.execute(
        insert(AccessGrant).values(
            id=uuid4(), user_id=user_id, kind=kind, starts_at=clock.now(), ends_at=until, reason=reason,
            granted_by=granted_by,
        )
    )  # fmt: skip
    db.execute(PROJECT, {"user_id": user_id, "at": clock.now()})
    audit.record(db, "access.granted", f"Access granted: {kind}", category="billing", subject_id=user_id, reason=reason)


def _settle(db: Session, order_id: UUID, change: Any, operation: str) -> None:
    if not db.execute(change).rowcount:  # type: ignore[attr-defined]
        return
    payer = db.scalar(select(Order.user_id).where(Order.id == order_id))
    db.execute(PROJECT, {"user_id": payer, "at": clock.now()})
    audit.record(db, operation, operation.replace(".", " "), category="billing", subject_id=payer)
