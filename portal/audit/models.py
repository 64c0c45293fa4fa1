"""The system log: a row for everything that should be explained later. Rows outlive what they describe."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class SystemLog(Base):
    """`user_id` is who did it, `subject_id` the person it was done to."""

    __tablename__ = "system_logs"
    __table_args__ = (
        Index("idx_system_logs_timestamp", text("timestamp desc"), text("id desc")),
        Index("idx_system_logs_category", "category", "level", text("timestamp desc")),
        Index("ix_system_logs_user_id", "user_id", text("timestamp desc")),
        Index(
            "ix_system_logs_subject_id",
            "subject_id",
            text("timestamp desc"),
            postgresql_where=text("subject_id is not null"),
        ),
        Index(
            "ix_system_logs_meeting_id",
            "meeting_id",
            text("timestamp desc"),
            postgresql_where=text("meeting_id is not null"),
        ),
        Index(
            "ix_system_logs_plan",
            text("(metadata ->> 'plan_id')"),
            postgresql_where=text("metadata ->> 'plan_id' is not null"),
        ),
        Index(
            "ix_system_logs_whole_address",
            "timestamp",
            postgresql_where=text("masklen(ip_address) = case family(ip_address) when 4 then 32 else 128 end"),
        ),
    )

    id: Mapped[Id]
    level: Mapped[str]
    message: Mapped[str]
    category: Mapped[str]
    user_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    meeting_id: Mapped[UUID | None]
    operation: Mapped[str | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]
    request_id: Mapped[str | None] = mapped_column(index=True)
    # `metadata` is SQLAlchemy's own word on a class.
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB)  # JSON, of any shape
    timestamp: Mapped[datetime] = mapped_column(server_default=text("now()"))
