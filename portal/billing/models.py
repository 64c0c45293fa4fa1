"""What was bought and what was given: the facts access is worked out from."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CHAR, BigInteger, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class Order(Base):
    """One payment, or the attempt. `amount_minor` counts the currency's smallest unit; `amount` is for readers."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("payment_provider", "transaction_id"),
        Index("ix_orders_user_id", "user_id", text("created_at desc"), text("id desc")),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    order_number: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(server_default="pending")
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(CHAR(3), server_default="USD")
    subscription_type: Mapped[str]
    billing_cycle: Mapped[str]
    payment_method: Mapped[str | None]
    payment_provider: Mapped[str | None]
    transaction_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    completed_at: Mapped[datetime | None]
    refunded_amount: Mapped[Decimal] = mapped_column(Numeric(12, 3), server_default="0")
    disputed_at: Mapped[datetime | None]
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    provider_invoice_id: Mapped[str | None] = mapped_column(unique=True)
    provider_payment_id: Mapped[str | None]
    provider_subscription_id: Mapped[str | None]


class AccessGrant(Base):
    """Days given without an order: by the club at the door, or by an admin with a reason."""

    __tablename__ = "access_grants"
    __table_args__ = (
        Index("uq_access_grants_one_welcome", "user_id", unique=True, postgresql_where=text("kind = 'welcome'")),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str | None]
    granted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
