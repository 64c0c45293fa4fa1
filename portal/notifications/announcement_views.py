"""Messages to groups: a host's, or an admin's, about a meeting; and the page of any message that was written."""

from uuid import UUID

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import NotFound

from portal.access import READING, fresh_or_asked
from portal.database import db
from portal.notifications import announcements, composing
from portal.notifications.announcement_forms import AdminForm, HostForm
from portal.notifications.announcements import AnnouncementRow, HostedMeeting, Progress
from portal.notifications.group_messages import AUDIENCES
from portal.problems import Refused
from portal.viewer import me, viewer
from portal.web import find, page

STOPPED = {
    "taken-back": "The message was taken back. Nobody got it.",
    "stopped": "The message was stopped. Mails that had left already could not be called back.",
}


class AccessEnded(Refused):
    """Your access has ended, so you cannot write to the people of this meeting just now. With a plan you can again."""


bp = Blueprint("announcements", __name__)


@bp.get("/meetings/<uuid:meeting_id>/messages")
def of_meeting(meeting_id: UUID) -> ResponseReturnValue:
    """The form to write to the people of a meeting, and what was written to them before."""
    meeting = _run_by_me(meeting_id)
    return composing.form_page(_form()(None), _written(meeting_id), meeting)


@bp.post("/meetings/<uuid:meeting_id>/messages")
def write(meeting_id: UUID) -> ResponseReturnValue:
    """Look at a message, try it, send it."""
    meeting = _run_by_me(meeting_id)
    return composing.compose(_form()(), _written(meeting_id), meeting)


@bp.get("/messages/<uuid:announcement_id>")
def show(announcement_id: UUID) -> ResponseReturnValue:
    """A message that was written: when it leaves, how far it has come, whether it can be stopped."""
    return _page(find(announcements.ONE, announcement_id=announcement_id))


@bp.post("/messages/<uuid:announcement_id>/stop")
def stop(announcement_id: UUID) -> ResponseReturnValue:
    """Take it back, or stop what of it has not been sent."""
    row = find(announcements.ONE, announcement_id=announcement_id)
    if current_user.acts_as_admin:
        fresh_or_asked()
    try:
        flash(STOPPED[announcements.stop(db.session(), row)], "note")
    except Refused as refusal:
        db.session.rollback()
        return _page(row, 409, refusal.sentence)
    return redirect(f"/messages/{announcement_id}", 303)


def _page(row: AnnouncementRow, status: int = 200, refusal: str = "") -> ResponseReturnValue:
    progress = announcements.PROGRESS.one_or_none(db.session(), announcement=row.id)
    unsent = row.state == "sent" and (progress is None or progress.queued > 0)
    leaves = row.leaves_at.astimezone(viewer().tz)
    return page(
        "notifications/announcement.html",
        status,
        a=row,
        group=AUDIENCES[row.audience].label,
        state=composing.STATES["sending" if unsent and progress else row.state],
        leaves=f"{leaves:%H:%M}",
        figures=_figures(row, progress),
        moving=row.state in ("leaving", "sending") or (unsent and progress is not None),
        stoppable=row.state in ("leaving", "sending") or unsent,
        paragraphs=row.body.splitlines(),
        back=f"/meetings/{row.meeting_id}/messages" if row.meeting_id else "/admin/messages",
        refusal=refusal,
    )


def _figures(row: AnnouncementRow, progress: Progress | None) -> list[tuple[str, str]]:
    if progress is None or row.state in ("leaving", "taken-back"):
        return []
    kept_back = progress.queued if row.state == "stopped" else 0
    numbers = [
        (progress.queued - kept_back, "still to send"),
        (progress.sent, "sent"),
        (progress.failed, "failed"),
        (progress.dropped + kept_back, "not sent"),
    ]
    return [(f"{number:,}", label) for number, label in numbers]


def _written(meeting_id: UUID) -> list[AnnouncementRow]:
    return announcements.OF_MEETING.all(db.session(), meeting_id=meeting_id)


def _form() -> type[HostForm]:
    return AdminForm if current_user.acts_as_admin else HostForm


def _run_by_me(meeting_id: UUID) -> HostedMeeting:
    """The row of a meeting the viewer hosts, or any for an admin; 404 otherwise. Raises AccessEnded.

    What an admin writes asks for a fresh code, as all an admin changes.
    """
    meeting = find(announcements.HOSTED, meeting_id=meeting_id)
    if current_user.acts_as_admin:
        if request.method not in READING:
            fresh_or_asked()
    elif meeting.host_id != me():
        raise NotFound
    elif not current_user.entitled:
        raise AccessEnded
    return meeting
