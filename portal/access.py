"""Closed by default: a route is private unless it says otherwise.

`@public` opens a route to everybody; `@admin` shows it to admins and is a 404 to others. Everything else needs a
sign-in. A promise over the whole URL map is kept by a test.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user

login_manager = LoginManager()

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Anybody may ask for this."""
    view.guard = "public"  # type: ignore[attr-defined]
    return view


def admin(view: View) -> View:
    """Only admins know that this exists."""
    view.guard = "admin"  # type: ignore[attr-defined]
    return view


def guard_of(view: Callable[..., Any]) -> str:
    """public, admin or member."""
    return getattr(view, "guard", "member")


def init_app(app: Flask) -> None:
    """Stand at every door of `app`."""
    login_manager.session_protection = None  # sign-ins are rows of ours; Flask-Login's fingerprint adds nothing
    login_manager.init_app(app)
    app.before_request(stand_at_the_door)


def stand_at_the_door() -> ResponseReturnValue | None:
    """Let in, send to sign in, or know nothing."""
    if request.endpoint is None:
        return None  # the 404 or 405 page
    guard = guard_of(current_app.view_functions[request.endpoint])
    if guard == "public":
        return None
    if not current_user.is_authenticated:
        if guard == "admin":
            abort(404)
        return ask_to_sign_in()
    if guard == "admin" and not current_user.is_admin:
        abort(404)
    return None


def ask_to_sign_in() -> ResponseReturnValue:
    """To the sign-in page and back; a form that was sent comes back as its page, unsent."""
    if request.method in ("GET", "HEAD"):
        wanted = request.full_path.rstrip("?")
    else:
        wanted = _page_of_form()
        flash("You have been signed out. Sign in and send it again.", "note")
    target = url_for("accounts.sign_in", next=wanted if wanted != "/meetings" else None)
    if "HX-Request" in request.headers:
        return "", 200, {"HX-Redirect": target}
    return redirect(target, 303)


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
