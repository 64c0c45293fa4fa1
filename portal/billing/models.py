"""What was bought and what was given: the facts access is worked out from."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CHAR, BigInteger, Computed, ForeignKey, Index, LargeBinary, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class Order(Base):
    """One payment, or the attempt. `amount_minor` counts the currency's smallest unit; `amount` is for people.

    An open bill that was tried `waits_for` another card, or for its payer's confirmation at the bank. One whose
    `payment_provider` is transfer was paid to the club itself: `reference` is what the bank's statement calls that payment, and
    `grace_days` are those it counts beyond its period.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("payment_provider", "transaction_id"),
        Index("ix_orders_user_id", "user_id", text("created_at desc"), text("id desc")),
        Index("ix_orders_provider_payment_id", "provider_payment_id"),
        Index("ix_orders_completed_at", "completed_at"),
        Index(
            "ix_orders_prepaid_until",
            "period_end",
            postgresql_where=text("status = 'completed' and grace_days is not null"),
        ),
        Index("ix_orders_disputed_at", "disputed_at", postgresql_where=text("dispute_state = 'open'")),
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
    provider_price_id: Mapped[str | None]
    dispute_state: Mapped[str | None]
    cut_at: Mapped[datetime | None]
    invoice_number: Mapped[str | None]
    next_try_at: Mapped[datetime | None]
    waits_for: Mapped[str | None]
    reference: Mapped[str | None]
    return_reference: Mapped[str | None]
    grace_days: Mapped[int | None]


class Payer(Base):
    """A person's name at the provider. `asked_at` is when somebody last wanted the facts, `fetched_at` how old they are.

    `asked_for` is what the payer then wished of the plan (end, renew, change, stay): said until newer facts are known.
    """

    __tablename__ = "payers"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), index=True)
    asked_at: Mapped[datetime | None]
    asked_for: Mapped[str | None]
    fetched_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Subscription(Base):
    """A subscription as the provider last told it; `snapshot.apply_snapshot` writes it and nothing else does.

    It is `live` while it charges, or would, and is no second one: of these a person has one. Nothing was asked for the time
    to `free_until`, credit was taken for that to `credit_until`; a hand-over is free as far as the order reaches that it is
    `covered_by`.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index("ix_subscriptions_user_id", "user_id", text("started_at desc")),
        Index("ix_subscriptions_renews_at", "renews_at", postgresql_where=text("live")),
        Index("uq_subscriptions_one_live", "user_id", unique=True, postgresql_where=text("live")),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    provider_subscription_id: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    subscription_type: Mapped[str]
    billing_cycle: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(CHAR(3))
    started_at: Mapped[datetime]
    renews_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    is_duplicate: Mapped[bool] = mapped_column(server_default=text("false"))
    live: Mapped[bool] = mapped_column(
        Computed("status in ('trialing', 'active', 'past_due', 'unpaid') and not is_duplicate", persisted=True)
    )
    free_until: Mapped[datetime | None]
    credit_until: Mapped[datetime | None]
    covered_by: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id", ondelete="SET NULL"), index=True)
    grace_days: Mapped[int]
    failed_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    next_type: Mapped[str | None]
    next_cycle: Mapped[str | None]
    next_amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    card: Mapped[str | None]
    card_expires: Mapped[str | None]
    transfer_plan_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("family_plans.id", ondelete="SET NULL"), index=True
    )
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Adoption(Base):
    """A subscription that was not made here, or the customer it is of where only that is known, and the plan it is here."""

    __tablename__ = "adoptions"

    provider_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    subscription_type: Mapped[str]
    billing_cycle: Mapped[str]
    adopted_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Checkout(Base):
    """A plan chosen and on its way to the provider's payment page.

    The first payment is due when it `starts_at`, at once if that is None; a paid order covers a hand-over until then.
    """

    __tablename__ = "checkouts"
    __table_args__ = (
        Index("uq_checkouts_one_open", "user_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_checkouts_user_id", "user_id", text("created_at desc")),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    subscription_type: Mapped[str]
    billing_cycle: Mapped[str]
    transfer_plan_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("family_plans.id", ondelete="SET NULL"), index=True
    )
    state: Mapped[str] = mapped_column(server_default="open")
    customer_id: Mapped[str | None]
    session_id: Mapped[str | None] = mapped_column(unique=True)
    url: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    starts_at: Mapped[datetime | None]
    covered_by: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime]


class ProviderEvent(Base):
    """One delivery of the provider's, and what came of it. `body` is kept for 90 days."""

    __tablename__ = "provider_events"
    __table_args__ = (
        Index("ix_provider_events_customer_id", "customer_id", text("received_at desc")),
        Index("ix_provider_events_waiting", "customer_id", postgresql_where=text("handled_at is null")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    customer_id: Mapped[str | None]
    body: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class Drift(Base):
    """Where provider and club disagree and asking again did not explain it."""

    __tablename__ = "drifts"
    __table_args__ = (
        Index("uq_drifts_open", "kind", "provider_id", unique=True, postgresql_where=text("resolved_at is null")),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    provider_id: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    difference: Mapped[str]
    found_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class AccessGrant(Base):
    """Days given without an order: by the club at the door, by an admin with a reason, or `free`, in a free club, without end."""

    __tablename__ = "access_grants"
    __table_args__ = (
        Index("uq_access_grants_one_welcome", "user_id", unique=True, postgresql_where=text("kind = 'welcome'")),
        Index("uq_access_grants_one_free", "user_id", unique=True, postgresql_where=text("kind = 'free'")),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str | None]
    granted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class FreeDays(Base):
    """That an address had the club's free days: a keyed hash of it, kept until a while after the account was closed."""

    __tablename__ = "free_days"

    mark: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kept_until: Mapped[datetime | None]


class OrderNumberKey(Base):
    """What mixes the counted numbers of orders, so that they tell no count. Only `next_order_number` reads it."""

    __tablename__ = "order_number_key"

    only_one: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    key: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
