"""A plan that one person pays and several share, and everybody who was ever asked into it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, TIMESTAMP, Computed, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class FamilyPlan(Base):
    """Up to `max_members` people including the primary. The database counts the people and the open invitations."""

    __tablename__ = "family_plans"
    __table_args__ = (
        Index("uq_family_plans_primary_user_id", "primary_user_id", unique=True, postgresql_where=text("is_active")),
        Index("ix_family_plans_name_key", "name_key", "id"),
        Index("ix_family_plans_search", "search", postgresql_using="gin"),
    )

    id: Mapped[Id]
    primary_user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", deferrable=True, initially="DEFERRED"), index=True
    )
    plan_name: Mapped[str | None]
    name_key: Mapped[str] = mapped_column(
        Text(collation="C"), Computed("lower(coalesce(plan_name, ''))"), deferred=True
    )
    search: Mapped[object] = mapped_column(TSVECTOR, Computed("search_words(coalesce(plan_name, ''))"), deferred=True)
    max_members: Mapped[int] = mapped_column(server_default="6")
    current_members: Mapped[int] = mapped_column(server_default="0")
    invited_members: Mapped[int] = mapped_column(server_default="0")
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    subscription_expiry: Mapped[datetime | None]
    access_until: Mapped[datetime | None]
    billing_cycle: Mapped[str | None]
    transfer_to: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    transfer_proposed_at: Mapped[datetime | None]
    ending_at: Mapped[datetime | None]
    dissolved_at: Mapped[datetime | None]
    told_until: Mapped[datetime | None]
    told_ending_at: Mapped[datetime | None]


class Membership(Base):
    """One invitation, or one stay in a family: invited, active, and how it came to an end.

    The family columns on users say the same of whoever is active; a trigger on this table writes them.
    """

    __tablename__ = "family_memberships"
    __table_args__ = (
        Index("ix_family_memberships_plan_id", "plan_id", "state"),
        Index("ix_family_memberships_expires_at", "expires_at", postgresql_where=text("state = 'invited'")),
        Index("uq_family_memberships_one_active", "user_id", unique=True, postgresql_where=text("state = 'active'")),
        Index(
            "uq_family_memberships_one_invitation",
            "plan_id",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("state = 'invited'"),
        ),
    )

    id: Mapped[Id]
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("family_plans.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(server_default="member")
    state: Mapped[str]
    email: Mapped[str | None]
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True, deferred=True)
    sent_at: Mapped[list[datetime]] = mapped_column(ARRAY(TIMESTAMP(timezone=True)), server_default="{}")
    expires_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
