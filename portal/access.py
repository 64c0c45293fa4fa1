"""Closed by default: a route is private unless it says otherwise.

`@public` opens a route to everybody; `@admin` shows it to admins who gave their second factor, and is a 404 to others.
Everything else needs a sign-in. `@elevated` on a POST asks for the second factor once more unless it was given within
half an hour; the form goes on as it was typed. A promise over the whole URL map is kept by a test.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user

from portal.csrf import check_form

login_manager = LoginManager()

View = TypeVar("View", bound=Callable[..., Any])

FRESH_FOR = timedelta(minutes=30)
"""How long a second factor once given is enough for what matters."""

ProofTaker = Callable[[], ResponseReturnValue | None]
_proof_taker: ProofTaker | None = None


def public(view: View) -> View:
    """Anybody may ask for this."""
    view.guard = "public"  # type: ignore[attr-defined]
    return view


def admin(view: View) -> View:
    """Only admins know that this exists."""
    view.guard = "admin"  # type: ignore[attr-defined]
    return view


def elevated(view: View) -> View:
    """What matters (making an admin, money going back): only with a second factor given within half an hour."""
    view.elevated = True  # type: ignore[attr-defined]
    return view


def takes_proof(ask: ProofTaker) -> ProofTaker:
    """Register who asks for a second factor in the middle of a form; None from it means that it was given."""
    global _proof_taker
    _proof_taker = ask
    return ask


def guard_of(view: Callable[..., Any]) -> str:
    """public, admin or member."""
    return getattr(view, "guard", "member")


def init_app(app: Flask) -> None:
    """Stand at every door of `app`."""
    login_manager.session_protection = None  # sign-ins are rows of ours; Flask-Login's fingerprint adds nothing
    login_manager.init_app(app)
    app.before_request(stand_at_the_door)
    app.before_request(check_form)
    app.before_request(ask_for_fresh_code)


def stand_at_the_door() -> ResponseReturnValue | None:
    """Let in, send to sign in, or know nothing."""
    if request.endpoint is None:
        return None  # the 404 or 405 page
    view = current_app.view_functions[request.endpoint]
    guard = guard_of(view)
    if guard == "public":
        return None
    if not current_user.is_authenticated:
        if guard == "admin":
            abort(404)
        return ask_to_sign_in()
    if guard == "admin" and not current_user.is_admin:
        abort(404)
    if guard == "admin" and current_user.proved_at is None:
        return ask_for_code()
    return None


def ask_for_fresh_code() -> ResponseReturnValue | None:
    """What matters asks once more. After the form was checked, since the form goes on from there as it was typed."""
    if request.endpoint is None or not getattr(current_app.view_functions[request.endpoint], "elevated", False):
        return None
    return None if current_user.is_fresh else ask_once_more()


def ask_for_code() -> ResponseReturnValue:
    """To the page that takes a code and back; who has no second factor is led on to set one up."""
    return _lead_to("second_factor.sign_in_code", next=_wanted())


def ask_once_more() -> ResponseReturnValue | None:
    """The code, with the form as it was typed; a piece of a page cannot hold that and goes by the whole one."""
    if "HX-Request" in request.headers:
        return ask_for_code()
    assert _proof_taker is not None, "the room of accounts is not open"  # noqa: S101
    return _proof_taker()


def ask_to_sign_in() -> ResponseReturnValue:
    """To the sign-in page and back; a form that was sent comes back as its page, unsent."""
    if request.method not in ("GET", "HEAD"):
        flash("You have been signed out. Sign in and send it again.", "note")
    wanted = _wanted()
    return _lead_to("accounts.sign_in", next=wanted if wanted != "/meetings" else None)


def _lead_to(endpoint: str, **values: Any) -> ResponseReturnValue:
    target = url_for(endpoint, **values)
    if "HX-Request" in request.headers:
        return "", 200, {"HX-Redirect": target}
    return redirect(target, 303)


def _wanted() -> str:
    return request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else _page_of_form()


def _page_of_form() -> str:
    try:
        return urlsplit(request.referrer or "").path or "/meetings"
    except ValueError:  # the header is the sender's, and may be anything
        return "/meetings"


def own_path(target: str | None, otherwise: str) -> str:
    """`target` if it is a path of this portal, else `otherwise`: a sign-in never leads elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return otherwise
    if any(ord(c) < 32 for c in target) or urlsplit(target).netloc:
        return otherwise
    return target
