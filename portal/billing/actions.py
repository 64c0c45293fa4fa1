"""The verbs of money. They run as the worker; provider adapters call them with facts, never with wishes."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.billing import money
from portal.billing.models import AccessGrant, Order

NUMBER = text("select next_order_number(:at)")
PROJECT = text("select project_access(:user_id, :at)")


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
    _settle(db, order_id, open_case.values(disputed_at=clock.now()), "order.disputed")


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
