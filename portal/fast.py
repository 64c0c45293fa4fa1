"""What is there for speed alone; `docs/decisions/speed.md` says what each trick saves, `tests/bench/tricks.py` measures it."""

import secrets
from collections.abc import MutableMapping
from contextlib import suppress
from copy import deepcopy
from functools import lru_cache
from time import time
from typing import Any

from flask import Flask, Request, Response, current_app, session
from flask.sessions import SecureCookieSessionInterface
from flask.templating import Environment
from flask_wtf.csrf import generate_csrf
from itsdangerous import BadSignature
from markupsafe import Markup


def init_app(app: Flask) -> None:
    """Put the tricks around every request of `app`."""
    app.session_interface = Sessions(app)
    app.after_request(fill_in_form_token)
    app.jinja_env.globals["cached_fragment"] = cached_fragment
    app.jinja_env.globals["form_token"] = Markup(FORM_TOKEN)  # noqa: S704


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
so be shared between viewers; nobody can write it, since it is another in every process and leaves none."""


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


def cached_fragment(place: str, macro: str, *words: object) -> Markup:
    """A piece of a page that depends on nothing but these words, kept for the next viewer of whom they are the same.

    `macro` is one of the template at `place`, and escapes what it shows.
    """
    return _cached_fragment(current_app.jinja_env, place, macro, words)


def forget_fragments() -> None:
    """Draw them anew: something changed that is none of their words, like the club's name."""
    _cached_fragment.cache_clear()


@lru_cache(maxsize=8192)
def _cached_fragment(templates: Environment, place: str, macro: str, words: tuple[object, ...]) -> Markup:
    return Markup(getattr(templates.get_template(place).module, macro)(*words))  # noqa: S704
