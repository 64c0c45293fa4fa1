"""Which mails a person gets, and the address in each optional mail that switches its kind off."""

from flask import Blueprint, flash, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.access import public
from portal.accounts import queries
from portal.csrf import for_machines
from portal.database import db
from portal.errors import error_page
from portal.mail import choices
from portal.mail.kinds import CATEGORIES
from portal.notifications.digest import hour
from portal.notifications.forms import ChoicesForm
from portal.viewer import me
from portal.web import find, page

bp = Blueprint("notifications", __name__)


@bp.get("/account/mails")
def mails() -> ResponseReturnValue:
    """Every category of mail: who gets it, and what may be chosen."""
    return _mails_page(ChoicesForm.of(choices.of(db.session(), me())))


@bp.post("/account/mails")
def choose() -> ResponseReturnValue:
    """Keep what was chosen."""
    form = ChoicesForm()
    if not form.validate():
        return _mails_page(form, 422)
    choices.keep(db.session(), me(), form.choices())
    flash("Your choices are saved.", "note")
    return redirect("/account/mails", 303)


@bp.get("/unsubscribe/<token>")
@public
def ask_to_unsubscribe(token: str) -> ResponseReturnValue:
    """Opening the address switches nothing off: the page has a button for it."""
    return _unsubscribe_page(token)


@bp.post("/unsubscribe/<token>")
@public
@for_machines
def unsubscribe(token: str) -> ResponseReturnValue:
    """The button, or the mailbox provider's own (RFC 8058): proved by the signed address alone, whatever the body."""
    _ = (
        current_user.is_authenticated
    )  # the page shows who is signed in, and the database must know before its first answer
    which = choices.read_unsubscribe(token)
    if which is not None:
        choices.switch_off(db.session(), which)
    return _unsubscribe_page(token, done=True)


def _unsubscribe_page(token: str, *, done: bool = False) -> ResponseReturnValue:
    which = choices.read_unsubscribe(token)
    if which is None:
        return error_page(404)
    return page("notifications/unsubscribe.html", token=token, category=CATEGORIES[which.category], done=done)


def _mails_page(form: ChoicesForm, status: int = 200) -> ResponseReturnValue:
    profile = find(queries.PROFILE, id=me())
    always = [category for category in CATEGORIES.values() if not category.optional]
    return page(
        "notifications/mails.html",
        status,
        form=form,
        categories=CATEGORIES,
        always=always,
        profile=profile,
        digest_hour=f"{hour(profile.preferred_meeting_time):%H:%M}",
        unreachable=choices.UNREACHABLE.one_or_none(db.session()),
    )
