"""Whether times are right: the stored instants against the pinned package `tzdata`, and PostgreSQL's zones beside it.

PostgreSQL has a zone database of its own, as old as its packaging. Nothing here is derived from it, so a difference
breaks no promise; but whoever asks the database by hand for local hours reads them from it and should know.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from zoneinfo import available_timezones

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.times import spans

AHEAD = timedelta(days=2 * 365)
"""How far ahead rules are compared: what is planned today lies within."""

ZONES = text("""
select timezone from users union select timezone from meeting_series
union select timezone from meetings where ends_at > :at order by 1
""")
KNOWN = text("select name from pg_timezone_names where name = any(:zones)")
# Once a day, and in the first and last second of each offset.
DIFFERENT = text("""
select distinct s.zone
  from jsonb_to_recordset(:spans) as s (zone text, seconds integer, begins timestamptz, until timestamptz)
 cross join lateral (select generate_series(s.begins, s.until - interval '1 second', interval '1 day') as moment
                     union all select s.until - interval '1 second') at
 where extract(epoch from (at.moment at time zone s.zone) - (at.moment at time zone 'UTC')) <> s.seconds
 order by 1
""")


def in_use(db: Session, at: datetime) -> list[str]:
    """The zones of members, of series and of meetings that are not over."""
    return list(db.scalars(ZONES, {"at": at}))


def unknown(zones: list[str]) -> list[str]:
    """Those the package does not have: nobody there can be shown a time."""
    return sorted(set(zones) - available_timezones())


def different(db: Session, zones: list[str], at: datetime) -> list[str]:
    """Those in which PostgreSQL's clocks show something else than the package's, now or within two years."""
    mine = [zone for zone in zones if zone in available_timezones()]
    theirs = set(db.scalars(KNOWN, {"zones": mine}))
    rows = [
        {"zone": s.zone, "seconds": int(s.offset.total_seconds()), "begins": str(s.begins), "until": str(s.until)}
        for zone in theirs
        for s in spans(zone, at, at + AHEAD)
    ]
    return sorted({*db.scalars(DIFFERENT, {"spans": Jsonb(rows)}), *set(mine) - theirs})


def notes(db: Session, at: datetime) -> Iterator[str]:
    """A sentence on zones the package does not have, and one on those that PostgreSQL has otherwise."""
    zones, package = in_use(db, at), f"tzdata {version('tzdata')}"
    if named := unknown(zones):
        yield f"{package} does not have {', '.join(named)}, where members or meetings are."
    if named := different(db, zones, at):
        yield (
            f"PostgreSQL's own rules for {', '.join(named)} are others than those of {package}, which the portal goes by. "
            "Members are shown the right hour; local hours asked of PostgreSQL by hand are not."
        )
