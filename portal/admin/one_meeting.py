"""One meeting as an admin sees it: its numbers, who came and from where, and the word on who did. And where people come from."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, literal_column, select, text
from sqlalchemy.orm import aliased

from portal import clock
from portal.access import admin
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.accounts.queries import NAME
from portal.admin.meeting_forms import CorrectionForm
from portal.admin.planned import Planned
from portal.arguments import query_arg
from portal.attendance import presence, queries
from portal.attendance.domains import by_domain
from portal.attendance.models import KNOWN, Attendance
from portal.attendance.rsvp import NOTES_TO_HOST
from portal.database import db
from portal.database.query import Query
from portal.database.rows import row_type
from portal.meetings.board import here_and_now
from portal.meetings.models import Meeting, MeetingSeries
from portal.meetings.repeats import in_words
from portal.meetings.rows import PlannedRow
from portal.problems import Refused
from portal.rooms.actions import reveal
from portal.rooms.standing import room_standing
from portal.rsvp_states import OUTCOMES, TOLD, Disc
from portal.times import date_in_words, since
from portal.viewer import viewer
from portal.web import find, page

Creator = aliased(User)


@row_type
class OneRow(PlannedRow):
    """A meeting with how it came about, how its series repeats, and how many it is open to now."""

    origin: str
    created_at: datetime
    actual_duration: int | None
    series_id: UUID | None
    series_date: date | None
    host_id: UUID | None
    repeats: str | None
    weekdays: list[int] | None
    month_day: int | None
    month_week: int | None
    first_name: str | None
    last_name: str | None
    email: str | None
    open_to: int


class Numbers(NamedTuple):
    """How many were invited, answered and came; `minutes` is the average stay. The first four are None where nobody knows who
    came. `unknown` are those in the room whom nobody knows.
    """

    invited_count: int | None
    attended_count: int | None
    external_attendees: int | None
    minutes: Decimal | None
    declined: int
    answered: int
    no_shows: int
    unknown: int


class Attended(NamedTuple):
    """Somebody's answer, and when and with what they came and left; `join_duration` is minutes. `seen_by` is the source that
    counts of them (the view `stays` says which does); None if nothing saw them.
    """

    id: UUID
    first_name: str | None
    last_name: str | None
    email: str
    answer: str
    outcome: str | None
    joined_at: datetime | None
    left_at: datetime | None
    join_duration: int | None
    device_type: str | None
    corrected_at: datetime | None
    correction: str | None
    seen_by: str | None


class Shown(NamedTuple):
    """The same, as the page shows it."""

    id: UUID
    name: str
    email: str
    disc: Disc
    came: str
    left: str
    minutes: int | None
    device: str
    seen: str
    corrected: str
    correctable: bool


class ThisMeeting(Planned):
    """The meeting of the page."""

    _row: OneRow

    @property
    def lasted(self) -> int | None:
        """Minutes from the first who came to the last who left, when it is settled."""
        return self._row.actual_duration

    @property
    def provisional(self) -> bool:
        """Whether the platform has still to report who was in the room."""
        return self._row.attendance_record == "provisional"


ONE = Query(
    OneRow,
    select(
        *queries.SHOWN,
        Meeting.request_count,
        Meeting.origin,
        Meeting.created_at,
        Meeting.actual_duration,
        Meeting.series_id,
        Meeting.series_date,
        Meeting.host_id,
        MeetingSeries.repeats,
        MeetingSeries.weekdays,
        MeetingSeries.month_day,
        MeetingSeries.month_week,
        Creator.first_name,
        Creator.last_name,
        Creator.email,
        queries.invited_at(bindparam("at")).label("open_to"),
    )
    .outerjoin(MeetingSeries, MeetingSeries.id == Meeting.series_id)
    .outerjoin(Creator, Creator.id == Meeting.created_by)
    .where(Meeting.id == bindparam("meeting_id")),
)
NUMBERS = Query(
    Numbers,
    text(f"""
select s.invited_count, s.attended_count, s.external_attendees, round(s.avg_duration) as minutes, c.declined, c.answered,
       c.no_shows, (select count(*) from participants p where p.meeting_id = m.id and p.user_id is null and not p.is_guest) as unknown
  from meetings m left join meeting_statistics s on s.id = m.id
 cross join lateral (
   select count(*) filter (where answer = 'declined') as declined, count(*) filter (where answer <> 'invited') as answered,
          count(*) filter (where outcome = 'no_show') as no_shows
     from meeting_attendances where meeting_id = m.id and ({KNOWN})) c
 where m.id = :meeting
"""),  # noqa: S608
)
PAGE, SHOWN = 100, 15
"""So many are read; so many of each answer are open at first."""
SOURCES = {
    "report": "The platform’s report",
    "event": "The platform, live",
    "poll": "The platform, live",
    "click": "Join was pressed",
}
"""Where it is known from that somebody came, the surest first."""
SEEN_BY = """(select p.source from presences p where p.meeting_id = a.meeting_id and p.user_id = a.user_id
         order by array_position(array['report', 'event', 'poll', 'click'], p.source) limit 1)"""
PEOPLE = Query(
    Attended,
    text(f"""
select u.id, u.first_name, u.last_name, u.email, a.answer, a.outcome, a.joined_at, a.left_at, a.join_duration,
       a.device_type, a.corrected_at, a.correction, {SEEN_BY} as seen_by
  from (select *, case when joined_at is not null then 0 else array_position(cast(:answers as text[]), answer) end as place
          from meeting_attendances where meeting_id = :meeting and ({KNOWN})
         order by place, joined_at, user_id limit :most) a
  join users u on u.id = a.user_id
 order by a.place, a.joined_at, u.name_key, u.id
"""),  # noqa: S608
)
FOUND = Query(
    Attended,
    text(f"""
select u.id, u.first_name, u.last_name, u.email, a.answer, a.outcome, a.joined_at, a.left_at, a.join_duration,
       a.device_type, a.corrected_at, a.correction, {SEEN_BY} as seen_by
  from (select * from users where search @@ searched(:q) offset 0) u
  join meeting_attendances a on a.meeting_id = :meeting and a.user_id = u.id
 order by u.name_key limit :most
"""),  # noqa: S608
)
PERSON = Query(
    Attended,
    select(
        User.id,
        User.first_name,
        User.last_name,
        User.email,
        Attendance.answer,
        Attendance.outcome,
        Attendance.joined_at,
        Attendance.left_at,
        Attendance.join_duration,
        Attendance.device_type,
        Attendance.corrected_at,
        Attendance.correction,
        literal_column(SEEN_BY.replace("a.", "meeting_attendances.")).label("seen_by"),
    )
    .join(Attendance, Attendance.user_id == User.id)
    .where(Attendance.meeting_id == bindparam("meeting"), User.id == bindparam("person")),
)
CORRECTED = {
    "attended": "{name} came: corrected, with your reason in the log.",
    "no_show": "{name} did not come: corrected, with your reason in the log.",
}
MONTH = timedelta(days=30)


HERE = "#people"
"""The list of the same page."""


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    one = "/meetings/<uuid:meeting_id>"
    bp.add_url_rule(one, "meeting", show)
    bp.add_url_rule(f"{one}/room/address", "reveal_room", reveal_room, methods=["POST"])
    bp.add_url_rule(f"{one}/attendances/<uuid:person_id>", "attendance", attendance)
    bp.add_url_rule(f"{one}/attendances/<uuid:person_id>", "correct_attendance", correct, methods=["POST"])
    bp.add_url_rule("/domains", "domains", domains)


@admin
def show(meeting_id: UUID) -> ResponseReturnValue:
    """What was planned, what came of it, who was there."""
    row = find(ONE, meeting_id=meeting_id, at=clock.now())
    m, q = ThisMeeting(row, here_and_now()), query_arg("q")
    people = (FOUND if q else PEOPLE).all(db.session(), meeting=meeting_id, q=q, most=PAGE + 1, answers=list(TOLD))
    shown = [_person(one, m) for one in people[:PAGE]]
    own = current_app.config["SETTINGS"].club_domains
    numbers = NUMBERS.one(db.session(), meeting=meeting_id)
    return page(
        "admin/meeting.html",
        m=m,
        made=_made(row),
        series=row.series_id,
        repeats=in_words(row) if row.repeats else "",
        q=q,
        figures=_figures(m, row, numbers),
        unknown=numbers.unknown,
        groups=_groups(shown),
        more=len(people) > PAGE,
        shown=SHOWN,
        room=room_standing(db.session(), meeting_id),
        to_host=NOTES_TO_HOST.all(db.session(), meeting=meeting_id),
        told=TOLD,
        domains=by_domain(db.session(), [meeting_id], own) if m.phase in ("live", "over") else [],
    )


@admin
def reveal_room(meeting_id: UUID) -> ResponseReturnValue:
    """Show the room's address, once, to an admin who has just given a code; the log keeps who did."""
    m = ThisMeeting(find(ONE, meeting_id=meeting_id, at=clock.now()), here_and_now())
    try:
        address, refusal = reveal(db.session(), meeting_id), ""
    except Refused as refused:
        address, refusal = "", refused.sentence
    return page("admin/room_address.html", 409 if refusal else 200, m=m, address=address, refusal=refusal)


@admin
def attendance(meeting_id: UUID, person_id: UUID) -> ResponseReturnValue:
    """One person's row, to be corrected."""
    return _correction_page(meeting_id, person_id, CorrectionForm(None))


@admin
def correct(meeting_id: UUID, person_id: UUID) -> ResponseReturnValue:
    """Correct whether a person came."""
    form, status = CorrectionForm(), request.form.get("outcome")
    if status not in ("attended", "no_show"):
        abort(422)
    if not form.validate():
        return _correction_page(meeting_id, person_id, form, 422)
    presence.correct(db.session(), meeting_id, person_id, status == "attended", form.reason.data)
    flash(CORRECTED[status].format(name=_name(person_id)), "note")
    return redirect(f"/admin/meetings/{meeting_id}", 303)


@admin
def domains() -> ResponseReturnValue:
    """Where people come from: the meetings of the last thirty days together."""
    lately = select(Meeting.id).where(Meeting.starts_at.between(clock.now() - MONTH, clock.now()))
    meetings = db.session.scalars(lately).all()
    own = current_app.config["SETTINGS"].club_domains
    return page("admin/domains.html", domains=by_domain(db.session(), meetings, own), count=len(meetings), own=own)


def _name(person_id: UUID) -> str:
    return display_name(*find(NAME, person=person_id))


def _made(row: OneRow) -> str:
    """Who or what put it on the programme, and when."""
    when = date_in_words(row.created_at.astimezone(viewer().tz))
    if row.origin == "daily-job":
        return f"Created from the club’s daily meeting on {when}."
    if row.origin != "admin":
        return f"Created from its series on {when}."
    if not row.email:
        return f"Planned by somebody whose account is gone on {when}."
    return f"Planned by {display_name(row.first_name, row.last_name, row.email)} on {when}."


def _figures(m: Planned, row: OneRow, n: Numbers) -> list[tuple[str, str, str]]:
    """Each number with what it counts and where its people are listed, if they are."""
    if m.not_recorded:
        return [(f"{m.taken:,}", "said yes", HERE), (f"{n.declined:,}", "said no", HERE)]
    if m.phase == "over":
        numbers = [
            (n.invited_count or 0, "could come", ""),
            (n.attended_count or 0, "came", HERE),
            (n.no_shows, "said yes and did not come", HERE),
            (n.external_attendees or 0, "came from outside the club’s own domains", "#domains"),
        ]
        minutes = [(f"{n.minutes}", "minutes each stayed", "")] if n.minutes is not None else []
        return [*[(f"{number:,}", label, url) for number, label, url in numbers], *minutes]
    numbers = [
        (row.open_to, "can come", ""),
        (m.taken, "said yes", HERE),
        (n.declined, "said no", HERE),
        (max(0, row.open_to - n.answered), "no answer yet", ""),
        (m.waiting, "waiting", HERE),
    ]
    return [(f"{number:,}", label, url) for number, label, url in numbers]


def _person(row: Attended, m: Planned) -> Shown:
    def hour(moment: datetime | None) -> str:
        return f"{moment.astimezone(viewer().tz):%H:%M}" if moment else ""

    return Shown(
        row.id,
        display_name(row.first_name, row.last_name, row.email),
        row.email,
        OUTCOMES.get(row.outcome or "") or TOLD[row.answer].disc,
        hour(row.joined_at),
        hour(row.left_at),
        row.join_duration,
        (row.device_type or "").capitalize(),
        SOURCES.get(row.seen_by or "", ""),
        f"Corrected {since(row.corrected_at, viewer().now)}: {row.correction}" if row.corrected_at else "",
        m.correctable,
    )


def _groups(people: list[Shown]) -> list[dict[str, object]]:
    """Who came, and then by answer: those of one word together, with the columns that say something of any of them."""
    groups: dict[Disc, list[Shown]] = {}
    for person in people:
        groups.setdefault(person.disc, []).append(person)
    return [
        {
            "disc": disc,
            "people": rows,
            "columns": [
                name
                for name in ("came", "minutes", "device", "seen")
                if any(getattr(one, name) not in ("", None) for one in rows)
            ],
        }
        for disc, rows in groups.items()
    ]


def _correction_page(meeting_id: UUID, person_id: UUID, form: CorrectionForm, status: int = 200) -> ResponseReturnValue:
    m = ThisMeeting(find(ONE, meeting_id=meeting_id, at=clock.now()), here_and_now())
    return page(
        "admin/correction.html",
        status,
        m=m,
        p=_person(find(PERSON, meeting=meeting_id, person=person_id), m),
        form=form,
    )
