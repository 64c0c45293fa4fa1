"""The club's own words and rules, and the pictures on its front page."""

from datetime import datetime, time

from sqlalchemy import ForeignKey, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base


class ClubPicture(Base):
    """A picture an admin sent, named by the SHA-256 of what is kept of it: without its metadata."""

    __tablename__ = "club_pictures"

    digest: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ClubRow(Base):
    """The one row. Its columns have the names of the settings they go before; texts are Markdown, colours six hex digits.

    The words that no setting has are empty where the portal's own stand.
    """

    __tablename__ = "club"

    singleton: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    changed_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    club_name: Mapped[str]
    help_email: Mapped[str]
    club_address: Mapped[str] = mapped_column(server_default="")
    club_domains: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    club_timezone: Mapped[str]
    default_meeting_time: Mapped[time]
    doors_minutes: Mapped[int]
    welcome_days: Mapped[int]
    grace_days: Mapped[int]
    tax_words: Mapped[str] = mapped_column(server_default="")
    front_title: Mapped[str] = mapped_column(server_default="")
    front_text: Mapped[str] = mapped_column(server_default="")
    front_picture: Mapped[str | None] = mapped_column(ForeignKey("club_pictures.digest"), index=True)
    front_picture_alt: Mapped[str] = mapped_column(server_default="")
    privacy_text: Mapped[str] = mapped_column(server_default="")
    terms_text: Mapped[str] = mapped_column(server_default="")
    accent_light: Mapped[str] = mapped_column(server_default="")
    accent_dark: Mapped[str] = mapped_column(server_default="")
