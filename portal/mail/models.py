"""The outbox, and the sandbox's mailbox."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class Mail(Base):
    """A mail to be sent, written in the transaction of the change it tells of."""

    __tablename__ = "mails"
    __table_args__ = (
        Index("ix_mails_user_id", "user_id", sql("created_at desc")),
        Index("ix_mails_queued", "created_at", postgresql_where=sql("state = 'queued'")),
        Index("ix_mails_failed", "created_at", postgresql_where=sql("state = 'failed'")),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    occasion: Mapped[str | None] = mapped_column(unique=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str | None]
    html: Mapped[str | None]
    secret: Mapped[bool] = mapped_column(server_default=sql("false"))
    state: Mapped[str] = mapped_column(server_default="queued")
    attempts: Mapped[int] = mapped_column(server_default="0")
    failure: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class SandboxMail(Base):
    """A mail that went to the sandbox mailbox instead of the world. Empty on a real server."""

    __tablename__ = "sandbox_mails"
    __table_args__ = (
        Index("ix_sandbox_mails_received_at", sql("received_at desc"), sql("id desc")),
        Index("ix_sandbox_mails_recipient", "recipient", sql("received_at desc")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str | None]
    received_at: Mapped[datetime]
