"""A plan that one person pays and several share."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class FamilyPlan(Base):
    """Up to `max_members` people including the primary. `current_members` is counted by the database."""

    __tablename__ = "family_plans"
    __table_args__ = (
        Index("uq_family_plans_primary_user_id", "primary_user_id", unique=True, postgresql_where=text("is_active")),
    )

    id: Mapped[Id]
    primary_user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", deferrable=True, initially="DEFERRED"), index=True
    )
    plan_name: Mapped[str | None]
    max_members: Mapped[int] = mapped_column(server_default="6")
    current_members: Mapped[int] = mapped_column(server_default="0")
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    subscription_expiry: Mapped[datetime | None]
    access_until: Mapped[datetime | None]
    billing_cycle: Mapped[str | None]
