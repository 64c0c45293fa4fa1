"""Pages for everybody: what the club is, what it costs, what is on, what it keeps about people."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import text

from portal import clock
from portal.access import public
from portal.billing import ABOUT, money, plans
from portal.database import db
from portal.meetings.board import Board, here_and_now
from portal.times import DAYS
from portal.web import page

bp = Blueprint("public", __name__)

A_DAY = "public, max-age=86400"
PLAIN = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": A_DAY}

PROGRAMME = text(
    "select *, 'scheduled' as status, 0 as attendee_count, null as cancellation_reason from public_programme(6)"
)


@bp.get("/")
@public
def landing() -> ResponseReturnValue:
    """The front page; members go straight to their evenings."""
    if current_user.is_authenticated:
        return redirect("/meetings", 303)
    look = here_and_now()
    rows = db.session.execute(PROGRAMME).all()
    settings = current_app.config["SETTINGS"]
    start = datetime.combine(look.club(look.now).date(), settings.default_meeting_time)
    return page(
        "public/landing.html",
        next=Board(rows[0], look) if rows else None, going=rows[0].seats_taken if rows else 0,
        week=[_note(row, look.club(row.starts_at)) for row in rows[1:]],
        plans=[
            {"key": p.key, "name": p.name, "text": ABOUT[p.key],
             "month": p.shown("monthly"), "year": p.shown("yearly"), "saving": p.saving}
            for p in plans().values()
        ],
        currency=money.name(settings.currency),
        times={
            "doors": f"{start - timedelta(minutes=settings.doors_minutes):%H:%M}", "start": f"{start:%H:%M}",
            "report": f"{start + timedelta(minutes=50):%H:%M}",
        },
    )  # fmt: skip


def _note(row: Any, starts: datetime) -> tuple[str, str, str]:
    full = row.max_attendees is not None and row.seats_taken >= row.max_attendees
    parts = [
        row.host_name,
        f"{row.duration} min",
        "full" if full else "",
        f"{row.waiting_count} waiting" if row.waiting_count else "",
    ]
    return DAYS[starts.weekday()][:3], row.title, ", ".join(filter(None, parts))


@bp.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    """What is kept, for how long, and who sees it."""
    return page("public/privacy.html")


@bp.get("/terms")
@public
def terms() -> ResponseReturnValue:
    """What the club promises and asks."""
    return page("public/terms.html")


@bp.get("/help")
@public
def help_page() -> ResponseReturnValue:
    """Short answers."""
    return page("public/help.html")


@bp.get("/favicon.ico")
@public
def favicon() -> ResponseReturnValue:
    """Browsers that ask for it by its old name."""
    answer = redirect(current_app.jinja_env.globals["asset"]("favicon.svg"), 302)  # type: ignore[operator]
    answer.headers["Cache-Control"] = A_DAY
    return answer


@bp.get("/.well-known/change-password")
@public
def change_password() -> ResponseReturnValue:
    """Where password managers lead (W3C, A Well-Known URL for Changing Passwords)."""
    return redirect("/account#new-password", 303)


@bp.get("/.well-known/security.txt")
@public
def security() -> ResponseReturnValue:
    """Whom to tell of a hole (RFC 9116); it is good for a year from any day it is read."""
    settings = current_app.config["SETTINGS"]
    lines = (f"Contact: mailto:{settings.help_email}", f"Expires: {clock.now() + timedelta(days=365):%Y-%m-%dT00:00:00Z}",
             f"Canonical: {settings.public_url}/.well-known/security.txt", "Preferred-Languages: en")  # fmt: skip
    return "".join(f"{line}\n" for line in lines), 200, PLAIN


@bp.get("/robots.txt")
@public
def robots() -> ResponseReturnValue:
    """Only the front pages are for search engines."""
    return (
        "User-agent: *\nDisallow: /meetings\nDisallow: /sandbox\n",
        200,
        PLAIN,
    )
