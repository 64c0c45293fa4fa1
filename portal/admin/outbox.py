"""The outbox as admins read it: what was sent to whom, when, in which state and why not; one mail as it was sent; again, or
once more where it failed.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, abort, current_app, flash, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import bindparam, func, literal_column, select, text, true, tuple_, union_all
from sqlalchemy.sql import ColumnElement

from portal import audit, headers, limits, mail, paging
from portal.access import admin
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.admin import subjects
from portal.arguments import id_in, query_arg
from portal.database import db
from portal.database.query import AnyRows, AnySelect, Query
from portal.database.rows import typed
from portal.mail import outbox
from portal.mail.kinds import CATEGORIES, KINDS
from portal.mail.models import Mail
from portal.meetings.models import Meeting
from portal.notifications.jobs import retry_failed
from portal.problems import Refused
from portal.times import since
from portal.viewer import me, viewer
from portal.web import find, page

PAGE = 40
STATES = {
    "queued": ("quarter", "Waiting", "amber"),
    "sent": ("full", "Sent", "ok"),
    "failed": ("cross", "Failed", "bad"),
    "dropped": ("slash", "Not sent", ""),
}
"""How a mail stands: its disc, its word, its tone."""

PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
"""A mail styles itself with attributes. Framed on its page it loads nothing, runs nothing, sends no form and opens no window."""


class OutboxRow(NamedTuple):
    """A mail without what it says, with whom and what it is about."""

    id: UUID
    kind: str
    user_id: UUID | None
    meeting_id: UUID | None
    recipient: str
    subject: str
    secret: bool
    method: str | None
    state: str
    attempts: int
    failure: str | None
    created_at: datetime
    sent_at: datetime | None
    announcement_id: UUID | None
    again_of: UUID | None
    first_name: str | None
    last_name: str | None
    email: str | None
    title: str | None


class Again(NamedTuple):
    """A mail that sends another once more."""

    id: UUID
    created_at: datetime


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; empty means all. `q` is an address, or the beginning of a name."""

    state: str
    category: str
    q: str
    person: UUID | None
    meeting: UUID | None


COLUMNS = tuple(getattr(Mail, name) for name in OutboxRow._fields[:15])
NEWEST = (Mail.created_at.desc(), Mail.id.desc())
FROM = tuple_(Mail.created_at, Mail.id) <= tuple_(bindparam("from_at"), bindparam("from_id"))
MOST: ColumnElement[int] = literal_column(str(PAGE + 1))
# What is asked decides how it is found: a state that is rare by its index, one that is common not.
PLANNED_ANEW = text("set local plan_cache_mode = force_custom_plan")
PEOPLE = text("select id from users where search @@ searched(:q) offset 0").columns(User.id)


def _with_names(found: AnyRows) -> AnySelect:
    rows = found.subquery()
    return (
        select(rows, User.first_name, User.last_name, User.email, Meeting.title)
        .outerjoin(User, User.id == rows.c.user_id)
        .outerjoin(Meeting, Meeting.id == rows.c.meeting_id)
        .order_by(rows.c.created_at.desc(), rows.c.id.desc())
        .limit(MOST)
    )


ONE = Query(OutboxRow, _with_names(select(*COLUMNS).where(Mail.id == bindparam("mail_id"))))
SENT_AGAIN = Query(
    Again, select(Mail.id, Mail.created_at).where(Mail.again_of == bindparam("mail_id")).order_by(*NEWEST).limit(20)
)


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/outbox", "outbox", mails)
    bp.add_url_rule("/outbox/retry", "retry_mails", retry_all, methods=["POST"])
    bp.add_url_rule("/outbox/test", "test_mail", test, methods=["POST"])
    bp.add_url_rule("/outbox/<uuid:outbox_id>", "outbox_mail", one)
    bp.add_url_rule("/outbox/<uuid:outbox_id>/page", "outbox_mail_html", as_sent)
    bp.add_url_rule("/outbox/<uuid:outbox_id>/again", "send_mail_again", send_again, methods=["POST"])
    bp.add_url_rule("/outbox/<uuid:outbox_id>/retry", "retry_mail", retry, methods=["POST"])


@admin
def mails() -> ResponseReturnValue:
    """One page of the outbox, newest first."""
    wanted, cursor = _wanted(), paging.read(query_arg("from"))
    from_at, from_id = cursor or (paging.END, paging.LAST)
    db.session.execute(PLANNED_ANEW)
    params = {"from_at": from_at, "from_id": from_id, "q": wanted.q}
    rows = typed(OutboxRow, db.session.execute(_with_names(_found(wanted)), params))
    filters = {name: str(value) for name, value in asdict(wanted).items() if value}
    first = f"/admin/outbox?{urlencode(filters)}"
    return page(
        "admin/outbox.html",
        w=wanted,
        about=subjects.named(db.session(), wanted.person, wanted.meeting),
        filtered=bool(filters),
        mails=[_line(row) for row in rows[:PAGE]],
        states=STATES,
        categories=CATEGORIES,
        newer_url=first if cursor else None,
        older_url=f"{first}&from={paging.write(rows[PAGE].created_at, rows[PAGE].id)}" if len(rows) > PAGE else None,
    )


@admin
def one(outbox_id: UUID) -> ResponseReturnValue:
    """One mail as it was sent; the log keeps who read it."""
    return _mail_page(outbox_id)


@admin
def as_sent(outbox_id: UUID) -> ResponseReturnValue:
    """The page of a mail alone, for the frame on its page here."""
    find(ONE, mail_id=outbox_id)
    body = outbox.read(db.session(), outbox_id)
    if body is None or body.html is None:
        abort(404)
    answer = Response(body.html, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = PREVIEW_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


@admin
def send_again(outbox_id: UUID) -> ResponseReturnValue:
    """The same words to the same address once more."""
    find(ONE, mail_id=outbox_id)
    try:
        new_id = outbox.send_again(db.session(), outbox_id)
    except Refused as refusal:
        db.session.rollback()
        return _mail_page(outbox_id, 409, refusal.sentence)
    flash("The mail is on its way once more. This is the new one.", "note")
    return redirect(f"/admin/outbox/{new_id}", 303)


@admin
def retry(outbox_id: UUID) -> ResponseReturnValue:
    """A mail that failed is tried again."""
    find(ONE, mail_id=outbox_id)
    try:
        outbox.retry(db.session(), outbox_id)
    except Refused as refusal:
        db.session.rollback()
        return _mail_page(outbox_id, 409, refusal.sentence)
    flash("The mail is tried again.", "note")
    return redirect(f"/admin/outbox/{outbox_id}", 303)


@admin
def retry_all() -> ResponseReturnValue:
    """Every mail that failed is tried again, by the worker."""
    retry_failed.enqueue(db.session())
    audit.record(db.session(), "mail.retry-all-asked", "All failed mails are to be tried again", category="email")
    flash("Every failed mail whose text is still kept is tried again, as soon as the worker comes to it.", "note")
    return redirect("/admin/outbox?state=failed", 303)


@admin
def test() -> ResponseReturnValue:
    """A mail to oneself, to see whether any arrive."""
    limits.limit("test-mail", 20, 3600, str(me()))
    message = mail.Message(
        subject="A test mail",
        headline="It arrived",
        body=("Mails of the portal reach you at this address.",),
        why="You get this because you pressed the button for it among the mails that were sent.",
    )
    mail.write(db.session(), "test", current_user.email, message, user_id=me())
    audit.record(db.session(), "mail.tested", "A test mail was sent", category="email")
    flash(f"A test mail is on its way to {current_user.email}; below you see how it goes.", "note")
    return redirect(f"/admin/outbox?person={me()}", 303)


def _wanted() -> Wanted:
    state, category = query_arg("state"), query_arg("category")
    return Wanted(
        state if state in STATES else "",
        category if category in CATEGORIES else "",
        query_arg("q"),
        _id("person"),
        _id("meeting"),
    )


def _id(name: str) -> UUID | None:
    value = query_arg(name)
    return (id_in(value) or abort(404)) if value else None


# --- finding: whatever is asked, an index gives the rows in order, and a page's worth of them is read -------------------


def _newest(*where: ColumnElement[bool]) -> AnySelect:
    return select(*COLUMNS).where(*where, FROM).order_by(*NEWEST).limit(MOST)


def _found(wanted: Wanted) -> AnyRows:
    narrower = [(Mail.state, wanted.state), (Mail.user_id, wanted.person), (Mail.meeting_id, wanted.meeting)]
    also = [column == value for column, value in narrower if value]
    kinds = sorted(kind for kind, category in KINDS.items() if category == wanted.category)
    if "@" in wanted.q:
        also.append(func.lower(Mail.recipient) == func.lower(bindparam("q")))
    elif wanted.q:
        people = PEOPLE.subquery()
        theirs = _newest(Mail.user_id == people.c.id, *([Mail.kind.in_(kinds)] if kinds else []), *also)
        each = theirs.correlate(people).lateral()
        return select(each).select_from(people).join(each, true())
    if kinds and not also:
        return union_all(*(_newest(Mail.kind == kind) for kind in kinds))
    return _newest(*([Mail.kind.in_(kinds)] if kinds else []), *also)


# --- showing ------------------------------------------------------------------------------------------------------------


def _line(row: OutboxRow) -> dict[str, object]:
    kind = CATEGORIES[KINDS[row.kind]].label if row.kind in KINDS else row.kind
    return {
        "id": row.id,
        "subject": "Holds a link or code" if row.secret else row.subject,
        "kind": kind,
        "to": row.recipient,
        "state": STATES[row.state],
        "failure": failure_in_words(row),
        "when": since(row.created_at, viewer().now),
    }


def failure_in_words(row: OutboxRow) -> str:
    """Why a mail was not sent, or not yet, as a sentence; empty if nothing is known or nothing went wrong."""
    if row.state == "sent" or not row.failure:
        return "The account was closed before it left." if row.state == "dropped" else ""
    reason = row.failure.strip().rstrip(".")
    begun, _, error = reason.partition("not yet: ")
    if error and not begun:
        if row.state == "queued":
            return f"The mail server did not take it yet ({error}). It is tried again for three days."
        return f"The mail server did not take it in three days ({error})."
    return f"{reason[:1].upper()}{reason[1:]}."


def _mail_page(mail_id: UUID, status: int = 200, refusal: str = "") -> ResponseReturnValue:
    row = find(ONE, mail_id=mail_id)
    body = outbox.read(db.session(), mail_id)
    name = display_name(row.first_name, row.last_name, row.email) if row.email else ""
    rendered, status = page(
        "admin/outbox_mail.html",
        status,
        m=_line(row),
        row=row,
        name=name,
        sent=since(row.sent_at, viewer().now) if row.sent_at else "",
        body=body,
        again=[
            (each.id, since(each.created_at, viewer().now)) for each in SENT_AGAIN.all(db.session(), mail_id=mail_id)
        ],
        may_send=bool(body and body.text) and row.state != "queued",
        refusal=refusal,
    )
    own = headers.headers(current_app.config["SETTINGS"])["Content-Security-Policy"]
    return rendered, status, {"Content-Security-Policy": f"{own}; frame-src 'self'"}
