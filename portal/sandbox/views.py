"""The demo's outside: the mailbox, the room, and the clock. These routes do not exist on a real server."""

import re
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import func, select, text

from portal import clock
from portal.access import public
from portal.accounts import second_factor
from portal.attendance import jobs as attendance
from portal.attendance import live_board
from portal.attendance.models import Presence
from portal.attendance.my_meeting import present_meeting, the_meeting
from portal.billing import jobs as billing
from portal.database import db
from portal.families import jobs as families
from portal.mail.models import SandboxMail
from portal.mail.transport import subject_line
from portal.meetings import jobs as meetings
from portal.meetings.board import here_and_now
from portal.notifications import jobs as notifications
from portal.sandbox import calendar_program, club, hours
from portal.sandbox.people import SELIN
from portal.times import since
from portal.viewer import me, viewer
from portal.web import page

IS_DEMO = text("select is_sandbox from club_clock")
"""Only in a demo's database may a job of the demo's be enqueued."""

bp = Blueprint("sandbox", __name__, url_prefix="/sandbox")

_LINK = re.compile(r"(https?://[^\s<>]+)")


@bp.get("/mailbox")
@public
def mailbox() -> ResponseReturnValue:
    """Every mail that would have gone out, newest first."""
    q = request.args.get("q", "").replace("\x00", "").strip()
    mails = select(SandboxMail.id, SandboxMail.recipient, SandboxMail.subject, SandboxMail.received_at)
    if q:
        mails = mails.where(func.lower(SandboxMail.recipient) == q.lower())
    rows = db.session.execute(mails.order_by(SandboxMail.received_at.desc(), SandboxMail.id.desc()).limit(50))
    lines = [
        {"id": r.id, "to": r.recipient, "subject": _subject(r.subject), "when": since(r.received_at, viewer().now)}
        for r in rows
    ]
    return page("sandbox/mailbox.html", mails=lines, q=q)


@bp.get("/mailbox/<uuid:mail_id>")
@public
def show_mail(mail_id: UUID) -> ResponseReturnValue:
    """One mail as a plain mail program shows it."""
    row = db.session.get(SandboxMail, mail_id) or abort(404)
    parts = [(piece, bool(_LINK.fullmatch(piece))) for piece in _LINK.split(row.text) if piece]
    mail = {
        "id": row.id,
        "to": row.recipient,
        "subject": _subject(row.subject),
        "when": since(row.received_at, viewer().now),
    }
    return page("sandbox/mail.html", mail=mail, parts=parts, calendar=row.calendar)


@bp.get("/mailbox/<uuid:mail_id>/invite.ics")
@public
def invitation(mail_id: UUID) -> ResponseReturnValue:
    """The calendar object of a mail, as the file that is attached to it."""
    row = db.session.get(SandboxMail, mail_id)
    if row is None or row.calendar is None:
        abort(404)
    return row.calendar, 200, {"Content-Type": "text/calendar; charset=utf-8"}


def _subject(subject: str) -> str:
    return subject_line(subject, current_app.config["SETTINGS"].club_name)


@bp.post("/mailbox/<uuid:mail_id>/reply")
@public
def reply(mail_id: UUID) -> ResponseReturnValue:
    """Answer an invitation as a calendar program does: by mail."""
    from portal.sandbox.jobs import reply  # which the schedule of a demo's worker has, and no other

    partstat = calendar_program.PARTSTATS.get(request.form.get("answer", "")) or abort(400)
    if db.session.get(SandboxMail, mail_id) is None or not db.session.scalar(IS_DEMO):
        abort(404)
    reply.enqueue(db.session(), mail_id=mail_id, partstat=partstat)
    flash("Your calendar’s answer is on its way to the club. It counts within a minute.", "note")
    return redirect(f"/sandbox/mailbox/{mail_id}", 303)


@bp.get("/codes")
@public
def codes() -> ResponseReturnValue:
    """What the phone of the demo's admin shows: the sandbox has no phone."""
    left = second_factor.HALF_MINUTE - int(clock.now().timestamp()) % second_factor.HALF_MINUTE
    return page("sandbox/codes.html", email=SELIN, code=club.current_code(), left=left)


# What the schedule would have done meanwhile: some at once, and what depends on the provider when it has been heard.
FALLS_DUE = (
    attendance.sweep,
    attendance.release,
    meetings.extend_series,
    attendance.invite_everybody,
    families.expire,
    billing.expire_checkouts,
    notifications.remind,
    notifications.digest,
)
ONCE_HEARD = (billing.expire, billing.remind, families.end_lapsed, attendance.release)
STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31)}


@bp.get("/clock")
@public
def show_clock() -> ResponseReturnValue:
    """How far ahead of the real time the demo runs, and the way to move it."""
    return page(
        "sandbox/clock.html", ahead=clock.ahead(), steps=list(STEPS), stripe=current_app.config["SETTINGS"].stripe_url
    )


@bp.post("/clock")
@public
def move_clock() -> ResponseReturnValue:
    """Time passes for the portal and for the sandbox's Stripe; never backwards, as bills are not unwritten."""
    from portal.sandbox.jobs import keep_going  # which the schedule of a demo's worker has, and no other

    hours.move(db.session(), STEPS.get(request.form.get("step", "")) or abort(400))
    for job in (keep_going, *FALLS_DUE):
        job.enqueue(db.session())
    for job in ONCE_HEARD:
        job.set(after=timedelta(seconds=30)).enqueue(db.session())
    flash("Time has passed. Renewals, mails, offers and endings follow within a minute.", "note")
    return redirect("/sandbox/clock", 303)


@bp.get("/room")
def my_room() -> ResponseReturnValue:
    """Where every door of the demo leads: on to the room of the meeting whoever asks has just joined."""
    inside = select(Presence.meeting_id).where(Presence.user_id == me(), Presence.left_at.is_(None))
    meeting_id = db.session.scalar(inside.order_by(Presence.joined_at.desc(), Presence.id.desc()).limit(1))
    return redirect(f"/sandbox/rooms/{meeting_id}" if meeting_id else "/meetings", 303)


@bp.get("/rooms/<uuid:meeting_id>")
def room(meeting_id: UUID) -> ResponseReturnValue:
    """Stands in for Meet or Zoom; only those who came through the join button are inside."""
    row = the_meeting(meeting_id)
    inside = select(Presence.id).where(
        Presence.meeting_id == meeting_id, Presence.user_id == me(), Presence.left_at.is_(None)
    )
    if db.session.scalar(inside.limit(1)) is None:
        return redirect(f"/meetings/{meeting_id}", 303)
    b, live_url = live_board.for_viewer(db.session(), row, here_and_now(), current_user)
    return page("sandbox/room.html", m=present_meeting(row), b=b, live_url=live_url)
