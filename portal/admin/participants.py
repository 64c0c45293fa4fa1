"""Who was this? People in a room whom nobody knows, by the platform's name for them, until an admin says who they were."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal.access import admin
from portal.accounts.member import display_name
from portal.accounts.queries import NAME
from portal.arguments import id_in, query_arg
from portal.attendance import sightings
from portal.database import db
from portal.database.query import Query
from portal.times import day_medium
from portal.viewer import viewer
from portal.web import find, page


class ParticipantRow(NamedTuple):
    """Somebody in a room as its platform knows them, and from when until when they were there."""

    id: UUID
    name: str
    email: str | None
    user_id: UUID | None
    is_guest: bool
    meeting_id: UUID
    title: str
    starts_at: datetime
    first_in: datetime | None
    last_out: datetime | None


class Candidate(NamedTuple):
    """Who it may have been; `clicked_at` is when they pressed Join."""

    id: UUID
    first_name: str | None
    last_name: str | None
    email: str
    clicked_at: datetime | None


PAGE = 100
COLUMNS = """
select p.id, p.name, p.email, p.user_id, p.is_guest, m.id as meeting_id, m.title, m.starts_at, s.first_in, s.last_out
  from participants p join meetings m on m.id = p.meeting_id
 cross join lateral (
   select min(joined_at) as first_in, max(left_at) as last_out from presences where participant_id = p.id) s
"""
UNKNOWN = Query(
    ParticipantRow,
    text(f"""{COLUMNS}
 where p.user_id is null and not p.is_guest and m.status <> 'archived'
 order by m.starts_at desc, p.name, p.id limit {PAGE}
"""),
)
NAMED = Query(
    ParticipantRow,
    text(f"""{COLUMNS}
 where (p.matched_by = 'person' or p.is_guest) and m.status <> 'archived'
 order by m.starts_at desc, p.name, p.id limit 30
"""),
)
"""Whom an admin named lately, so that a mistake can be corrected."""
ONE = Query(ParticipantRow, text(f"{COLUMNS} where p.id = :participant"))
# Who said yes or pressed Join, and is nobody in the room yet.
CANDIDATES = Query(
    Candidate,
    text("""
select u.id, u.first_name, u.last_name, u.email, c.clicked_at
  from meeting_attendances a join users u on u.id = a.user_id
 cross join lateral (
   select min(joined_at) as clicked_at from presences p
    where p.meeting_id = a.meeting_id and p.user_id = a.user_id and p.source = 'click') c
 where a.meeting_id = :meeting and (a.answer = 'accepted' or a.joined_at is not null)
   and not exists (select from participants p where p.meeting_id = a.meeting_id and p.user_id = a.user_id)
 order by c.clicked_at nulls last, u.name_key, u.id limit 100
"""),
)
FOUND = Query(
    Candidate,
    text("""
select u.id, u.first_name, u.last_name, u.email, null::timestamptz as clicked_at
  from (select * from users where search @@ searched(:q) offset 0) u
 where u.closed_at is null order by u.name_key, u.id limit 20
"""),
)


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/participants", "participants", participants)
    one = "/participants/<uuid:participant_id>"
    bp.add_url_rule(one, "participant", participant)
    bp.add_url_rule(one, "name_participant", name_participant, methods=["POST"])


@admin
def participants() -> ResponseReturnValue:
    """Everybody who was in a room and whom nobody knows, of the latest meeting first."""
    unknown, named = UNKNOWN.all(db.session()), NAMED.all(db.session())
    return page(
        "admin/participants.html",
        people=[(row, _stay(row)) for row in unknown],
        named=[(row, _stay(row)) for row in named],
        is_all=len(unknown) < PAGE,
    )


@admin
def participant(participant_id: UUID) -> ResponseReturnValue:
    """Who it may have been."""
    return _choice_page(participant_id)


@admin
def name_participant(participant_id: UUID) -> ResponseReturnValue:
    """It was this person, or nobody of the club."""
    row, choice = find(ONE, participant=participant_id), request.form.get("person", "")
    if not choice:
        return _choice_page(participant_id, 422, "Choose who it was, or that it was nobody of the club.")
    person_id = None if choice == "nobody" else id_in(choice) or abort(422)
    name = display_name(*find(NAME, person=person_id)) if person_id else ""
    sightings.name_participant(db.session(), participant_id, person_id)
    called = row.name or "This person"
    flash(f"{called} was {name}." if name else f"{called} was nobody of the club.", "note")
    return redirect("/admin/participants", 303)


def _choice_page(participant_id: UUID, status: int = 200, refusal: str = "") -> ResponseReturnValue:
    row, q = find(ONE, participant=participant_id), query_arg("q")
    found = FOUND.all(db.session(), q=q) if q else CANDIDATES.all(db.session(), meeting=row.meeting_id)
    return page(
        "admin/participant.html",
        status,
        p=row,
        day=day_medium(row.starts_at.astimezone(viewer().tz)),
        stay=_stay(row),
        q=q,
        refusal=refusal,
        known=display_name(*find(NAME, person=row.user_id)) if row.user_id else "",
        candidates=[
            (one.id, display_name(one.first_name, one.last_name, one.email), one.email, _hour(one.clicked_at))
            for one in found
        ],
    )


def _stay(row: ParticipantRow) -> str:
    """From when until when: Mon 30 Nov, 20:58 to 21:31."""
    since, until = _hour(row.first_in), _hour(row.last_out)
    hours = f"{since} to {until}" if since and until else f"from {since}" if since else f"until {until}"
    return f"{day_medium(row.starts_at.astimezone(viewer().tz))}, {hours}"


def _hour(moment: datetime | None) -> str:
    return f"{moment.astimezone(viewer().tz):%H:%M}" if moment else ""
