"""What may be seen of meetings, as selects built once. The policies decide which rows; these decide what of them.

Constants stand in the statement as they are (no bound LIMIT), so that PostgreSQL plans for twenty rows.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, case, func, literal_column, select, tuple_

from portal.accounts.models import User
from portal.attendance.models import Attendance
from portal.database.identity import ME
from portal.database.question import Question
from portal.meetings.models import Meeting, MeetingSeries

PAGE = 20

# What is archived is shown as what it was.
STATUS = func.coalesce(Meeting.archived_from, Meeting.status).label("status")
SHOWN = (
    Meeting.id, Meeting.title, Meeting.host_name, Meeting.platform, Meeting.duration, Meeting.timezone,
    Meeting.starts_at, Meeting.ends_at, STATUS, Meeting.max_attendees, Meeting.requires_approval,
    Meeting.is_private, Meeting.seats_taken, Meeting.waiting_count, Meeting.attendee_count,
    Meeting.cancellation_reason,
)  # fmt: skip
MINE = (
    Attendance.answer, Attendance.reason, Attendance.offer_expires_at, Attendance.responded_at,
    Attendance.joined_at, Attendance.join_duration, Attendance.party_id,
)  # fmt: skip
POSITION = case((Attendance.answer == "waitlisted", func.waiting_position(Meeting.id))).label("position")


def _mine(*more: Any) -> Select[*tuple[Any, ...]]:
    mine = (Attendance.meeting_id == Meeting.id) & (Attendance.user_id == select(ME).scalar_subquery())
    return select(*SHOWN, *more, *MINE, POSITION).outerjoin(Attendance, mine)


# From a cursor on, or from what has not ended yet. One more than a page, to know whether there is a next one.
UPCOMING = Question(
    _mine()
    .where(Meeting.ends_at > bindparam("at"), Meeting.status != "archived")
    .where(tuple_(Meeting.starts_at, Meeting.id) >= tuple_(bindparam("from_at"), bindparam("from_id")))
    .order_by(Meeting.starts_at, Meeting.id)
    .limit(literal_column(str(PAGE + 1)))
)
PAST = Question(
    _mine()
    .where(Meeting.ends_at <= bindparam("at"), Meeting.status != "archived")
    .where(tuple_(Meeting.starts_at, Meeting.id) <= tuple_(bindparam("from_at"), bindparam("from_id")))
    .order_by(Meeting.starts_at.desc(), Meeting.id.desc())
    .limit(literal_column(str(PAGE + 1)))
)
CHANGED = Meeting.updated_at.label("changed_at")
# Whom a yes for all of us would be for; the page of one meeting asks it in the same statement.
US = func.names_of_us(Meeting.id).label("us")
SERIES = (
    Meeting.series_date, Meeting.start_time, MeetingSeries.repeats, MeetingSeries.weekdays, MeetingSeries.month_day,
    MeetingSeries.month_week, MeetingSeries.start_time.label("series_time"),
)  # fmt: skip
ONE = Question(
    _mine(Meeting.description, Meeting.host_id, Meeting.request_count, CHANGED, US, *SERIES)
    .outerjoin(MeetingSeries, MeetingSeries.id == Meeting.series_id)
    .where(Meeting.id == bindparam("meeting_id"))
)
THERE = Question(select(Meeting.id).where(Meeting.id == bindparam("meeting_id")))
"""Whether the asker may see a meeting at all."""

HOLDING = ("accepted", "offered", "waitlisted", "requested")


def invited_at(moment: Any) -> Any:
    """How many may come to a meeting at a moment: its guests if it is private, else all who have access then."""
    guests = select(func.count()).where(Attendance.meeting_id == Meeting.id).scalar_subquery()
    everybody = select(func.count()).where(User.is_active, User.access_until > moment).scalar_subquery()
    return case((Meeting.is_private, guests), else_=everybody)


def affected(meeting_id: UUID) -> Any:
    """Everybody who said yes, waits or asked: those who are told when a meeting changes or falls."""
    return (
        select(User.id, User.email, User.first_name, User.timezone)
        .join(Attendance, Attendance.user_id == User.id)
        .where(Attendance.meeting_id == meeting_id, Attendance.answer.in_(HOLDING), User.is_active)
        .order_by(User.id)
    )
