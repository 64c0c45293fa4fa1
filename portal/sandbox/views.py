"""The demo's outside: the mailbox and the room. These routes do not exist on a real server."""

import re
from uuid import UUID

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import func, select

from portal.access import public
from portal.attendance import drawing, queries
from portal.attendance.evening import as_seen
from portal.attendance.models import Presence
from portal.database import db
from portal.mail.models import SandboxMail
from portal.meetings.board import here_and_now
from portal.times import since
from portal.web import find, me, page, reader

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
        {"id": r.id, "to": r.recipient, "subject": r.subject, "when": since(r.received_at, reader().now)} for r in rows
    ]
    return page("sandbox/mailbox.html", mails=lines, q=q)


@bp.get("/mailbox/<uuid:mail_id>")
@public
def show_mail(mail_id: UUID) -> ResponseReturnValue:
    """One mail as a plain mail program shows it."""
    row = find(select(SandboxMail.__table__).where(SandboxMail.id == mail_id))
    parts = [(piece, bool(_LINK.fullmatch(piece))) for piece in _LINK.split(row.text) if piece]
    mail = {"to": row.recipient, "subject": row.subject, "when": since(row.received_at, reader().now)}
    return page("sandbox/mail.html", mail=mail, parts=parts)


@bp.get("/rooms/<uuid:meeting_id>")
def room(meeting_id: UUID) -> ResponseReturnValue:
    """Stands in for Meet or Zoom; only those who came through the join button are inside."""
    row = find(queries.ONE, meeting_id=meeting_id)
    inside = select(Presence.id).where(
        Presence.meeting_id == meeting_id, Presence.user_id == me(), Presence.left_at.is_(None)
    )
    if db.session.scalar(inside.limit(1)) is None:
        return redirect(f"/meetings/{meeting_id}", 303)
    b, live_url = drawing.for_reader(db.session(), row, here_and_now(), current_user)
    return page("sandbox/room.html", m=as_seen(row), b=b, live_url=live_url)
