"""A meeting, and a series that holds meetings. The intent is wall time and zone; whoever writes it derives the instant."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import Computed, Date, FetchedValue, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class Meeting(Base):
    """One meeting. Counters are kept by the database; `duration` is minutes."""

    __tablename__ = "meetings"
    __table_args__ = (
        Index("idx_meetings_date", "starts_at", "id", postgresql_include=["status"]),
        Index("idx_meetings_active", "starts_at", postgresql_where=text("status = 'scheduled'")),
        Index("ix_meetings_meeting_id", "meeting_id", postgresql_where=text("meeting_id is not null")),
        UniqueConstraint("series_id", "series_date"),
    )

    id: Mapped[Id]
    title: Mapped[str]
    description: Mapped[str | None]
    scheduled_date: Mapped[date]
    start_time: Mapped[time]
    duration: Mapped[int] = mapped_column(server_default="60")
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    # What the clocks of `timezone` show as day and hour, by the package's rules: see `times.moment_of`.
    starts_at: Mapped[datetime]
    # `duration` after it, kept so by a trigger.
    ends_at: Mapped[datetime] = mapped_column(FetchedValue(), server_onupdate=FetchedValue())
    platform: Mapped[str] = mapped_column(server_default="google-meet")
    # The room's address and its name at the provider: no browser-facing role may read these columns.
    meeting_link: Mapped[str | None] = mapped_column(deferred=True)
    provider_event_id: Mapped[str | None] = mapped_column("meeting_id", deferred=True)
    is_private: Mapped[bool] = mapped_column(server_default=text("true"))
    max_attendees: Mapped[int | None] = mapped_column(server_default="50")
    requires_approval: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[str] = mapped_column(server_default="scheduled")
    is_recurring: Mapped[bool] = mapped_column(Computed("series_id is not null"))
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("meeting_series.id"))
    # The day of the series it stands for, also when it was moved to another.
    series_date: Mapped[date | None]
    changed_alone: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    attendee_count: Mapped[int] = mapped_column(server_default="0")
    actual_duration: Mapped[int | None]
    # What is known of who came: provisional, final or not_recorded; None until it is settled.
    attendance_record: Mapped[str | None]
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    host_name: Mapped[str | None]
    provision_state: Mapped[str] = mapped_column(server_default="none")
    origin: Mapped[str] = mapped_column(server_default="admin")
    # Rises with every change, so that a calendar takes the newer entry and two admins do not undo each other.
    revision: Mapped[int] = mapped_column(server_default="0")
    cancellation_reason: Mapped[str | None]
    archived_at: Mapped[datetime | None]
    archived_from: Mapped[str | None]
    # How many could come, noted when it began.
    invited_count: Mapped[int | None]
    seats_taken: Mapped[int] = mapped_column(server_default="0")
    seats_kept: Mapped[int] = mapped_column(server_default="0", deferred=True)
    waiting_count: Mapped[int] = mapped_column(server_default="0")
    request_count: Mapped[int] = mapped_column(server_default="0")
    # When everybody was first invited to an open one; the worker's and the database's to know.
    everybody_invited_at: Mapped[datetime | None] = mapped_column(deferred=True)


class MeetingSeries(Base):
    """A rule and what its meetings are like. `duration` is minutes; `weekdays` count from Monday, 1, to Sunday, 7."""

    __tablename__ = "meeting_series"

    id: Mapped[Id]
    title: Mapped[str]
    description: Mapped[str | None]
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    repeats: Mapped[str]
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default=text("'{}'"))
    month_day: Mapped[int | None] = mapped_column(SmallInteger)
    month_week: Mapped[int | None] = mapped_column(SmallInteger)
    start_time: Mapped[time]
    timezone: Mapped[str]
    duration: Mapped[int] = mapped_column(server_default="60")
    platform: Mapped[str] = mapped_column(server_default="google-meet")
    max_attendees: Mapped[int | None] = mapped_column(server_default="50")
    requires_approval: Mapped[bool] = mapped_column(server_default=text("false"))
    is_private: Mapped[bool] = mapped_column(server_default=text("false"))
    only_if_free: Mapped[bool] = mapped_column(server_default=text("false"))
    starts_on: Mapped[date]
    # The last day it may be held.
    ends_on: Mapped[date | None]
    skipped: Mapped[list[date]] = mapped_column(ARRAY(Date), server_default=text("'{}'"))
    revision: Mapped[int] = mapped_column(server_default="0")
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
