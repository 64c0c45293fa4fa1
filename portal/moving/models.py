"""Where rows came from that were not made here."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base


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
