"""Messages to groups."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class Announcement(Base):
    """A message to a group of one meeting, or (`meeting_id` None) of the whole club.

    `state` is leaving (it can be taken back), sending, sent, taken-back or stopped. `reached_user_id` is the last person it
    was written to, so that a job that was killed goes on where it was.
    """

    __tablename__ = "announcements"
    __table_args__ = (
        Index("ix_announcements_meeting_id", "meeting_id", text("written_at desc")),
        Index("ix_announcements_unfinished", "leaves_at", postgresql_where=text("state in ('leaving', 'sending')")),
        Index(
            "ix_announcements_written_at",
            text("written_at desc"),
            text("id desc"),
            postgresql_where=text("meeting_id is null"),
        ),
    )

    id: Mapped[Id]
    meeting_id: Mapped[UUID | None] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"))
    audience: Mapped[str]
    days: Mapped[int | None]
    # An admin's own words; None for a host's, whose subject is the club's.
    subject: Mapped[str | None]
    body: Mapped[str]
    written_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    by_admin: Mapped[bool]
    state: Mapped[str] = mapped_column(server_default="leaving")
    reason: Mapped[str | None]
    written_at: Mapped[datetime]
    leaves_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reached_user_id: Mapped[UUID | None]
