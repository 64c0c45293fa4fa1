"""What a host decides about a meeting they lead, and an admin about any: who asks gets a place or a no, and who is
invited to a private one.
"""

from datetime import datetime
from types import SimpleNamespace
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import bindparam, select, text
from werkzeug.exceptions import NotFound
from wtforms import BooleanField, Field, ValidationError

from portal import limits
from portal.access import READING, fresh_or_asked
from portal.accounts.member import display_name
from portal.attendance import guests, queries, rsvp, sightings
from portal.attendance.host_board import host_view
from portal.attendance.views import meeting_page
from portal.database import db
from portal.database.query import Query
from portal.database.rows import row_type
from portal.forms import Form, Line, Paragraphs, address
from portal.meetings.actions import cancel_as_host
from portal.meetings.board import Board, here_and_now
from portal.meetings.models import Meeting
from portal.meetings.rows import KindOfMeeting
from portal.problems import Refused
from portal.rsvp_states import TOLD
from portal.sentences import ngettext
from portal.times import since
from portal.viewer import me, viewer
from portal.web import find, page


@row_type
class MineToRun(KindOfMeeting):
    """A meeting, with who leads it."""

    host_id: UUID | None
    series_id: UUID | None


class Asking(NamedTuple):
    """Who asks for a place: when, since when they are in the club, to how many meetings and to how many of this title they came."""

    user_id: UUID
    name: str
    asked_at: datetime
    here_since: datetime
    came: int
    came_here: int


class Guest(NamedTuple):
    """Who is invited, and what they said when."""

    user_id: UUID
    name: str
    email: str | None
    answer: str
    since: datetime | None
    is_host: bool | None
    came: bool


class Found(NamedTuple):
    """Who may be invited."""

    email: str
    first_name: str | None
    last_name: str | None


MINE_TO_RUN = Query(
    MineToRun, select(*queries.SHOWN, Meeting.host_id, Meeting.series_id).where(Meeting.id == bindparam("meeting_id"))
)
ASKING = Query(Asking, text("select user_id, name, asked_at, here_since, came, came_here from requests_of(:meeting)"))
GUESTS = Query(Guest, text("select user_id, name, email, answer, since, is_host, came from guests_of(:meeting)"))
# Fenced (offset 0), so that the index finds them. A host, who sees nobody else, finds nobody.
FOUND = Query(
    Found,
    text("""
select u.email, u.first_name, u.last_name
  from (select * from users where search @@ searched(:q) offset 0) u
 where u.is_active and u.email_verified
   and not exists (select from meeting_attendances a where a.meeting_id = :meeting and a.user_id = u.id)
 order by u.name_key limit 20
"""),
)
MOST = 50
BECAME = {
    "accepted": "{} has a place, and is told by mail.",
    "waitlisted": "Every place is taken, so {} is in the line.",
    "rejected": "{} is told that there is no place this time.",
    "withdrawn": "{} has no plan any more, and so no place.",
    None: "Somebody was quicker: this request is answered already.",
}


class HostNeedsAccess(Refused):
    """Your access has ended, so you cannot run this meeting just now. With a plan you can again."""


WHY = "Say why, in a sentence everybody may read."


class CancellationForm(Form):
    """The reason for cancelling a meeting."""

    reason = Line("Reason", most=300, missing=WHY)


class GuestsForm(Form):
    """Whom to invite, or whose invitation to take back: addresses, one a line."""

    addresses = Paragraphs(
        "E-mail addresses",
        most=10_000,
        description="One a line. Whoever has an account here gets a mail; nobody else does, and we do not tell who has one.",
    )
    later = BooleanField("Also to the later meetings of this series")
    people: list[str]

    def validate_addresses(self, field: Field) -> None:
        """Each is an address; together they are not too many, and not none."""
        self.people = [line.strip(" ,;") for line in (field.data or "").splitlines() if line.strip(" ,;")]
        if not 1 <= len(self.people) <= MOST:
            raise ValidationError(f"Enter an address, or at most {MOST}, one a line.")
        for one in self.people:
            address(self, SimpleNamespace(data=one))


bp = Blueprint("hosting", __name__, url_prefix="/meetings/<uuid:meeting_id>")


@bp.get("/cancellation")
def cancellation(meeting_id: UUID) -> ResponseReturnValue:
    """Ask the host for the reason of a cancellation."""
    return _cancellation_page(run_by_me(meeting_id), CancellationForm(None))


@bp.post("/cancellation")
def cancel(meeting_id: UUID) -> ResponseReturnValue:
    """Call it off: the host cannot come."""
    meeting, form = run_by_me(meeting_id), CancellationForm()
    if not form.validate() or Board(meeting, here_and_now()).phase in ("over", "cancelled"):
        return _cancellation_page(meeting, form, 422)
    cancel_as_host(db.session(), meeting, form.reason.data)
    flash(f"{meeting.title} is cancelled. Everybody who was coming is told.", "note")
    return redirect(f"/meetings/{meeting_id}", 303)


def _cancellation_page(meeting: MineToRun, form: CancellationForm, status: int = 200) -> ResponseReturnValue:
    m = Board(meeting, here_and_now())
    if m.phase in ("over", "cancelled"):
        abort(404)
    return page("attendance/cancellation.html", status, m=m, form=form)


@bp.get("/requests")
def requests(meeting_id: UUID) -> ResponseReturnValue:
    """Who asks for a place, in order."""
    meeting, now = run_by_me(meeting_id), viewer().now
    notes = {one.user_id: one.note for one in rsvp.NOTES_TO_HOST.all(db.session(), meeting=meeting_id)}
    people = [
        (p.user_id, p.name, since(p.asked_at, now), _known_by(p, meeting.title), notes.get(p.user_id, ""))
        for p in ASKING.all(db.session(), meeting=meeting_id)
    ]
    return page("attendance/requests.html", m=Board(meeting, here_and_now()), people=people)


def _known_by(asking: Asking, title: str) -> str:
    """What the club knows of somebody who asks: Came to 17 meetings, 2 of them Early circle; here since 3 March 2026."""
    since_day = viewer().day(asking.here_since)
    if not asking.came:
        return f"Has not been to a meeting yet; here since {since_day}."
    if not asking.came_here:
        return ngettext(
            "Came to %(num)s meeting; here since %(day)s.",
            "Came to %(num)s meetings; here since %(day)s.",
            asking.came,
            day=since_day,
        )
    return ngettext(
        "Came to %(num)s meeting, %(same)s of them %(meeting)s; here since %(day)s.",
        "Came to %(num)s meetings, %(same)s of them %(meeting)s; here since %(day)s.",
        asking.came,
        same=asking.came_here,
        meeting=title,
        day=since_day,
    )


@bp.post("/requests/<uuid:person_id>")
def decide(meeting_id: UUID, person_id: UUID) -> ResponseReturnValue:
    """Yes or no, with a reason for a no."""
    run_by_me(meeting_id)
    decision = request.form.get("decision")
    if decision not in ("accept", "reject"):
        abort(422)
    printable = "".join(c if c.isprintable() else " " for c in request.form.get("reason", ""))
    reason = " ".join(printable.split())[:300]
    asking = ASKING.all(db.session(), meeting=meeting_id)
    name = next((p.name for p in asking if p.user_id == person_id), "this person")
    became = rsvp.decide_request(db.session(), meeting_id, person_id, decision == "accept", reason or None)
    flash(BECAME[became].format(name), "note")
    return redirect(f"/meetings/{meeting_id}/requests", 303)


@bp.get("/guests")
def guest_list(meeting_id: UUID) -> ResponseReturnValue:
    """Who is invited, and what they said."""
    return _guests_page(meeting_id, GuestsForm(None))


@bp.post("/guests")
def invite(meeting_id: UUID) -> ResponseReturnValue:
    """Invite by address, typed or picked from the list, or take the invitations back; the same words whoever has an account."""
    _private_by_me(meeting_id)
    limits.limit("invite", 30, 3600, str(me()))
    form = GuestsForm()
    if not form.validate():
        return _guests_page(meeting_id, form, 422)
    if "take_back" in request.form:
        guests.take_back_addresses(db.session(), meeting_id, form.people, later=form.later.data)
        flash(
            "Whoever was invited at these addresses and has not been there is invited no longer, and is told by mail.",
            "note",
        )
    else:
        guests.invite(db.session(), meeting_id, form.people, later=form.later.data)
        flash("Whoever has an account at these addresses is invited and told by mail.", "note")
    return redirect(f"/meetings/{meeting_id}/guests", 303)


@bp.post("/guests/<uuid:person_id>/removal")
def take_back(meeting_id: UUID, person_id: UUID) -> ResponseReturnValue:
    """Take an invitation back."""
    _private_by_me(meeting_id)
    invited = GUESTS.all(db.session(), meeting=meeting_id)
    name = next((g.name for g in invited if g.user_id == person_id), "This person")
    guests.take_back(db.session(), meeting_id, person_id, later="later" in request.form)
    flash(f"{name} is no longer invited, and is told by mail.", "note")
    return redirect(f"/meetings/{meeting_id}/guests", 303)


@bp.get("/host-board")
def host_board(meeting_id: UUID) -> ResponseReturnValue:
    """The host's part of the meeting's page, for a page that is open."""
    meeting = run_by_me(meeting_id)
    view = host_view(db.session(), Board(meeting, here_and_now())) or abort(404)
    return render_template("attendance/host_board.html", h=view)


@bp.post("/reminders")
def remind(meeting_id: UUID) -> ResponseReturnValue:
    """Write to everybody who said yes and has not come."""
    run_by_me(meeting_id)
    try:
        sightings.remind_missing(db.session(), meeting_id)
    except Refused as refusal:
        db.session.rollback()
        return meeting_page(meeting_id, 409, refusal.sentence)
    flash("Everybody who said yes and is missing gets a mail now.", "note")
    return redirect(f"/meetings/{meeting_id}", 303)


def _guests_page(meeting_id: UUID, form: GuestsForm, status: int = 200) -> ResponseReturnValue:
    meeting = _private_by_me(meeting_id)
    q = " ".join(request.args.get("q", "").replace("\x00", "").lower().split())[:100]
    return page(
        "attendance/guests.html",
        status,
        m=Board(meeting, here_and_now()),
        form=form,
        q=q,
        series=meeting.series_id,
        now=viewer().now,
        since=since,
        told=TOLD,
        guests=GUESTS.all(db.session(), meeting=meeting_id),
        found=[
            (one.email, display_name(one.first_name, one.last_name, one.email))
            for one in FOUND.all(db.session(), q=q, meeting=meeting_id)
        ]
        if q
        else [],
    )


def _private_by_me(meeting_id: UUID) -> MineToRun:
    meeting = run_by_me(meeting_id)
    return meeting if meeting.is_private else abort(404)


def run_by_me(meeting_id: UUID) -> MineToRun:
    """The row of a meeting the viewer hosts, or any for an admin; 404 otherwise. Raises HostNeedsAccess.

    What an admin changes in somebody else's meeting asks for a fresh code, as all an admin changes.
    """
    meeting = find(MINE_TO_RUN, meeting_id=meeting_id)
    if meeting.host_id != me() or not current_user.entitled:
        if not current_user.acts_as_admin:
            raise HostNeedsAccess if meeting.host_id == me() else NotFound
        if request.method not in READING:
            fresh_or_asked()
    return meeting
