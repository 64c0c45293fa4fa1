"""People, their sign-ins, and what opens them. Passwords, second factors and tokens are read by functions only."""

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import BigInteger, Computed, FetchedValue, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import INET, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class User(Base):
    """A person of the club. The subscription columns are written by `refresh_projection` in the database only."""

    __tablename__ = "users"
    __table_args__ = (
        Index("ix_users_name_key", "name_key", "id"),
        Index("ix_users_email_begins", "email_key", postgresql_ops={"email_key": "text_pattern_ops"}),
        Index("ix_users_search", "search", postgresql_using="gin"),
        Index("ix_users_access_until", "access_until", postgresql_where=text("is_active")),
        Index("ix_users_created_at", "created_at"),
        Index("idx_users_family_plan", "family_plan_id", "family_role"),
        Index("uq_users_one_primary", "family_plan_id", unique=True, postgresql_where=text("family_role = 'primary'")),
        Index(
            "idx_users_subscription",
            "subscription_status",
            "subscription_expiry",
            postgresql_where=text("subscription_status in ('active', 'pending')"),
        ),
    )

    id: Mapped[Id]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(FetchedValue(), server_onupdate=FetchedValue(), unique=True)
    name_key: Mapped[str] = mapped_column(
        Text(collation="C"),
        Computed("lower(coalesce(first_name || ' ', '') || coalesce(last_name || ' ', '') || email)"),
        deferred=True,
    )
    search: Mapped[object] = mapped_column(
        TSVECTOR,
        Computed("search_words(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || email)"),
        deferred=True,
    )
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    is_admin: Mapped[bool] = mapped_column(server_default=text("false"))
    subscription_status: Mapped[str] = mapped_column(server_default="inactive")
    subscription_type: Mapped[str | None]
    subscription_expiry: Mapped[datetime | None]
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    preferred_meeting_time: Mapped[time] = mapped_column(server_default="21:00")
    last_login_at: Mapped[datetime | None]
    email_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    family_plan_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("family_plans.id", deferrable=True, initially="DEFERRED", use_alter=True)
    )
    family_role: Mapped[str | None]
    access_until: Mapped[datetime | None]
    family_joined_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    shares_attendance: Mapped[bool] = mapped_column(server_default=text("false"))
    family_may_answer: Mapped[bool] = mapped_column(server_default=text("false"))
    renewal_mail: Mapped[bool] = mapped_column(server_default=text("false"))


class Credential(Base):
    """A password's Argon2id hash. No role that answers browsers may read this table."""

    __tablename__ = "credentials"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime]


class SecondFactor(Base):
    """The secret a person's app shares with the portal, sealed; `pending` is one that was shown and not yet proved."""

    __tablename__ = "second_factors"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str | None]
    last_step: Mapped[int] = mapped_column(BigInteger, server_default="0")
    set_up_at: Mapped[datetime | None]
    pending: Mapped[str | None]


class SecondFactorEnding(Base):
    """A second factor that is said to be lost, and the hour it ends unless somebody gives a code before."""

    __tablename__ = "second_factor_endings"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    asked_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class FormerAddress(Base):
    """Where a person's mails went before: for thirty days what concerns the way in is told there too."""

    __tablename__ = "former_addresses"
    __table_args__ = (Index("ix_former_addresses_user_id", "user_id", "until"),)

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    email: Mapped[str]
    until: Mapped[datetime]


class RecoveryCode(Base):
    """One of ten codes, hashed; its first figure is its slot."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


class SignIn(Base):
    """One browser that signed in: listed on the account page, ended there or by sign-out.

    It `waits` while the password was right and the code is still to come; `proved_at` is when a code was last given.
    """

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_user_id", "user_id", text("seen_at desc")),)

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, deferred=True)
    device: Mapped[str]
    network: Mapped[str | None] = mapped_column(INET)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    waits: Mapped[bool] = mapped_column(server_default=text("false"))
    proved_at: Mapped[datetime | None]


class OneTimeToken(Base):
    """A link or code that opens one thing once. Only hashes are kept."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (Index("ix_one_time_tokens_user_id", "user_id", "purpose"),)

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    wrong_codes: Mapped[int] = mapped_column(server_default="0")
    payload: Mapped[dict[str, object]] = mapped_column(JSONB, server_default="{}")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RateLimit(Base):
    """How often something was tried lately, shared by all processes; lost in a crash, which is fine."""

    __tablename__ = "rate_limits"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    key: Mapped[str] = mapped_column(primary_key=True)
    hits: Mapped[int]
    expires_at: Mapped[datetime]
