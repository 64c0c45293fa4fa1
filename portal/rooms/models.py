"""A meeting's room, personal addresses into it, who was in it as the platform knows them, and what it told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id
from portal.rooms.zoom_client import Body


class Room(Base):
    """What the room of a meeting was made for, and what went wrong.

    Address and name at the platform are `Meeting.meeting_link` (sealed) and `.provider_event_id`, its state
    `.provision_state`.
    """

    __tablename__ = "rooms"
    __table_args__ = (Index("ix_rooms_next_try_at", "next_try_at", postgresql_where=text("next_try_at is not null")),)

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    made_by: Mapped[str]
    title: Mapped[str]
    starts_at: Mapped[datetime]
    duration: Mapped[int]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    ready_at: Mapped[datetime | None]
    host_address: Mapped[str | None]
    host_address_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    polled_at: Mapped[datetime | None]
    report_attempts: Mapped[int] = mapped_column(server_default="0")
    reported_at: Mapped[datetime | None]
    recording_attempts: Mapped[int] = mapped_column(server_default="0")
    reminded_at: Mapped[datetime | None]
    # Whether the platform gives everybody an address of their own; None until it was asked.
    has_registrants: Mapped[bool | None]


class SeriesLink(Base):
    """A typed address for every meeting of a series, sealed."""

    __tablename__ = "series_links"

    series_id: Mapped[UUID] = mapped_column(ForeignKey("meeting_series.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str]


class ObsoleteRoom(Base):
    """A room at a platform that is no meeting's any more, until it is deleted there."""

    __tablename__ = "obsolete_rooms"

    platform: Mapped[str] = mapped_column(primary_key=True)
    provider_id: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[datetime | None]


class RoomRegistrant(Base):
    """A person's own address into a room, sealed."""

    __tablename__ = "room_registrants"
    __table_args__ = (UniqueConstraint("meeting_id", "registrant_id", name="uq_room_registrants_registrant_id"),)

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    registrant_id: Mapped[str]
    address: Mapped[str]
    revoked_at: Mapped[datetime | None]


class RoomEventRecord(Base):
    """One signed message of a platform, as it came."""

    __tablename__ = "room_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    platform: Mapped[str]
    kind: Mapped[str]
    provider_id: Mapped[str]
    body: Mapped[Body] = mapped_column(JSONB)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class Participant(Base):
    """Somebody in a room as its platform knows them, and who that is here."""

    __tablename__ = "participants"
    __table_args__ = (
        UniqueConstraint("meeting_id", "identity", name="uq_participants_identity"),
        Index("ix_participants_unmatched", "meeting_id", postgresql_where=text("user_id is null and not is_guest")),
    )

    id: Mapped[Id]
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"))
    identity: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    account: Mapped[str | None]
    email: Mapped[str | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    matched_by: Mapped[str | None]
    is_guest: Mapped[bool] = mapped_column(server_default=text("false"))


class KnownAccount(Base):
    """Whose an account at a platform is."""

    __tablename__ = "known_accounts"

    platform: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    learnt_at: Mapped[datetime]


class MeetingNotes(Base):
    """What the host leaves for those who may read it after a meeting: `body` is Markdown, or None.

    The row outlives the notes, and there is one where only a recording was published: `told_at` is when those who came
    were told of either.
    """

    __tablename__ = "meeting_notes"

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    body: Mapped[str | None]
    written_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    written_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]


class RecordingRecord(Base):
    """What a platform recorded, sealed; shown to nobody but the host until published."""

    __tablename__ = "recordings"
    __table_args__ = (UniqueConstraint("meeting_id", "recording_id", name="uq_recordings_recording_id"),)

    id: Mapped[Id]
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"))
    recording_id: Mapped[str]
    kind: Mapped[str]
    address: Mapped[str]
    offered_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
