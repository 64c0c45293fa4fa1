"""Daily invitations: everybody who has access has a row, `invited`, for each open meeting of the days ahead.

Nobody is written to because of such a row: what is open stands in the digest. Who gets access later is invited in the
transaction that gives it (sql/invite_newcomer.sql). Private meetings have their own list (`guests`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.database.query import Query
from portal.database.transactions import each, keep
from portal.jobs.runs import RunResult, noted
from portal.sentences import ngettext

RUN = "invitations"
"""What its runs are called in the table of runs."""


class OpenMeeting(NamedTuple):
    """An open meeting of the days ahead. `uninvited`: how many people with access have no row of it yet."""

    id: UUID
    title: str
    starts_at: datetime
    uninvited: int


AHEAD = """
not m.is_private and m.status in ('scheduled', 'active') and m.ends_at > :at and m.starts_at < :until
"""
# What an invitation would write, for each meeting. Read by admins.
MISSING = Query(
    OpenMeeting,
    text(f"""
select m.id, m.title, m.starts_at,
       (select count(*) from users u
         where u.is_active and u.email_verified and u.access_until > :at
           and not exists (select from meeting_attendances a where a.meeting_id = m.id and a.user_id = u.id)) as uninvited
  from meetings m where {AHEAD} order by m.starts_at, m.id
"""),  # noqa: S608
)
# Whoever gets access from here on is invited with it; whoever had it before, by what follows.
MARK = text(f"""
update meetings m set everybody_invited_at = :at where {AHEAD} and m.everybody_invited_at is null
""")  # noqa: S608
MEETINGS = text(f"select m.id from meetings m where {AHEAD} order by m.starts_at, m.id")  # noqa: S608
INVITE = text("select invite_everybody(:meeting, :at)")


def missing(db: Session) -> Sequence[OpenMeeting]:
    """What `invite_everybody` would write now, and nothing is written."""
    return MISSING.all(db, **_days_ahead())


def invite_everybody(db: Session) -> None:
    """Write what is missing, one statement a meeting, each kept before the next; the run is noted with its numbers.

    May be repeated, run twice at once, or be stopped in the middle: what is missing then is written next time.
    """
    with noted(db, RUN) as run:
        db.execute(MARK, _days_ahead())
        keep(db)
        meetings = db.scalars(MEETINGS, _days_ahead()).all()
        written = [db.scalar(INVITE, {"meeting": meeting, "at": clock.now()}) or 0 for meeting in each(db, meetings)]
        _tell(run, len(meetings), sum(written))
        if run.details["written"]:
            audit.record(db, "invitations.written", run.outcome, category="cron")


def _tell(run: RunResult, meetings: int, written: int) -> None:
    run.details = {"meetings": meetings, "written": written}
    run.outcome = ngettext(
        "Wrote %(num)s invitation to %(meetings)s.",
        "Wrote %(num)s invitations to %(meetings)s.",
        written,
        meetings=ngettext("%(num)s open meeting", "%(num)s open meetings", meetings),
    )


def _days_ahead() -> dict[str, datetime]:
    at = clock.now()
    return {"at": at, "until": at + timedelta(days=current_app.config["SETTINGS"].invite_days)}
