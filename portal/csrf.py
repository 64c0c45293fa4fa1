"""A form is taken only from a page of ours, and only with its session's token.

A browser says where a form comes from in three ways. The first that says anything decides: `Origin` (RFC 6454), then
`Sec-Fetch-Site` (Fetch Metadata; also where a privacy setting makes the Origin "null"), then `Referer`. The token is asked
for always.
"""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import current_app, request, session
from flask_wtf.csrf import validate_csrf
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from wtforms.validators import ValidationError

from portal.config import Settings

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

View = TypeVar("View", bound=Callable[..., object])


class FormRefused(BadRequest):
    """A form that is not taken. The docstring of each kind is the headline its sender reads, `advice` what to do."""

    advice = ""

    @property
    def sentence(self) -> str:
        """The headline."""
        return (type(self).__doc__ or "").strip()


class FromElsewhere(FormRefused):
    """This form was sent from another site."""

    advice = "Nothing was changed. Open the page here and use the form on it."


class FromNowhere(FormRefused):
    """Your browser did not say which page this form came from."""

    advice = (
        "Nothing was changed. A privacy setting or an extension keeps it back: allow your browser to tell this site"
        " its own addresses (the Referer), load the page again and send the form once more."
    )


class WithoutToken(FormRefused):
    """A part of this form did not arrive."""

    advice = "Nothing was changed. Go back, load the page again and send it once more."


class NoLongerKnown(FormRefused):
    """This form is no longer known here."""

    advice = (
        "Nothing was changed. Either somebody signed out in this browser after the page was opened, or the browser keeps no"
        " cookies for this site. Load the page again and send it once more."
    )


class OfAnotherSignIn(FormRefused):
    """This form was open in another sign-in."""

    advice = "Nothing was changed. Go back, load the page again and send it once more."


def for_machines(view: View) -> View:
    """What other servers post to: no form, no session. The view itself proves who sends."""
    view.for_machines = True  # type: ignore[attr-defined]
    return view


def check_form() -> None:
    """Before every view that a form leads to. Raises FormRefused, or UnsupportedMediaType for what is no form."""
    if request.method not in UNSAFE or request.endpoint is None:
        return
    if getattr(current_app.view_functions[request.endpoint], "for_machines", False):
        return
    if not _is_form():
        raise UnsupportedMediaType
    _refuse_other_sites()
    _refuse_other_sessions()


def _is_form() -> bool:
    """Whether the body is one that `request.form` reads, or there is none."""
    if not request.mimetype:
        return not request.content_length and "Transfer-Encoding" not in request.headers
    return request.mimetype in FORMS


def _refuse_other_sites() -> None:
    origin, site = request.headers.get("Origin", "null"), request.headers.get("Sec-Fetch-Site")
    if origin != "null":
        here = _is_here(origin)
    elif site is not None:
        here = site in ("same-origin", "none")  # none: sent by the person, by loading the page again
    elif request.referrer:
        here = _is_here(request.referrer)
    elif request.is_secure:
        raise FromNowhere
    else:
        here = True
    if not here:
        raise FromElsewhere


def _is_here(address: str) -> bool:
    settings: Settings = current_app.config["SETTINGS"]
    return _origin_of(address) in (_origin_of(request.host_url), _origin_of(settings.public_url))


def _origin_of(address: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of an address, or None for what is none: it is the sender's and may be anything."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


def _refuse_other_sessions() -> None:
    token = request.form.get("csrf_token") or request.headers.get("X-CSRFToken")
    if not token:
        raise WithoutToken
    if "csrf_token" not in session:
        raise NoLongerKnown
    try:
        validate_csrf(token)
    except ValidationError as other:
        raise OfAnotherSignIn from other
