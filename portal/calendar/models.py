"""What is put into people’s calendars: by mail, and by the feeds they subscribe to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class CalendarEntry(Base):
    """A person's entry of a meeting: the SEQUENCE and METHOD of the last mail about it (RFC 5546 2.1.4), and what it said.

    `partstat` (RFC 5545 3.2.12) is what the person's calendar knows, by that mail or by the answer they sent from there.
    `token` names the entry in the address replies go to, inbox+TOKEN@…; it stays the same for the entry's life.
    """

    __tablename__ = "calendar_entries"

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    token: Mapped[str] = mapped_column(unique=True)
    sequence: Mapped[int] = mapped_column(server_default=sql("0"))
    method: Mapped[str | None]
    partstat: Mapped[str | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    title: Mapped[str | None]
    host_name: Mapped[str | None]
    mailed_at: Mapped[datetime | None]


class CalendarFeed(Base):
    """An address at which a calendar program reads a person's meetings. Only the hash of its random part is kept.

    `shows` is mine (what they answered or were invited to by name) or everything they may see. No use of it is noted:
    a GET changes nothing. After the account is closed it has no name, and goes 90 days later (`operations.tidy`).
    """

    __tablename__ = "calendar_feeds"
    __table_args__ = (Index("ix_calendar_feeds_user_id", "user_id", "created_at"),)

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    shows: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, deferred=True)
    created_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class CalendarChange(Base):
    """Something changed that may have to be mailed to the calendar of a person, or (None) of all who have the meeting in
    theirs. Looked at from `due_at` on, so that an answer taken back at once is never mailed.

    `noted_at` is the same for all of one transaction; `by_rule` marks one of many that were answered at once.
    """

    __tablename__ = "calendar_changes"
    __table_args__ = (UniqueConstraint("meeting_id", "user_id", postgresql_nulls_not_distinct=True),)

    id: Mapped[Id]
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    noted_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    by_rule: Mapped[bool] = mapped_column(server_default=sql("false"))
    due_at: Mapped[datetime] = mapped_column(index=True)
