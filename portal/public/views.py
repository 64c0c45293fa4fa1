"""Pages for everybody: what the club is, what it costs, what is on, what it keeps about people."""

import json
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from flask import Blueprint, current_app, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import text

from portal import clock
from portal.access import public
from portal.billing import is_free, money, offers
from portal.database import db
from portal.database.query import Query
from portal.meetings.board import Board, here_and_now
from portal.meetings.description import rendered
from portal.meetings.rows import MeetingRow
from portal.times import number
from portal.web import page

bp = Blueprint("public", __name__)

A_DAY = "public, max-age=86400"
PLAIN = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": A_DAY}

WEEK = timedelta(days=7)
# What a passer-by is not told stands there as nothing.
PROGRAMME = Query(
    MeetingRow,
    text("""
select id, title, host_name, platform, starts_at, ends_at, duration, 'scheduled' as status, max_attendees, seats_taken,
       waiting_count, 0 as attendee_count, null as cancellation_reason,
       null as attendance_record from public_programme(40)
"""),
)
FOR_EVERYBODY = ("/", "/plans", "/sign-up", "/help", "/privacy", "/terms")
"""What search engines are told of."""


@bp.get("/")
@public
def landing() -> ResponseReturnValue:
    """The front page; members go straight to their evenings."""
    if current_user.is_authenticated:
        return redirect("/meetings", 303)
    viewer_clock = here_and_now()
    rows = PROGRAMME.all(db.session())
    week = [Board(row, viewer_clock) for row in rows if row.starts_at < viewer_clock.now + WEEK]
    settings = current_app.config["SETTINGS"]
    start = datetime.combine(viewer_clock.club(viewer_clock.now).date(), settings.default_meeting_time)
    return page(
        "public/landing.html",
        next=Board(rows[0], viewer_clock) if rows else None,
        going=rows[0].seats_taken if rows else 0,
        week=[(day, list(some)) for day, some in groupby(week, attrgetter("day_long"))],
        free_days=number(settings.welcome_days),
        plans=[] if is_free() else offers(),
        currency=money.name(settings.currency),
        times={"doors": f"{start - timedelta(minutes=settings.doors_minutes):%H:%M}", "start": f"{start:%H:%M}"},
        front_title=settings.front_title,
        front_text=rendered(settings.front_text),
        front_picture=settings.front_picture,
        front_picture_alt=settings.front_picture_alt,
    )


@bp.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    """What is kept, for how long, and who sees it."""
    return page("public/privacy.html", added=rendered(current_app.config["SETTINGS"].privacy_text))


@bp.get("/terms")
@public
def terms() -> ResponseReturnValue:
    """What the club promises and asks."""
    return page("public/terms.html", added=rendered(current_app.config["SETTINGS"].terms_text))


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
    lines = (
        f"Contact: mailto:{settings.help_email}",
        f"Expires: {clock.now() + timedelta(days=365):%Y-%m-%dT00:00:00Z}",
        f"Canonical: {settings.public_url}/.well-known/security.txt",
        "Preferred-Languages: en",
    )
    return "".join(f"{line}\n" for line in lines), 200, PLAIN


@bp.get("/robots.txt")
@public
def robots() -> ResponseReturnValue:
    """Only the front pages are for search engines; calendars that read a feed keep to these rules too, as Google's does."""
    site = current_app.config["SETTINGS"].public_url
    rules = ("Disallow: /meetings", "Disallow: /calendar", "Allow: /calendar/*.ics$", "Disallow: /sandbox")
    lines = ("User-agent: *", *rules, f"Sitemap: {site}/sitemap.xml")  # of two rules the longer holds (RFC 9309 2.2.2)
    return "".join(f"{line}\n" for line in lines), 200, PLAIN


@bp.get("/sitemap.xml")
@public
def sitemap() -> ResponseReturnValue:
    """The front pages, for search engines (sitemaps.org)."""
    site = current_app.config["SETTINGS"].public_url
    pages = "".join(
        f"<url><loc>{site}{path}</loc></url>" for path in FOR_EVERYBODY if path != "/plans" or not is_free()
    )
    sheet = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{pages}</urlset>\n'
    return sheet, 200, {**PLAIN, "Content-Type": "application/xml"}


@bp.get("/manifest.webmanifest")
@public
def manifest() -> ResponseReturnValue:
    """How the club looks among the apps of a phone (W3C, Web Application Manifest)."""
    name, asset = current_app.config["SETTINGS"].club_name, current_app.jinja_env.globals["asset"]
    icons = [
        {"src": asset(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any maskable"}  # type: ignore[operator]
        for size in (192, 512)
    ]
    fields = {
        "name": name,
        "short_name": name,
        "start_url": "/next",
        "display": "minimal-ui",
        "icons": icons,
        "background_color": "#fdfcf9",
        "theme_color": "#171b33",
    }
    return json.dumps(fields), 200, {**PLAIN, "Content-Type": "application/manifest+json"}
