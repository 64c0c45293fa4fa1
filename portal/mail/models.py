"""The outbox, and the sandbox's mailbox."""

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class Mail(Base):
    """A mail to be sent, written in the transaction of the change it tells of."""

    __tablename__ = "mails"
    __table_args__ = (
        Index("ix_mails_user_id", "user_id", sql("created_at desc")),
        Index("ix_mails_meeting_id", "meeting_id", sql("created_at desc")),
        Index("ix_mails_queued", "created_at", postgresql_where=sql("state = 'queued'")),
        Index("ix_mails_failed", "created_at", postgresql_where=sql("state = 'failed'")),
        Index("ix_mails_dropped", "created_at", postgresql_where=sql("state = 'dropped'")),
        Index("ix_mails_created_at", sql("created_at desc"), sql("id desc")),
        Index("ix_mails_kind", "kind", sql("created_at desc"), sql("id desc")),
        Index("ix_mails_recipient", sql("lower(recipient)"), sql("created_at desc")),
        Index("ix_mails_announcement_id", "announcement_id", "state"),
        Index("ix_mails_again_of", "again_of"),
        Index("ix_mails_due_at", "due_at", "id", postgresql_where=sql("state = 'queued' and due_at is not null")),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    occasion: Mapped[str | None] = mapped_column(unique=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    meeting_id: Mapped[UUID | None] = mapped_column(ForeignKey("meetings.id", ondelete="SET NULL"))
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str | None]
    html: Mapped[str | None]
    # A calendar object that goes with it: its iTIP method and the iCalendar text.
    method: Mapped[str | None]
    calendar: Mapped[str | None]
    secret: Mapped[bool] = mapped_column(server_default=sql("false"))
    state: Mapped[str] = mapped_column(server_default="queued")
    attempts: Mapped[int] = mapped_column(server_default="0")
    failure: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    # The message to a group it is a part of (portal/notifications), and the mail it sends once more.
    announcement_id: Mapped[UUID | None] = mapped_column(ForeignKey("announcements.id", ondelete="SET NULL"))
    again_of: Mapped[UUID | None] = mapped_column(ForeignKey("mails.id", ondelete="SET NULL"))
    # When it is to leave, by the time of the queue, if it has no job of its own (`deliver_waiting`); and whether it has waited for its
    # turn among the mails to the same domain.
    due_at: Mapped[datetime | None]
    has_turn: Mapped[bool] = mapped_column(server_default=sql("false"))


class MailPreferences(Base):
    """What a person chose about their mails; who has no row has the defaults.

    `switched_off` holds names of categories (`portal.mail.kinds`), but for three that have a column of their own: no
    `reminders` (minutes before the start), the `digest` "never", and `calendar_mails` (whether what belongs in a calendar is
    mailed at all, or only stands in the feed). `quiet_from` and `quiet_until` are hours of the person's own zone, both None
    for none.
    """

    __tablename__ = "mail_preferences"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    switched_off: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=sql("'{}'"))
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    digest: Mapped[str] = mapped_column(server_default="daily")
    reminders: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=sql("'{60}'"))
    calendar_mails: Mapped[bool] = mapped_column(server_default=sql("true"))


class UnreachableAddress(Base):
    """An address that sent mails back: `hard` for good, otherwise for now; a new confirmation of the address lifts it."""

    __tablename__ = "unreachable_addresses"

    address_key: Mapped[str] = mapped_column(primary_key=True)
    hard: Mapped[bool]
    bounces: Mapped[int] = mapped_column(server_default="1")
    reason: Mapped[str]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class InboxMessage(Base):
    """What became of one message of the mailbox that replies and bounces come to; its text is not kept.

    `outcome` is a sentence for admins, None while a reply waits: then `calendar` is the iCalendar object and `token` names the
    entry it was sent to. `sequence` and `stamped_at` are its SEQUENCE and DTSTAMP; `may_answer` is false for what a program
    sent by itself.
    """

    __tablename__ = "inbox_messages"
    __table_args__ = (
        UniqueConstraint("mailbox", "uidvalidity", "uid", name="uq_inbox_messages_uid"),
        Index("ix_inbox_messages_received_at", sql("received_at desc"), sql("id desc")),
        Index("ix_inbox_messages_user_id", "user_id", "meeting_id"),
    )

    id: Mapped[Id]
    mailbox: Mapped[str]
    uidvalidity: Mapped[int] = mapped_column(BigInteger)
    uid: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    outcome: Mapped[str | None]
    applied: Mapped[bool] = mapped_column(server_default=sql("false"))
    sender: Mapped[str | None]
    received_at: Mapped[datetime]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    meeting_id: Mapped[UUID | None] = mapped_column(ForeignKey("meetings.id", ondelete="SET NULL"), index=True)
    token: Mapped[str | None]
    calendar: Mapped[str | None]
    may_answer: Mapped[bool] = mapped_column(server_default=sql("false"))
    sequence: Mapped[int | None]
    stamped_at: Mapped[datetime | None]


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
    method: Mapped[str | None]
    calendar: Mapped[str | None]
    received_at: Mapped[datetime]
