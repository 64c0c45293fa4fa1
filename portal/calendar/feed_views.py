"""The page of one's feeds, and the address a calendar program reads, which opens to whoever has it."""

from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from portal import limits
from portal.access import public
from portal.arguments import field_refusal
from portal.calendar import feeds
from portal.config import Settings
from portal.database import db
from portal.forms import Form, Line
from portal.viewer import me, viewer
from portal.web import page

bp = Blueprint("feeds", __name__, url_prefix="/calendar")

SHOWS = {"mine": "My meetings", "everything": "Everything I may see"}
GOOGLE = "https://calendar.google.com/calendar/u/0/r/settings/addbyurl"
OUTLOOK = {"Outlook.com": "https://outlook.live.com", "Outlook at work": "https://outlook.office.com"}


class FeedForm(Form):
    """What a feed is called and what is in it."""

    name = Line(
        "Name",
        most=60,
        missing="Enter a name you will recognise, like My phone.",
        description="Where you will use it, like My phone. Only you see it.",
    )
    shows = SelectField(
        "What it shows",
        choices=[SelectChoice(*choice) for choice in SHOWS.items()],
        default="mine",
        description="My meetings are those you have or wait for a place in, host, or were invited to by name.",
    )


@bp.get("/feeds")
def index() -> ResponseReturnValue:
    """One's feeds, and the form for another."""
    return _page(FeedForm(None))


@bp.post("/feeds")
def make() -> ResponseReturnValue:
    """A new feed; this answer is the only one that ever shows its address."""
    limits.limit("feed-making", allowed=20, seconds=3600, whose=str(me()))
    form = FeedForm()
    if form.validate():
        with field_refusal(form.name):
            token = feeds.make(db.session(), me(), form.name.data, form.shows.data)
            return page("calendar/feed_made.html", name=form.name.data, **_addresses(token))
    return _page(form, 422)


@bp.post("/feeds/<uuid:feed_id>/revocation")
def revoke(feed_id: UUID) -> ResponseReturnValue:
    """End a feed: its address leads nowhere from the next look on."""
    name = feeds.revoke(db.session(), me(), feed_id)
    if name is None:
        abort(404)
    flash(f"{name} is revoked. A calendar that still has it can no longer read your meetings.", "note")
    return redirect("/calendar/feeds", 303)


@bp.get("/<token>.ics")
@public
def feed(token: str) -> ResponseReturnValue:
    """What its person may see now, for a calendar program. Reading it leaves no trace but a counter of tries."""
    limits.limit("calendar-feed", allowed=60, seconds=3600, whose=token)
    rows = feeds.read(db.session(), token)
    if not rows:
        abort(404)
    settings: Settings = current_app.config["SETTINGS"]
    rendered = feeds.rendered(rows, settings.public_url, settings.club_name)
    response = Response(rendered.body, mimetype="text/calendar")
    response.headers["Content-Disposition"] = 'inline; filename="meetings.ics"'
    response.headers["X-Robots-Tag"] = "noindex"  # robots.txt lets calendars in, and so whoever finds the address
    response.headers["Cache-Control"] = "private, no-cache"  # may be kept, and is asked about each time
    # A weak one: the moments of change in it may differ. If-Modified-Since is not followed, since a meeting that one may no
    # longer see vanishes without a date.
    response.set_etag(rendered.etag, weak=True)
    response.last_modified = rendered.changed_at
    if request.if_none_match.contains_weak(rendered.etag):
        response.status_code = 304
        response.set_data(b"")
    return response


def _page(form: FeedForm, status: int = 200) -> ResponseReturnValue:
    rows = feeds.MINE.all(db.session(), user_id=me())
    lines = [
        {"id": row.id, "name": row.name, "shows": SHOWS[row.shows], "since": viewer().day(row.created_at)}
        for row in rows
    ]
    return page("calendar/feeds.html", status, form=form, feeds=lines)


def _addresses(token: str) -> dict[str, object]:
    """Where calendar programs find a feed, and the pages of theirs that take its address."""
    settings: Settings = current_app.config["SETTINGS"]
    address = f"{settings.public_url}/calendar/{token}.ics"
    query = urlencode({"url": address, "name": settings.club_name})
    return {
        "address": address,
        "webcal": f"webcal://{address.partition('://')[2]}",
        "google": GOOGLE,
        "outlook": {label: f"{site}/calendar/0/addfromweb?{query}" for label, site in OUTLOOK.items()},
    }
