"""Who answered what, and who was there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id

KNOWN = "not is_general or answer <> 'invited' or joined_at is not null or outcome is not null"
"""SQL: whether a row says more than that the meeting is open and everybody is invited. Two indexes hold only these."""


class Attendance(Base):
    """One person and one meeting: the answer, and afterwards the outcome. `status` sums both up."""

    __tablename__ = "meeting_attendances"
    __table_args__ = (
        UniqueConstraint("meeting_id", "user_id"),
        Index("ix_meeting_attendances_user_id", "user_id", "meeting_id"),
        Index("idx_attendance_domain", "is_external_domain", "email_domain"),
        Index(
            "ix_meeting_attendances_waiting",
            "meeting_id",
            "waiting_since",
            "id",
            postgresql_where=text("answer = 'waitlisted'"),
        ),
        Index(
            "ix_meeting_attendances_domains",
            "meeting_id",
            "email_domain",
            postgresql_include=["is_external_domain", "answer", "outcome", "join_duration"],
            postgresql_where=text(KNOWN),
        ),
        Index("ix_meeting_attendances_known", "meeting_id", "user_id", postgresql_where=text(KNOWN)),
        Index("ix_meeting_attendances_offers", "offer_expires_at", postgresql_where=text("answer = 'offered'")),
        Index("ix_meeting_attendances_note", "meeting_id", postgresql_where=text("note is not null")),
    )

    id: Mapped[Id]
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(Computed("coalesce(outcome, answer)"))
    invited_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    responded_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    email_domain: Mapped[str | None]
    is_external_domain: Mapped[bool] = mapped_column(server_default=text("false"))
    join_duration: Mapped[int | None]
    device_type: Mapped[str | None]
    answer: Mapped[str] = mapped_column(server_default="invited")
    outcome: Mapped[str | None]
    waiting_since: Mapped[datetime | None]
    offer_expires_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    # An admin's word on whether they came, and why.
    corrected_at: Mapped[datetime | None]
    correction: Mapped[str | None]
    party_id: Mapped[UUID | None]
    party_skips: Mapped[int] = mapped_column(server_default="0")
    # The start that was said yes to, kept by a trigger; None: not known.
    agreed_to: Mapped[datetime | None]
    # Written because the meeting is open to everybody (attendance/invitations.py), and not because somebody invited them.
    is_general: Mapped[bool] = mapped_column(server_default=text("false"))
    # The rule that gave this answer; None for what the person said.
    standing_answer_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("standing_answers.id", ondelete="SET NULL"), index=True
    )
    # What the person tells the host beside the answer.
    note: Mapped[str | None]


class StandingAnswer(Base):
    """A rule of a person: what they answer to every meeting of a weekday or a series, or to all while they are away.

    `weekday` counts from Monday, 1, in the person's zone. Meetings that begin from `starts_at` to before `ends_at` follow it
    (None: until it is ended). `followed_at` is None while they are being answered. One that ended keeps its answers, which
    become the person's own, or they are being taken back; after that the row goes.
    """

    __tablename__ = "standing_answers"
    __table_args__ = (
        Index(
            "uq_standing_answers_weekday", "user_id", "weekday", unique=True, postgresql_where=text("ended_at is null")
        ),
        Index(
            "uq_standing_answers_series", "user_id", "series_id", unique=True, postgresql_where=text("ended_at is null")
        ),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    weekday: Mapped[int | None] = mapped_column(SmallInteger)
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("meeting_series.id", ondelete="CASCADE"), index=True)
    response: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    followed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    keeps_answers: Mapped[bool] = mapped_column(server_default=text("true"))


class RulesFollowed(Base):
    """When a meeting was last answered by the rules of everybody."""

    __tablename__ = "rules_followed"

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    followed_at: Mapped[datetime]


class ClubDomain(Base):
    """A domain whose addresses are the club's own people; a copy of the setting, for the database."""

    __tablename__ = "club_domains"

    domain: Mapped[str] = mapped_column(primary_key=True)


class Presence(Base):
    """One stay in a room as one source saw it. A person may have several, on several devices and from several sources.

    `user_id` is None while nobody knows who the participant is, `joined_at` where only the leaving was told. `seen_at` is
    when the page of somebody who clicked was last heard.
    """

    __tablename__ = "presences"
    __table_args__ = (
        Index("ix_presences_meeting_id", "meeting_id", "user_id"),
        Index("ix_presences_open", "meeting_id", postgresql_where=text("left_at is null")),
        UniqueConstraint("participant_id", "source", "session", name="uq_presences_session"),
    )

    id: Mapped[Id]
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    joined_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    device_type: Mapped[str]
    source: Mapped[str] = mapped_column(server_default="event")
    participant_id: Mapped[UUID | None] = mapped_column(ForeignKey("participants.id", ondelete="CASCADE"))
    session: Mapped[str | None]
