"""What a job of the schedule would do now: it is done, the rows it touched are counted, and all of it is taken back."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.database.query import Query
from portal.database.transactions import taken_back
from portal.jobs import Job
from portal.jobs.runs import noted
from portal.sentences import ngettext

PREFIX = "dry run of "
"""What the runs of dry runs are named with, before the job's name."""


class Touched(NamedTuple):
    """How many rows of a table a transaction added, changed and deleted."""

    table: str
    added: int
    changed: int
    deleted: int


# PostgreSQL's own count of this transaction. What of an earlier one it has not added up yet is in it too, so two are compared.
TOUCHED = Query(
    Touched,
    text("""
select relname as table, n_tup_ins as added, n_tup_upd as changed, n_tup_del as deleted
  from pg_catalog.pg_stat_xact_user_tables
 where schemaname = 'public' and relname not in ('runs', 'procrastinate_events') order by relname
"""),
)


def dry_run(db: Session, job: Job[...]) -> None:
    """Note what `job` would do now, as a run of its own. Commits before and after; whatever the job does is taken back."""
    with noted(db, f"{PREFIX}{job.name}") as run:
        with taken_back(db):
            before = {row.table: row for row in TOUCHED.all(db)}
            job.function(db)
            db.flush()
            after = [_since(before.get(row.table), row) for row in TOUCHED.all(db)]
        run.outcome = in_words([row for row in after if any(row[1:])])


def _since(before: Touched | None, after: Touched) -> Touched:
    if before is None:
        return after
    added, changed, deleted = (now - then for now, then in zip(after[1:], before[1:], strict=True))
    return Touched(after.table, added, changed, deleted)


def in_words(rows: list[Touched]) -> str:
    """A sentence on each number of rows that would be touched, or one that says that none would be."""
    if not rows:
        return "It would change nothing."
    return " ".join(sentence for row in rows for sentence in _sentences(row))


def _sentences(row: Touched) -> list[str]:
    texts = (
        (row.added, "%(num)s row would be added to %(table)s.", "%(num)s rows would be added to %(table)s."),
        (row.changed, "%(num)s row of %(table)s would be changed.", "%(num)s rows of %(table)s would be changed."),
        (row.deleted, "%(num)s row of %(table)s would be deleted.", "%(num)s rows of %(table)s would be deleted."),
    )
    return [ngettext(one, many, count, table=row.table) for count, one, many in texts if count]
