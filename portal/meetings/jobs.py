"""What the calendar causes: series hold their meetings, and what is a year old goes to the archive."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.database.transactions import in_batches
from portal.jobs import job
from portal.meetings import series, waitlist
from portal.meetings.events import moved
from portal.times import moment_of

WALL_TIMES = text("""
select scheduled_date, start_time, timezone, starts_at from meetings
 where status = 'scheduled' and starts_at > :at group by 1, 2, 3, 4
""")
# An hour that the new rules skip becomes the one the clocks show instead.
MOVE = text("""
update meetings m
   set starts_at = n.starts_at, scheduled_date = n.wall::date, start_time = n.wall::time, revision = m.revision + 1
  from jsonb_to_recordset(:moved) as n (day date, hour time, zone text, was timestamptz, starts_at timestamptz, wall timestamp)
 where (m.scheduled_date, m.start_time, m.timezone, m.starts_at) = (n.day, n.hour, n.zone, n.was)
   and m.status = 'scheduled' and m.starts_at > :at
returning m.id
""")

BATCH = 500
# Leaves the lists, keeps its former state for every number; the room's address is erased.
ARCHIVE = text("""
update meetings m
   set archived_from = m.status, status = 'archived', archived_at = :at, meeting_link = null, meeting_id = null,
       provision_state = case m.provision_state when 'none' then 'none' else 'gone' end
 where m.id in (select id from meetings
                 where status in ('completed', 'cancelled') and ends_at < cast(:at as timestamptz) - interval '1 year'
                 order by starts_at limit :batch)
""")


@job("meetings.extend_series", cron="11 * * * *", lock="meetings.extend_series", dry_run=True)
def extend_series(db: Session) -> None:
    """Each hour: what is missing of the next five weeks is made."""
    if made := series.extend(db):
        audit.record(db, "series.continued", f"Made {made} meetings of series", category="cron")


@job("meetings.follow_zones", cron="41 2 * * *", lock="meetings.follow_zones", dry_run=True)
def follow_zones(db: Session) -> None:
    """Each night: meetings keep their hour where a country changed the rules of its clocks; who holds a place is told.

    New rules come with a new version of the package `tzdata`.
    """
    skewed = Jsonb(list(other_than_their_clocks(db, clock.now())))
    for meeting_id in db.scalars(MOVE, {"moved": skewed, "at": clock.now()}).all():
        audit.record(db, "meeting.moved", "A zone's rules changed", category="cron", meeting_id=meeting_id)
        moved.publish(db, meeting_id=meeting_id)
        waitlist.advance(db, meeting_id)


def other_than_their_clocks(db: Session, at: datetime) -> Iterator[dict[str, str]]:
    """The wall times of meetings that begin after `at` and are stored with another instant than their clocks show."""
    for day, hour, zone, starts_at in db.execute(WALL_TIMES, {"at": at}):
        if starts_at != (meant := moment_of(day, hour, zone)):
            yield {
                "day": str(day),
                "hour": str(hour),
                "zone": zone,
                "was": str(starts_at),
                "starts_at": str(meant),
                "wall": str(meant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)),
            }


@job("meetings.archive", cron="17 4 * * *", lock="meetings.archive", dry_run=True)
def archive(db: Session) -> None:
    """Each night: what ended or was called off a year ago, some hundred at a time."""

    def batch() -> int:
        archived = int(db.execute(ARCHIVE, {"at": clock.now(), "batch": BATCH}).rowcount)  # type: ignore[attr-defined]
        if archived:
            audit.record(db, "meetings.archived", f"Archived {archived} meetings of last year", category="cron")
        return archived

    in_batches(db, batch)
