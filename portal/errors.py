"""When the answer is no: a page that looks like the portal, says what happened, and names the request."""

from dataclasses import dataclass

from flask import Flask, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin, current_user
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from portal import audit
from portal.csrf import FormRefused
from portal.database import db
from portal.limits import Busy, TooOften, give_all_back
from portal.problems import Refused
from portal.reference import reference
from portal.web import ReadOnly, wants_fragment


@dataclass(frozen=True)
class Words:
    """What an error page says."""

    title: str
    text: str


WORDS = {
    400: Words("That request did not make sense to us.", "Go back, look at the page again and send it once more."),
    403: Words("You may not open this page.", "Somebody with other rights can. Nothing was changed."),
    404: Words(
        "Nothing is kept at this address.",
        "It may have moved, or it may belong to someone else. We say the same in both cases, so that nobody can guess.",
    ),
    405: Words("This address cannot be used that way.", "Open the page it belongs to and use the button there."),
    409: Words("That did not go through.", ""),
    413: Words("That was too much text at once.", "Nothing was changed. Send less."),
    415: Words("That was not a form we can read.", "Nothing was changed. Use the form on its page here."),
    422: Words("Something in what you sent needs another look.", "Nothing was changed."),
    429: Words("That was a lot of tries in a short time.", "Wait a little and try again."),
    500: Words("Something broke on our side.", "Nothing was changed. It has been noted, with the reference below."),
    503: Words("The club is out of breath for a moment.", "Nothing was changed. Try again in a minute."),
}


NOTHING_CHANGES = Words(
    "Nothing can be changed just now.",
    "The club’s database is moving to another server. You can go on reading. Nothing was changed, so send it again in a minute.",
)


def init_app(app: Flask) -> None:
    """Every way to fail ends on one page."""
    app.register_error_handler(Refused, refused)
    app.register_error_handler(FormRefused, form_refused)
    app.register_error_handler(ReadOnly, nothing_changes)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(OperationalError, database_away)
    app.register_error_handler(PoolTimeout, database_away)
    app.register_error_handler(DBAPIError, broken)
    app.register_error_handler(Exception, broken)


def refused(refusal: Refused) -> ResponseReturnValue:
    """A rule said no; its own sentence is the headline."""
    db.session.rollback()
    return error_page(409, title=refusal.sentence)


def form_refused(refusal: FormRefused) -> ResponseReturnValue:
    """A form from elsewhere, or of another session; each kind says what it was."""
    db.session.rollback()
    return error_page(400, title=refusal.sentence, text=refusal.advice)


def http_error(error: HTTPException) -> ResponseReturnValue:
    """404 and its kin. Redirects Werkzeug raises pass through. A 500 is what failed after its view: the commit."""
    original = getattr(error, "original_exception", None)
    if original is not None:
        away = isinstance(original, OperationalError | PoolTimeout)
        return database_away(original) if away else broken(original)
    if error.code is None or error.code < 400:
        return error.get_response()
    db.session.rollback()
    if isinstance(error, TooOften):
        audit.limit_reached(db.session(), error.what, error.whose)
    if isinstance(error, Busy):
        give_all_back()
    body, status = error_page(error.code)
    headers = {}
    if error.code == 405 and getattr(error, "valid_methods", None):
        headers["Allow"] = ", ".join(error.valid_methods or ())  # type: ignore[attr-defined]
    if getattr(error, "retry_after", None):
        headers["Retry-After"] = str(error.retry_after)  # type: ignore[attr-defined]
    return body, status, headers


def database_away(error: Exception) -> ResponseReturnValue:
    """The database is gone, full or busy: an honest page made without it."""
    g._login_user = AnonymousUserMixin()
    db.session.rollback()
    current_app.logger.error("database away: %s", str(error).splitlines()[0], extra={"request_id": reference()})
    body, status = error_page(503)
    return body, status, {"Retry-After": "10"}


def nothing_changes(error: Exception) -> ResponseReturnValue:  # noqa: ARG001 - Flask's own signature
    """The database is a standby: pages that only read are served, changes are not."""
    db.session.rollback()
    body, status = error_page(503, title=NOTHING_CHANGES.title, text=NOTHING_CHANGES.text)
    return body, status, {"Retry-After": "30"}


def broken(error: Exception) -> ResponseReturnValue:
    """A defect of ours. The page tells nothing of it but the reference; the log tells all."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return database_away(error)
    if isinstance(error, DBAPIError) and isinstance(error.orig, ReadOnlySqlTransaction):
        return nothing_changes(error)
    if current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    db.session.rollback()
    current_app.logger.exception("request %s broke", reference(), exc_info=error)
    _log_row(error)
    return error_page(500)


def _log_row(error: Exception) -> None:
    try:
        audit.record(
            db.session(),
            "request.broke",
            f"{type(error).__name__} in {request.endpoint}",
            category="api",
            level="error",
        )
    except Exception:
        db.session.rollback()
        current_app.logger.exception("request %s could not be noted", reference())


def error_page(code: int, template: str = "errors/error.html", **words: object) -> tuple[str, int]:
    """The page for `code`; `words` override its title or text. A piece of a page gets a sentence whatever the template."""
    explanation = WORDS.get(code) or Words("That did not work.", "")
    try:
        signed_in = bool(current_user.is_authenticated)
    except SQLAlchemyError:
        g._login_user = AnonymousUserMixin()
        db.session.rollback()
        signed_in = False
    actions = (
        [("Go to the meetings", "/meetings")] if signed_in else [("Go to the front page", "/"), ("Sign in", "/sign-in")]
    )
    context = {
        "code": code,
        "title": explanation.title,
        "text": explanation.text,
        "reference": reference(),
        "actions": actions,
    }
    g.beside = wants_fragment()
    return render_template("errors/piece.html" if g.beside else template, **{**context, **words}), code
