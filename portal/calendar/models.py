"""What the mails put into people's calendars."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base


class CalendarEntry(Base):
    """A person's entry of a meeting: the SEQUENCE and METHOD of the last mail about it (RFC 5546 2.1.4), and what it said.

    `token` names the entry in the address replies go to, inbox+TOKEN@…; it stays the same for the entry's life.
    """

    __tablename__ = "calendar_entries"

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    token: Mapped[str] = mapped_column(unique=True)
    sequence: Mapped[int] = mapped_column(server_default=sql("0"))
    method: Mapped[str | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    title: Mapped[str | None]
    mailed_at: Mapped[datetime | None]
