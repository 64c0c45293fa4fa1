"""The frame of a request: who asks, one transaction, one commit, the headers every answer carries.

A view that returns commits; a view that raises leaves no trace. `find` answers 404 both for what is not there and for
what may not be seen; `page` renders a whole page, or its fragment for htmx.
"""

import secrets
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import lru_cache
from time import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Flask, Request, Response, abort, current_app, g, render_template, session
from flask.sessions import SecureCookieSessionInterface
from flask.templating import Environment
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from htmx_flask import Htmx, request
from itsdangerous import BadSignature
from markupsafe import Markup
from wtforms import Field

from portal.config import Settings
from portal.database import db
from portal.database.query import Query
from portal.database.rows import R
from portal.problems import Refused
from portal.proxies import Forwarded
from portal.reference import reference
from portal.sentences import listed, ngettext_markup
from portal.times import Reader, city

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


htmx = Htmx()

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self' {form_targets}; frame-ancestors 'none'; base-uri 'none'",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Sessions(SecureCookieSessionInterface):
    """Flask's own signed cookie. A browser sends the same one with every page, so its signature is checked once an hour."""

    def __init__(self, app: Flask) -> None:
        signer: Any = self.get_signing_serializer(app)  # None only without a key
        self._checked = lru_cache(maxsize=4096)(lambda cookie, oldest, _hour: signer.loads(cookie, max_age=oldest))

    def open_session(self, app: Flask, request: Request) -> Any:  # Flask's own signature
        """What the cookie says, if we signed it and it is not too old."""
        cookie, oldest = request.cookies.get(self.get_cookie_name(app), ""), app.permanent_session_lifetime
        with suppress(BadSignature):
            words = self._checked(cookie, int(oldest.total_seconds()), int(time() // 3600))
            return self.session_class(deepcopy(words))
        return self.session_class()


class Templates(Environment):
    """No template has globals of its own, so that all share one plain dictionary: looking up a chain costs a page dear."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:  # Jinja's own signature
        """The environment's globals."""
        return {**self.globals, **d} if d else self.globals


FORM_TOKEN = f"<!-- form token {secrets.token_hex()} -->"
_PLACE = FORM_TOKEN.encode()
"""`{{ form_token }}` in a form holds the place of the hidden field without which nothing is accepted. What is drawn can
so be shared between readers; nobody can write it, since it is another in every process and leaves none."""


def init_app(app: Flask) -> None:
    """Put the frame around every request of `app`."""
    settings: Settings = app.config["SETTINGS"]
    app.session_interface = Sessions(app)
    htmx.init_app(app)
    app.after_request(finish)
    app.after_request(label)
    app.after_request(fill_in_form_token)
    app.extensions["room_policy"] = headers(settings, settings.room_pages)["Content-Security-Policy"]
    app.wsgi_app = sealed(app.wsgi_app, settings)  # type: ignore[method-assign, assignment]
    if settings.trusted_proxies:
        app.wsgi_app = Forwarded(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
    app.jinja_env.globals["drawn"] = drawn
    app.jinja_env.globals["ngettext"] = ngettext_markup
    app.jinja_env.globals["listed"] = listed
    app.jinja_env.globals["form_token"] = Markup(FORM_TOKEN)  # noqa: S704
    app.jinja_env.globals["club"] = {
        "name": settings.club_name,
        "zone": settings.club_timezone,
        "city": city(settings.club_timezone),
        "help_email": settings.help_email,
        "sandbox": settings.sandbox,
        "doors_minutes": settings.doors_minutes,
        "welcome_days": settings.welcome_days,
        "grace_days": settings.grace_days,
    }
    app.context_processor(lambda: {"reader": reader()})


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


def fill_in_form_token(response: Response) -> Response:
    """Put this session's token into the forms of a page."""
    if response.mimetype == "text/html" and _PLACE in (html := response.get_data()):
        field = b'<input type="hidden" name="csrf_token" value="%b">' % form_token().encode()
        response.set_data(html.replace(_PLACE, field))
    return response


def form_token() -> str:
    """What proves that a form is this session's."""
    known = session.get("csrf_token")
    return _signed(str(current_app.secret_key), known) if known else str(generate_csrf())


@lru_cache(maxsize=4096)
def _signed(_secret: str, _known: str) -> str:
    # It is good for as long as the session it names, so it is signed once, not once a page.
    return str(generate_csrf())


def headers(settings: Settings, form_targets: str = "") -> dict[str, str]:
    """What every answer carries; forms may lead to the pages where one pays, to `form_targets`, and nowhere else outside."""
    targets = " ".join(filter(None, (form_targets, settings.payment_pages)))
    return {name: value.replace("{form_targets}", targets) for name, value in HEADERS.items()}


def may_lead_to_a_room() -> None:
    """Let the forms of this answer lead to any https address: browsers apply `form-action` to where Join redirects, and
    the page may not tell which platform that is.
    """
    g.leads_to_a_room = True


def sealed(application: "WSGIApplication", settings: Settings) -> "WSGIApplication":
    """`application` with the headers every answer carries, files and errors too."""
    seal = list(headers(settings).items())

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            # Of what an answer says itself there is no second: of two policies both would hold.
            own = {name for name, _value in headers}
            return start_response(status, headers + [pair for pair in seal if pair[0] not in own], exc_info)

        return application(environ, start)

    return answer


def find(visible: Query[R], **given: object) -> R:
    """The one row of what this person may see, or 404: not there and not yours look the same."""
    row = visible.one_or_none(db.session(), **given)
    return abort(404) if row is None else row


def drawn(place: str, macro: str, *words: object) -> Markup:
    """A piece of a page that depends on nothing but these words, kept for the next reader of whom they are the same.

    `macro` is one of the template at `place`, and escapes what it shows.
    """
    return _drawn(current_app.jinja_env, place, macro, words)


@lru_cache(maxsize=8192)
def _drawn(templates: Environment, place: str, macro: str, words: tuple[object, ...]) -> Markup:
    return Markup(getattr(templates.get_template(place).module, macro)(*words))  # noqa: S704


def page(template: str, status: int = 200, /, **context: object) -> tuple[str, int]:
    """A rendered page with its status."""
    return render_template(template, **context), status


def asked(name: str, most: int = 100) -> str:
    """What the address asks for under this name, as one line of at most so many characters; empty if nothing.

    A NUL is left out: no database can be asked for one.
    """
    return " ".join(request.args.get(name, "").replace("\x00", "").split())[:most]


def chosen(name: str) -> UUID:
    """The id a form chose under this name, or 422."""
    return id_in(request.form.get(name, "")) or abort(422)


def id_in(value: str) -> UUID | None:
    """The id that is written there, or None for anything else."""
    try:
        return UUID(value)
    except ValueError:
        return None


@contextmanager
def told_at(field: Field) -> Iterator[None]:
    """What is refused inside is told at this field of a form, and nothing was changed."""
    try:
        yield
    except Refused as refusal:
        db.session.rollback()
        field.errors = [refusal.sentence]


def wants_fragment() -> bool:
    """Whether htmx asked for a piece of the page (its boosted and history requests want the whole)."""
    return bool(request.htmx) and request.headers.get("HX-Request-Type", "partial") == "partial"


def reader() -> Reader:
    """The person's own zone; the club's for a visitor."""
    if "reader" not in g:
        zone = current_user.timezone if current_user and current_user.is_authenticated else None
        g.reader = Reader(zone or current_app.config["SETTINGS"].club_timezone)
    return g.reader  # type: ignore[no-any-return]


def me() -> UUID:
    """The signed-in person's id."""
    return current_user.id  # type: ignore[no-any-return]
