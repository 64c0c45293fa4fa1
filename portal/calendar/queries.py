"""What a calendar shows of meetings: those of a span of time, and by whose and which series they may be chosen."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, cast, literal_column, or_, text

from portal.attendance.queries import Mine, mine
from portal.database.query import Query
from portal.database.rows import row_type
from portal.meetings.models import Meeting, MeetingSeries

MOST = 400
"""So many meetings are shown of a month or a week at most."""


@row_type
class InSpan(Mine):
    """A meeting of the span, and how its series repeats, if it is of one."""

    repeats: str | None
    weekdays: list[int] | None
    month_day: int | None
    month_week: int | None


class Choice(NamedTuple):
    """A series or a host; `kind` is which."""

    kind: str
    id: UUID
    name: str


_ONLY = cast(bindparam("only"), Uuid)
SPAN = Query(
    InSpan,
    mine(MeetingSeries.repeats, MeetingSeries.weekdays, MeetingSeries.month_day, MeetingSeries.month_week)
    .outerjoin(MeetingSeries, MeetingSeries.id == Meeting.series_id)
    .where(Meeting.starts_at >= bindparam("since"), Meeting.starts_at < bindparam("until"))
    .where(Meeting.status != "archived", or_(_ONLY.is_(None), Meeting.series_id == _ONLY, Meeting.host_id == _ONLY))
    .order_by(Meeting.starts_at, Meeting.id)
    .limit(literal_column(str(MOST))),
)
"""The meetings that begin in a span of time, of one series or one host only if `only` names it."""

CHOICES = Query(
    Choice,
    text("""
with near as materialized (
  select series_id, host_id, host_name from meetings
   where starts_at > cast(:since as timestamptz) - interval '90 days'
     and starts_at < cast(:until as timestamptz) + interval '90 days' and status <> 'archived')
(select 'Series' as kind, id, title as name from meeting_series
  where id in (select series_id from near) or id = :only order by title, id limit 100)
union all
(select 'Hosts', host_id, min(host_name)
   from (select host_id, host_name from near
         union all (select host_id, host_name from meetings where host_id = :only limit 1)) hosts
  where host_id is not null and host_name is not null group by host_id order by 3, 2 limit 100)
"""),
)
"""The series and hosts of the months around a span, and the one that is chosen."""
