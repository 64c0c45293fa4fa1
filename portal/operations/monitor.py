"""How the database and what runs beside it are doing: the questions behind Admin, Operations, on PostgreSQL 15 to 18.

Asked as an admin. Sizes and uses of indexes everybody may read; what others ask of the server only two functions see,
through portal_monitor. Times are the machine's. Nothing here is public, and nothing is asked as a superuser.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from portal.database.query import Query
from portal.database.rows import typed
from portal.database.timings import STEPS
from portal.jobs.runs import Run
from portal.operations.models import Backup, PoolTiming, StatementTiming


class Jobs(NamedTuple):
    """How many jobs of a kind wait, are late by ten minutes, are being done, and failed in the last week."""

    task: str
    waiting: int
    late: int
    doing: int
    failed: int
    failed_at: datetime | None


class Mails(NamedTuple):
    """How many mails wait, since when, how many failed, and one reason."""

    waiting: int
    waiting_since: datetime | None
    failed: int
    failure: str | None


class SlowStatement(NamedTuple):
    """A statement, how often it was asked, and how long it took, in milliseconds."""

    statement: str
    calls: int
    total_ms: float
    mean_ms: float
    most_ms: float


class Connected(NamedTuple):
    """How many connections of a login and program are in one state, and for how long the longest."""

    login: str
    application: str
    state: str
    connections: int
    longest: timedelta | None


class Limit(NamedTuple):
    """How many connections the server allows, and has."""

    allowed: int
    used: int


class Table(NamedTuple):
    """A table with its size in bytes, its growth since a day, and its last analysis."""

    name: str
    estimated_rows: int
    table_bytes: int
    index_bytes: int
    growth: int | None
    since: date | None
    analysed_at: datetime | None


class IndexUse(NamedTuple):
    """An index with its size, and how often it was used."""

    name: str
    of_table: str
    scans: int
    bytes: int
    unused: bool


class Size(NamedTuple):
    """How big all tables were together on a day."""

    day: date
    bytes: Decimal


class Mean(NamedTuple):
    """How long a statement took on average on a day, in milliseconds."""

    day: date
    mean: float


QUEUE = Query(Jobs, text("select * from queue_status() order by failed desc, late desc, waiting desc, task"))
MAILS = Query(Mails, text("select * from mail_status(:since)"))
SLOW = Query(SlowStatement, text("select statement, calls, total_ms, mean_ms, most_ms from slow_statements()"))
CONNECTIONS = Query(Connected, text("select * from open_connections()"))
LIMIT = Query(
    Limit,
    text("""
select cast(current_setting('max_connections') as integer) as allowed,
       (select cast(sum(numbackends) as integer) from pg_catalog.pg_stat_database) as used
"""),
)
# By the table's own number, so that any name will do.
TABLES = Query(
    Table,
    text("""
select c.relname as name, coalesce(s.n_live_tup, 0) as estimated_rows, pg_table_size(c.oid) as table_bytes,
       pg_indexes_size(c.oid) as index_bytes, pg_total_relation_size(c.oid) - b.bytes as growth, b.day as since,
       greatest(s.last_analyze, s.last_autoanalyze) as analysed_at
  from pg_catalog.pg_class c
  left join pg_catalog.pg_stat_user_tables s on s.relid = c.oid
  left join lateral (select day, table_bytes + index_bytes as bytes from table_sizes t
                      where t.name = c.relname and day >= :from_day and day < :today order by day limit 1) b on true
 where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
 order by pg_total_relation_size(c.oid) desc, c.relname
"""),
)
INDEXES = Query(
    IndexUse,
    text("""
select s.indexrelname as name, s.relname as of_table, s.idx_scan as scans, pg_relation_size(s.indexrelid) as bytes,
       s.idx_scan = 0 and not i.indisunique as unused
  from pg_catalog.pg_stat_user_indexes s join pg_catalog.pg_index i on i.indexrelid = s.indexrelid
 where s.schemaname = 'public' order by pg_relation_size(s.indexrelid) desc, s.indexrelname
"""),
)
COUNTED_SINCE = text("select stats_reset from pg_catalog.pg_stat_database where datname = current_database()")
STORAGE = Query(
    Size,
    text("""
select day, sum(table_bytes + index_bytes) as bytes from table_sizes where day > :from_day group by day order by day
"""),
)
# The straight line through the days, if there are enough of them to have a direction.
PACE = text("""
select case when count(*) >= 7 then regr_slope(bytes, day - date '2020-01-01') end
  from (select day, sum(table_bytes + index_bytes) as bytes from table_sizes where day > :from_day group by day) d
""")


@dataclass(frozen=True)
class Slow:
    """The statements that take longest, and who counted them: the server, or the portal's own processes."""

    statements: list[SlowStatement]
    by_server: bool


@dataclass(frozen=True)
class Pool:
    """How long a connection of the pool was waited for today, in milliseconds, and how often in vain."""

    taken: int
    mean_ms: float
    p95_ms: float
    timeouts: int
    timed_out_at: datetime | None


def last_runs(db: Session) -> list[Run]:
    """The newest run of everything on the schedule, by name."""
    return list(db.scalars(select(Run).ext(distinct_on(Run.name)).order_by(Run.name, Run.began_at.desc())))


def backups(db: Session) -> list[Backup]:
    """The backups there are, newest first."""
    kept = select(Backup).where(Backup.deleted_at.is_(None)).order_by(Backup.made_at.desc())
    return list(db.scalars(kept.limit(40)))


def queue(db: Session) -> list[Jobs]:
    """How many jobs of each kind wait, are late by ten minutes, are being done, and failed in the last week."""
    return QUEUE.all(db)


def mails(db: Session, since: datetime) -> Mails:
    """How many mails wait, and failed `since` (by the club's clock)."""
    return MAILS.one(db, since=since)


def mean_by_day(db: Session) -> list[Mean]:
    """How long a statement took on average, in milliseconds, for each of the last thirty days: (day, mean)."""
    mean = func.sum(StatementTiming.total_ms) / func.sum(StatementTiming.calls)
    days = select(StatementTiming.day, mean.label("mean")).where(StatementTiming.day > _days_ago(30))
    return typed(Mean, db.execute(days.group_by(StatementTiming.day).order_by(StatementTiming.day)))


def slow(db: Session) -> Slow:
    """The ten statements with the longest mean, of pg_stat_statements if it is at work, else of the portal's own count."""
    if by_server := SLOW.all(db):
        return Slow(by_server, by_server=True)
    calls, total = func.sum(StatementTiming.calls), func.sum(StatementTiming.total_ms)
    own = (
        select(
            StatementTiming.statement,
            calls.label("calls"),
            total.label("total_ms"),
            (total / calls).label("mean_ms"),
            func.max(StatementTiming.most_ms).label("most_ms"),
        )
        .where(StatementTiming.day > _days_ago(7))
        .group_by(StatementTiming.statement)
        .order_by((total / calls).desc())
        .limit(10)
    )
    return Slow(typed(SlowStatement, db.execute(own)), by_server=False)


def tables(db: Session) -> list[Table]:
    """Every table with its size, its growth since the first measure of the last thirty days, and its last analysis."""
    return TABLES.all(db, today=_days_ago(0), from_day=_days_ago(30))


def storage(db: Session) -> list[Size]:
    """How big all tables were together on each of the last thirty days: (day, bytes)."""
    return STORAGE.all(db, from_day=_days_ago(30))


def pace(db: Session) -> float | None:
    """Bytes a day the database grows by; None until a week was measured."""
    found: float | None = db.scalar(PACE, {"from_day": _days_ago(30)})
    return found


def indexes(db: Session) -> tuple[list[IndexUse], datetime | None]:
    """Every index with its size and how often it was used, and since when that is counted (None: since the beginning)."""
    return INDEXES.all(db), db.scalar(COUNTED_SINCE)


def connections(db: Session) -> tuple[list[Connected], Limit]:
    """Who is connected to this database, but for the one who asks; and how many the server has, of how many."""
    return CONNECTIONS.all(db), LIMIT.one(db)


def pool(db: Session) -> Pool | None:
    """Today's waits for a connection; None if no process has told of any yet."""
    row = db.scalar(select(PoolTiming).where(PoolTiming.day == _days_ago(0)))
    if row is None or not row.taken:
        return None
    return Pool(row.taken, row.waited_ms / row.taken, percentile(row.waits, 0.95), row.timeouts, row.timed_out_at)


def percentile(waits: list[int], share: float) -> float:
    """The step, in milliseconds, within which that share of the waits was over."""
    wanted, so_far = share * sum(waits), 0
    for step, count in zip((*STEPS, STEPS[-1]), waits, strict=True):
        so_far += count
        if so_far >= wanted:
            return step
    return STEPS[-1]


def _days_ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)
