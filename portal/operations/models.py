"""What the operator looks after: backups, how big tables are, how long statements and waits take."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Id


def size(number: float) -> str:
    """Bytes in words: 812 kB, 1.4 MB, 23.0 GB."""
    for unit, worth in (("GB", 1e9), ("MB", 1e6)):
        if abs(number) >= worth:
            return f"{number / worth:,.1f} {unit}"
    return f"{number / 1e3:,.0f} kB"


class Backup(Base):
    """A dump that was made. `proved` says whether it came back to life when that was last tried; null if it never was."""

    __tablename__ = "backups"
    __table_args__ = (Index("ix_backups_made_at", text("made_at desc")),)

    id: Mapped[Id]
    file: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    club_at: Mapped[datetime]
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    revision: Mapped[str]
    row_counts: Mapped[dict[str, int]] = mapped_column(JSONB)
    proved_at: Mapped[datetime | None]
    proved: Mapped[bool | None]
    proof: Mapped[str | None]
    deleted_at: Mapped[datetime | None]

    @property
    def in_words(self) -> str:
        """Its file and how big that is."""
        return f"{self.file}, {size(self.bytes)}"


class RaisedAlarm(Base):
    """An alarm that stands; `told_at` is null while the mail to the operator is still owed."""

    __tablename__ = "raised_alarms"

    name: Mapped[str] = mapped_column(primary_key=True)
    words: Mapped[str]
    is_bad: Mapped[bool]
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class TableSize(Base):
    """How big a table was on a day."""

    __tablename__ = "table_sizes"

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    estimated_rows: Mapped[int] = mapped_column(BigInteger)
    table_bytes: Mapped[int] = mapped_column(BigInteger)
    index_bytes: Mapped[int] = mapped_column(BigInteger)


class StatementTiming(Base):
    """How often a statement was asked on a day, and how long the answers took, in milliseconds."""

    __tablename__ = "statement_timings"

    day: Mapped[date] = mapped_column(primary_key=True)
    statement: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    total_ms: Mapped[float] = mapped_column(DOUBLE_PRECISION)
    most_ms: Mapped[float] = mapped_column(DOUBLE_PRECISION)


class RequestTiming(Base):
    """How many requests of a route were ever answered with a status, and how long that took, in milliseconds."""

    __tablename__ = "request_timings"

    route: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[int] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    total_ms: Mapped[float] = mapped_column(DOUBLE_PRECISION)


class PoolTiming(Base):
    """How long connections were waited for on a day; `waits` counts by the steps of `portal.database.timings`."""

    __tablename__ = "pool_timings"

    day: Mapped[date] = mapped_column(primary_key=True)
    taken: Mapped[int] = mapped_column(BigInteger)
    waited_ms: Mapped[float] = mapped_column(DOUBLE_PRECISION)
    waits: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    timeouts: Mapped[int] = mapped_column(BigInteger)
    timed_out_at: Mapped[datetime | None]
