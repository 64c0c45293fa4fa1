"""What may be seen of meetings, as selects built once. The policies decide which rows; these decide what of them.

Constants stand in the statement as they are (no bound LIMIT), so that PostgreSQL plans for twenty rows.
"""

from datetime import date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    column,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.sql.expression import SQLColumnExpression as Column

from portal.accounts.models import User
from portal.attendance.models import Attendance
from portal.database.identity import ME
from portal.database.query import AnySelect, Query
from portal.database.rows import Shape, row_type
from portal.meetings.models import Meeting, MeetingSeries
from portal.meetings.rows import KindOfMeeting

PAGE = 20

# What is archived is shown as what it was.
STATUS = func.coalesce(Meeting.archived_from, Meeting.status).label("status")
SHOWN = tuple(STATUS if name == "status" else getattr(Meeting, name) for name in Shape(KindOfMeeting).columns)
"""The columns of a KindOfMeeting."""

MINE = (
    Attendance.answer,
    Attendance.reason,
    Attendance.offer_expires_at,
    Attendance.responded_at,
    Attendance.joined_at,
    Attendance.join_duration,
    Attendance.outcome,
    Attendance.party_id,
    Attendance.agreed_to,
)
# Whoever asks leads it.
IS_HOST = func.coalesce(Meeting.host_id == select(ME).scalar_subquery(), false()).label("is_host")
POSITION = case((Attendance.answer == "waitlisted", func.waiting_position(Meeting.id))).label("position")


@row_type
class Mine(KindOfMeeting):
    """A meeting with what is the viewer's own; `join_duration` is minutes, `outcome` attended, no_show or None: not known.
    `agreed_to` is the start they said yes to.
    """

    answer: str | None
    reason: str | None
    offer_expires_at: datetime | None
    responded_at: datetime | None
    joined_at: datetime | None
    join_duration: int | None
    outcome: str | None
    party_id: UUID | None
    agreed_to: datetime | None
    position: int | None
    is_host: bool


@row_type
class Upcoming(Mine):
    """One that is ahead or runs: how many are inside."""

    here: int


@row_type
class Past(Mine):
    """One that is behind. Each tells besides how often the viewer said yes and came in the span asked for, and the minutes."""

    yes: int
    came: int
    minutes: int
    all_minutes: int
    first_came: datetime | None


class Evening(NamedTuple):
    """An evening behind that counts for the viewer: whether they came, and for how many minutes, None where nobody knows."""

    starts_at: datetime
    came: bool
    minutes: int | None


@row_type
class One(Mine):
    """All that its own page shows; the last are those of its series, if it is of one."""

    description: str | None
    host_id: UUID | None
    request_count: int
    changed_at: datetime
    us: list[str] | None
    series_date: date | None
    start_time: time
    repeats: str | None
    weekdays: list[int] | None
    month_day: int | None
    month_week: int | None
    series_time: time | None
    series_id: UUID | None
    standing_answer_id: UUID | None
    note: str | None


class VisibleMeeting(NamedTuple):
    """The id of a meeting that the signed-in person may see."""

    id: UUID


def mine(*more: Column[Any]) -> AnySelect:
    """The columns of `Mine` and then `more`, of every meeting the viewer may see."""
    own = (Attendance.meeting_id == Meeting.id) & (Attendance.user_id == select(ME).scalar_subquery())
    return select(*SHOWN, *MINE, POSITION, IS_HOST, *more).outerjoin(Attendance, own)


# How many are inside, of one that runs.
INSIDE: ColumnElement[int] = literal_column("(select b.here from boards(array[meetings.id]) b)")
HERE = case((Meeting.starts_at <= bindparam("at"), INSIDE), else_=literal_column("0")).label("here")
# To how many of the evenings they said yes to the viewer came, in a span of time, and the minutes together: there and in all.
# Evenings of which nobody knows whether they came are left out.
RECORD = (
    text("""
select count(*) filter (where recent) as yes, count(*) filter (where recent and came) as came,
       coalesce(sum(minutes) filter (where recent), 0) as minutes, coalesce(sum(minutes), 0) as all_minutes,
       min(starts_at) filter (where came) as first_came
  from (select m.starts_at, m.starts_at >= :since and m.starts_at < :until as recent,
               a.joined_at is not null or a.outcome = 'attended' as came,
               case when a.join_duration is not null then least(a.join_duration, m.duration) end as minutes
          from meeting_attendances a join meetings m on m.id = a.meeting_id
         where a.user_id = (select auth.uid()) and m.ends_at <= :at
           and coalesce(m.archived_from, m.status) <> 'cancelled' and (a.joined_at is not null or a.outcome is not null)) mine
""")
    .columns(*map(column, ("yes", "came", "minutes", "all_minutes", "first_came")))
    .subquery("record")
)

EVENINGS = Query(
    Evening,
    text("""
select m.starts_at, a.joined_at is not null or a.outcome = 'attended' as came,
       case when a.join_duration is not null then least(a.join_duration, m.duration) end as minutes
  from meetings m join meeting_attendances a on a.meeting_id = m.id
 where a.user_id = (select auth.uid()) and m.ends_at <= :at and m.starts_at >= :since and m.starts_at < :until
   and coalesce(m.archived_from, m.status) <> 'cancelled' and (a.joined_at is not null or a.outcome is not null)
"""),
)
"""The viewer's own in a span of time: those to which they said yes or came, as far as anybody knows what became of it."""

# From a cursor on, or from what has not ended yet. One more than a page, to know whether there is a next one.
UPCOMING = Query(
    Upcoming,
    mine(HERE)
    .where(Meeting.ends_at > bindparam("at"), Meeting.status != "archived")
    .where(tuple_(Meeting.starts_at, Meeting.id) >= tuple_(bindparam("from_at"), bindparam("from_id")))
    .order_by(Meeting.starts_at, Meeting.id)
    .limit(literal_column(str(PAGE + 1))),
)
PAST = Query(
    Past,
    mine(*RECORD.c)
    .join(RECORD, true())
    .where(Meeting.ends_at <= bindparam("at"), Meeting.status != "archived")
    .where(tuple_(Meeting.starts_at, Meeting.id) <= tuple_(bindparam("from_at"), bindparam("from_id")))
    .order_by(Meeting.starts_at.desc(), Meeting.id.desc())
    .limit(literal_column(str(PAGE + 1))),
)
CHANGED = Meeting.updated_at.label("changed_at")
# Whom a yes for all of us would be for; the page of one meeting asks it in the same statement.
US = func.names_of_us(Meeting.id).label("us")
SERIES = (
    Meeting.series_date,
    Meeting.start_time,
    MeetingSeries.repeats,
    MeetingSeries.weekdays,
    MeetingSeries.month_day,
    MeetingSeries.month_week,
    MeetingSeries.start_time.label("series_time"),
)
# Which rule answered, and what the viewer told the host.
BESIDE = (Meeting.series_id, Attendance.standing_answer_id, Attendance.note)
ONE = Query(
    One,
    mine(Meeting.description, Meeting.host_id, Meeting.request_count, CHANGED, US, *SERIES, *BESIDE)
    .outerjoin(MeetingSeries, MeetingSeries.id == Meeting.series_id)
    .where(Meeting.id == bindparam("meeting_id")),
)
VISIBLE = Query(VisibleMeeting, select(Meeting.id).where(Meeting.id == bindparam("meeting_id")))
"""Whether the viewer may see a meeting at all."""

HOLDING = ("accepted", "offered", "waitlisted", "requested")


def invited_at(moment: datetime | BindParameter[datetime]) -> ColumnElement[int]:
    """How many may come to a meeting at a moment: its guests if it is private, else all who have access then."""
    guests = select(func.count()).where(Attendance.meeting_id == Meeting.id).scalar_subquery()
    everybody = select(func.count()).where(User.is_active, User.access_until > moment).scalar_subquery()
    return case((Meeting.is_private, guests), else_=everybody)


def affected(meeting_id: UUID) -> Select[UUID, str, str | None, str]:
    """Whom a change or cancellation is told: everybody who said yes, waits, asked for a place or was invited by name."""
    invited = and_(Meeting.is_private, Attendance.answer == "invited", Meeting.host_id.is_distinct_from(User.id))
    return (
        select(User.id, User.email, User.first_name, User.timezone)
        .join(Attendance, Attendance.user_id == User.id)
        .join(Meeting, Meeting.id == Attendance.meeting_id)
        .where(Meeting.id == meeting_id, or_(Attendance.answer.in_(HOLDING), invited), User.is_active)
        .order_by(User.id)
    )
