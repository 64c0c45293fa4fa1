"""What the calendar causes: series hold their meetings, and what is a year old goes to the archive."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, clock, jobs
from portal.jobs import job
from portal.meetings import line, series

# Where the rules of a zone changed since a meeting was planned, its wall time stays and its instant follows.
ZONES_CHANGED = text("""
update meetings m set scheduled_date = w.wall::date, start_time = w.wall::time, revision = m.revision + 1
  from (select id, time_that_exists(scheduled_date, start_time, timezone) as wall
          from meetings where status = 'scheduled' and starts_at > :at) w
 where m.id = w.id and m.starts_at <> local_instant(w.wall::date, w.wall::time, m.timezone)
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


@job("meetings.hold_series", cron="11 * * * *", lock="meetings.hold_series")
def hold_series(db: Session) -> None:
    """Each hour: what is missing of the next five weeks is made."""
    if made := series.hold(db):
        audit.record(db, "series.continued", f"Made {made} meetings of series", category="cron")


@job("meetings.follow_zones", cron="41 2 * * *", lock="meetings.follow_zones")
def follow_zones(db: Session) -> None:
    """Each night: meetings keep their hour where a country changed the rules of its clocks; who holds a place is told."""
    for meeting_id in db.scalars(ZONES_CHANGED, {"at": clock.now()}).all():
        audit.record(db, "meeting.moved", "A zone's rules changed", category="cron", meeting_id=meeting_id)
        jobs.enqueue(db, "attendance.tell_moved", meeting_id=str(meeting_id))
        line.tend(db, meeting_id)


@job("meetings.archive", cron="17 4 * * *", lock="meetings.archive")
def archive(db: Session) -> None:
    """Each night: what ended or was called off a year ago, some hundred at a time."""
    while archived := db.execute(ARCHIVE, {"at": clock.now(), "batch": BATCH}).rowcount:  # type: ignore[attr-defined]
        audit.record(db, "meetings.archived", f"Archived {archived} meetings of last year", category="cron")
        db.commit()
