"""Where rows came from that were not made here, and the files and archives of admins who move a club in or out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


class Imported(Base):
    """A row of another system that was taken: its name there, and the row it is here.

    It stays when the row is gone: who closed an account is not moved in again.
    """

    __tablename__ = "imported"

    source: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    row_id: Mapped[UUID] = mapped_column(index=True)
    imported_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Move(Base):
    """A file of people that an admin uploaded, or an archive one asked for; `step` is what was asked last, `state` how it stands.

    `options` are what the admin said of the file, `report` what came of the last step, `failure` a sentence for the admin.
    `done` of `total` is for a progress bar: lines of the file, or tables of the archive.
    """

    __tablename__ = "moves"
    __table_args__ = (Index("ix_moves_admin_id", "admin_id", "created_at"), Index("ix_moves_created_at", "created_at"))

    id: Mapped[Id]
    admin_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    step: Mapped[str]
    state: Mapped[str]
    format: Mapped[str]
    file_name: Mapped[str] = mapped_column(server_default="")
    bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total: Mapped[int] = mapped_column(BigInteger, server_default="0")
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    failure: Mapped[str | None]


class MovePart(Base):
    """A piece of the file, the report or the archive of a move; `number` begins at 0."""

    __tablename__ = "move_parts"

    move_id: Mapped[UUID] = mapped_column(ForeignKey("moves.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
