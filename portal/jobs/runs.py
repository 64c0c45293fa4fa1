"""What the schedule did: of large work a row for each run, with what came of it; of every job the last run.

Times are the machine's, as the queue's are: the demo's clock may be ahead of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Index, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.database import Base, Id
from portal.database.transactions import keep
from portal.problems import Problem

NIGHT = 3
"""The hour, in the club's zone, in which large work is done."""


class Run(Base):
    """One run of something on the schedule. `well` is null while it runs, and false when what came of it is bad news."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_name", "name", text("began_at desc")),)

    id: Mapped[Id]
    name: Mapped[str]
    began_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    ended_at: Mapped[datetime | None]
    well: Mapped[bool | None]
    outcome: Mapped[str | None]
    details: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))


class LastRun(Base):
    """The last run of a job on the schedule that came to an end; `outcome` is why it failed."""

    __tablename__ = "last_runs"

    name: Mapped[str] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    well: Mapped[bool]
    outcome: Mapped[str | None]


def keep_last(db: Session, name: str, began_at: datetime, failure: str | None = None) -> None:
    """Write over what is kept of the job's run before."""
    row = {"began_at": began_at, "ended_at": func.clock_timestamp(), "well": failure is None, "outcome": failure}
    db.execute(upsert(LastRun).values(name=name, **row).on_conflict_do_update(index_elements=["name"], set_=row))


@dataclass
class RunResult:
    """What a run leaves: a sentence, whether it is good news, and what a page may want to show of it."""

    outcome: str = ""
    well: bool = True
    details: dict[str, object] = field(default_factory=dict)


@contextmanager
def noted(db: Session, name: str) -> Iterator[RunResult]:
    """Note the run of what is done inside, also if it fails: then everything since the last commit is taken back.

    Commits when it begins; what came of it is the caller's to commit.
    """
    run_id, result = uuid4(), RunResult()
    db.execute(insert(Run).values(id=run_id, name=name))
    keep(db)
    try:
        yield result
    except Exception as error:
        db.rollback()
        _end(db, run_id, RunResult(str(error) if isinstance(error, Problem) else type(error).__name__, well=False))
        keep(db)
        raise
    _end(db, run_id, result)


def _end(db: Session, run_id: UUID, result: RunResult) -> None:
    db.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(
            ended_at=func.clock_timestamp(), well=result.well, outcome=result.outcome, details=result.details or None
        )
    )


def last_ended(db: Session, name: str) -> datetime | None:
    """When the last run of `name` that came to an end began."""
    return db.scalar(select(func.max(Run.began_at)).where(Run.name == name, Run.ended_at.is_not(None)))


def is_due(last: datetime | None, every: timedelta, zone: str) -> bool:
    """Whether it is time again for what was last done at `last`: in the night of `zone`, at any hour if that was missed."""
    if last is None:
        return True
    now = datetime.now(UTC)
    at_night = now.astimezone(ZoneInfo(zone)).hour == NIGHT
    return now - last > every + timedelta(hours=6) or (at_night and now - last > every - timedelta(hours=6))
