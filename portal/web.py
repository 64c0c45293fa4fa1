"""The frame of a request: one transaction, one commit, and how a view finds and shows.

A view that returns commits; a view that raises leaves no trace. `find` answers 404 both for what is not there and for
what may not be seen; `page` renders a whole page. What stands around it: `headers.py`, `csrf.py`, `proxies.py`,
`viewer.py`, `arguments.py`, and `fast.py` for what is there for speed alone.
"""

from typing import Any

from flask import Flask, Response, abort, current_app, g, render_template
from htmx_flask import Htmx, request
from werkzeug.exceptions import ServiceUnavailable

from portal import fast, headers
from portal.config import VERSION, Settings
from portal.csrf import UNSAFE
from portal.database import db
from portal.database.identity import is_standby
from portal.database.query import Query
from portal.database.rows import R
from portal.proxies import Forwarded
from portal.reference import reference
from portal.sentences import listed, ngettext_markup
from portal.times import city
from portal.viewer import viewer

htmx = Htmx()


class ReadOnly(ServiceUnavailable):
    """The database is a standby just now: what it has can be read, and nothing changed."""


def init_app(app: Flask) -> None:
    """Put the frame around every request of `app`."""
    settings: Settings = app.config["SETTINGS"]
    htmx.init_app(app)
    app.before_request(refuse_changes)
    app.after_request(finish)
    app.after_request(label)
    fast.init_app(app)
    app.extensions["room_policy"] = headers.headers(settings, settings.room_pages)["Content-Security-Policy"]
    app.wsgi_app = headers.sealed(app.wsgi_app, settings)  # type: ignore[method-assign, assignment]
    if settings.trusted_proxies:
        app.wsgi_app = Forwarded(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
    app.jinja_env.globals["ngettext"] = ngettext_markup
    app.jinja_env.globals["listed"] = listed
    app.jinja_env.globals["version"] = VERSION
    app.jinja_env.globals["club"] = club_on_pages(settings)
    app.context_processor(lambda: {"viewer": viewer()})


def club_on_pages(settings: Settings) -> dict[str, Any]:
    """What every page may say of the club; `portal.club` puts it anew when an admin changed it."""
    accents = (settings.accent_light, settings.accent_dark)
    return {
        "name": settings.club_name,
        "zone": settings.club_timezone,
        "city": city(settings.club_timezone),
        "help_email": settings.help_email,
        "sandbox": settings.sandbox,
        "doors_minutes": settings.doors_minutes,
        "welcome_days": settings.welcome_days,
        "grace_days": settings.grace_days,
        "tax_words": settings.tax_words,
        "accents": "-".join(accent or "own" for accent in accents) if any(accents) else "",
        "payment_way": settings.payment_way,
        "tax_included": settings.prices_include_tax,
    }


def refuse_changes() -> None:
    """Raise `ReadOnly` for what would change something while nothing can be, before any of it is done elsewhere."""
    if request.method in UNSAFE and request.endpoint is not None and is_standby(db.session()):
        raise ReadOnly


def finish(response: Response) -> Response:
    """The one place that commits. What raised was rolled back before its error page was made."""
    if db.session.registry.has():
        db.session.commit()
    return response


def label(response: Response) -> Response:
    """Every answer has its request's name, errors too, and is kept nowhere unless it says so."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Request-Id"] = reference()
    if g.get("leads_to_a_room"):
        response.headers["Content-Security-Policy"] = current_app.extensions["room_policy"]
    if g.get("beside"):
        # A refusal nobody expected is said beside what is there; a page that asks by itself says nothing.
        response.headers["HX-Reswap"] = "none" if request.method == "GET" else "beforeend"
    return response


def find(visible: Query[R], **params: object) -> R:
    """The one row of what this person may see, or 404: not there and not yours look the same."""
    row = visible.one_or_none(db.session(), **params)
    return abort(404) if row is None else row


def page(template: str, status: int = 200, /, **context: object) -> tuple[str, int]:
    """A rendered page with its status."""
    return render_template(template, **context), status


def wants_fragment() -> bool:
    """Whether htmx asked for a piece of the page (its boosted and history requests want the whole)."""
    return bool(request.htmx) and request.headers.get("HX-Request-Type", "partial") == "partial"
