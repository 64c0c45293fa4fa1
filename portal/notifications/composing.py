"""Writing a message to a group, page by page: the form, what it will look like, a test to oneself, and off it goes."""

from collections.abc import Sequence

from flask import current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal import limits
from portal.database import db
from portal.mail.transport import subject_line
from portal.meetings.board import Board, here_and_now
from portal.notifications import announcements
from portal.notifications.announcement_forms import HostForm
from portal.notifications.announcements import AnnouncementRow, Draft, HostedMeeting
from portal.notifications.group_messages import AUDIENCES
from portal.notifications.sending import Recipient
from portal.problems import Refused
from portal.sentences import ngettext
from portal.times import since
from portal.viewer import me, viewer
from portal.web import page

STATES = {
    "leaving": ("quarter", "About to leave", "amber"),
    "sending": ("half", "Being sent", "amber"),
    "sent": ("full", "Sent", "ok"),
    "taken-back": ("ring", "Taken back", ""),
    "stopped": ("cross", "Stopped", "bad"),
}
"""How a message stands: its disc, its word, its tone."""


def form_page(
    form: HostForm, written: Sequence[AnnouncementRow], meeting: HostedMeeting | None, status: int = 200
) -> ResponseReturnValue:
    """The form, and what was written before."""
    lines = [
        (row.id, AUDIENCES[row.audience].label, since(row.written_at, viewer().now), STATES[row.state])
        for row in written
    ]
    return page("notifications/write.html", status, form=form, m=_board(meeting), written=lines, address=request.path)


def compose(form: HostForm, written: Sequence[AnnouncementRow], meeting: HostedMeeting | None) -> ResponseReturnValue:
    """What the buttons of form and preview do; `step` says which was pressed."""
    step = request.form.get("step", "preview")
    if step == "test":
        limits.limit("announcement-test", 10, 3600, str(me()))
    if not form.validate():
        return form_page(form, written, meeting, 422)
    draft = form.draft(meeting.id if meeting else None)
    if step == "change":
        return form_page(form, written, meeting)
    if step == "send":
        try:
            announcement_id = announcements.write(db.session(), draft)
        except Refused as refusal:
            db.session.rollback()
            return _preview_page(form, draft, meeting, 409, refusal.sentence)
        return redirect(f"/messages/{announcement_id}", 303)
    if step == "test":
        announcements.send_test(db.session(), draft, meeting, _myself(), current_user.display_name)
        flash(f"A test is on its way to {current_user.email}.", "note")
    return _preview_page(form, draft, meeting)


def _preview_page(
    form: HostForm, draft: Draft, meeting: HostedMeeting | None, status: int = 200, refusal: str = ""
) -> ResponseReturnValue:
    people = announcements.size(db.session(), draft)
    mail = announcements.preview(draft, meeting, _myself(), current_user.display_name)
    return page(
        "notifications/preview.html",
        status,
        form=form,
        m=_board(meeting),
        mail=mail,
        subject=subject_line(mail.subject, current_app.config["SETTINGS"].club_name),
        group=AUDIENCES[draft.audience].label,
        people=people,
        reaches=reaches(people),
        refusal=refusal,
        address=request.path,
    )


def reaches(people: int | None) -> str:
    """How many a message would reach now, or that the current user may not know."""
    if people is None:
        return "How many these are is not shown, because that would tell who has an account here."
    if not people:
        return "Nobody is in this group just now."
    return ngettext("It reaches %(num)s person just now.", "It reaches %(num)s people just now.", people)


def _board(meeting: HostedMeeting | None) -> Board | None:
    return Board(meeting, here_and_now()) if meeting else None


def _myself() -> Recipient:
    return Recipient(me(), current_user.email, current_user.first_name, current_user.timezone)
