"""Closed by default: a route is private unless it says otherwise.

`@public` opens a route to everybody; `@admin` shows it to admins who gave their second factor, and is a 404 to others.
Everything else needs a sign-in. A closed door looks the same under every method. Whatever an admin changes there asks for
the second factor once more unless it was given within half an hour; the form goes on as it was typed. `@proved` asks the
same of members who have one, before the form is shown. A promise over the whole URL map is kept by a test.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from werkzeug.exceptions import MethodNotAllowed

from portal.csrf import check_form

login_manager = LoginManager()

View = TypeVar("View", bound=Callable[..., object])

READING = ("GET", "HEAD", "OPTIONS")

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


def proved(view: View) -> View:
    """The way into one's own account: who has a second factor gives a code of it within the half hour before."""
    view.proved = True  # type: ignore[attr-defined]
    return view


def takes_files(most: int) -> Callable[[View], View]:
    """Whoever may send this form may send a file with it, `most` bytes in all."""

    def marked(view: View) -> View:
        view.most_bytes = most  # type: ignore[attr-defined]
        return view

    return marked


def takes_proof(ask: ProofTaker) -> ProofTaker:
    """Register who asks for a second factor in the middle of a form; None from it means that it was given."""
    global _proof_taker
    _proof_taker = ask
    return ask


def guard_of(view: Callable[..., object]) -> str:
    """public, admin or member."""
    return getattr(view, "guard", "member")


def init_app(app: Flask) -> None:
    """Stand at every door of `app`."""
    login_manager.session_protection = None  # sign-ins are rows of ours; Flask-Login's fingerprint adds nothing
    login_manager.init_app(app)
    app.url_map.merge_slashes = False  # leading /admin//people to its page would tell that there is one
    app.before_request(stand_at_the_door)
    app.before_request(check_form)
    app.before_request(ask_for_fresh_code)


def stand_at_the_door() -> ResponseReturnValue | None:
    """Let in, send to sign in, or know nothing."""
    view = _asked_for()
    if view is None:
        return None  # the 404 page
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
    if most := getattr(view, "most_bytes", None):
        request.max_content_length = most
    return None


def ask_for_fresh_code() -> ResponseReturnValue | None:
    """What matters asks once more. After the form was checked, since the form goes on from there as it was typed."""
    if request.endpoint is None:
        return None  # the 405 page, for whoever may know that there is something
    view = current_app.view_functions[request.endpoint]
    if guard_of(view) == "admin" and request.method not in READING and not current_user.is_fresh:
        return ask_once_more()
    if getattr(view, "proved", False) and current_user.must_prove:
        return ask_for_code()
    return None


def _asked_for() -> Callable[..., object] | None:
    """The view of this address; for a method it does not take, the one that stands there all the same."""
    endpoint = request.endpoint
    if isinstance(request.routing_exception, MethodNotAllowed):
        methods = request.routing_exception.valid_methods or ()
        endpoint, _values = current_app.create_url_adapter(request).match(method=next(iter(methods), "GET"))  # type: ignore[union-attr]
    return current_app.view_functions[endpoint] if endpoint else None


def fresh_or_asked() -> None:
    """In the middle of a view: go on, or answer with the page that asks for the code once more."""
    if not current_user.is_fresh and (answer := ask_once_more()):
        abort(current_app.make_response(answer))


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


def _lead_to(endpoint: str, **values: Any) -> ResponseReturnValue:  # handed on to url_for
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
