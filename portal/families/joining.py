"""The way into a family by the link of a mail: a page with buttons, since opening a link decides nothing."""

from flask import Blueprint, current_app, flash, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from portal import limits
from portal.access import public
from portal.accounts import actions as accounts
from portal.accounts import devices, passwords
from portal.accounts.member import NewSignIn
from portal.database import db
from portal.errors import error_page
from portal.families import actions, queries
from portal.families.forms import AcceptForm, NewcomerForm
from portal.forms import Form
from portal.times import date_in_words
from portal.web import me, page, reader

bp = Blueprint("joining", __name__, url_prefix="/family/join/<token>")


@bp.before_request
def know_the_asker() -> None:
    """Visitors may come here too, so nobody has asked yet who it is; the database must know before its first answer."""
    _ = current_user.is_authenticated


@bp.get("")
@public
def show(token: str) -> ResponseReturnValue:
    """Who invites, into what, and the ways to answer."""
    return _invitation_page(token)


@bp.post("")
def accept(token: str) -> ResponseReturnValue:
    """Yes, with the account one is signed in with."""
    limits.limit("invitation", allowed=30, seconds=900)
    form = AcceptForm()
    if not form.validate():
        return _invitation_page(token, 422, accept_form=form)
    pays = actions.pays_alone(db.session()) is not None
    try:
        actions.accept(db.session(), token, form.own_plan.data if pays else "not_yet")
    except actions.Taken as taken:
        db.session.rollback()
        actions.tell_missed(db.session(), token)
        return error_page(409, title=taken.sentence)
    flash("You are in. Everything the plan covers is open to you.", "note")
    return redirect("/family", 303)


@bp.post("/account")
@public
def create_account(token: str) -> ResponseReturnValue:
    """Yes, with a new account on the invited address; the link came there, so the address is proven."""
    limits.limit("invitation", allowed=30, seconds=900)
    form = NewcomerForm()
    if not form.validate():
        return _invitation_page(token, 422, newcomer_form=form)
    given = accounts.Given(
        email="", first_name=form.first_name.data, last_name=form.last_name.data or None, timezone=form.timezone.data,
        password_hash=passwords.hashed(form.password.data),
    )  # fmt: skip
    person = actions.sign_up(db.session(), token, given, current_app.config["SETTINGS"].welcome_days)
    key = accounts.open_sign_in(db.session(), person, devices.describe(request), request.remote_addr or None)
    session.clear()
    login_user(NewSignIn(key or ""))
    flash("Your account is ready, and you are in the family.", "note")
    return redirect("/family", 303)


@bp.post("/decline")
@public
def decline(token: str) -> ResponseReturnValue:
    """No. The seat is free again."""
    limits.limit("invitation", allowed=30, seconds=900)
    actions.decline(db.session(), token)
    return page("families/declined.html")


def _invitation_page(token: str, status: int = 200, **forms: Form) -> ResponseReturnValue:
    found = queries.invitation(db.session(), token)
    if found is None or found.state != "invited":
        closed = actions.REFUSALS.get(found.state if found else "", actions.Gone)
        return page(
            "families/join_closed.html", 410, sentence=closed().sentence, mine=found and found.state == "active"
        )
    here = reader().now.tzinfo
    own = actions.pays_alone(db.session()) if current_user.is_authenticated else None
    plan = queries.my_plan(db.session(), me()) if current_user.is_authenticated else None
    return page(
        "families/join.html", status, token=token, invitation=found, in_a_family=plan is not None,
        until=date_in_words(found.until.astimezone(here).date()) if found.until else "",
        held_until=date_in_words(found.free_until.astimezone(here).date()),
        own_until=date_in_words(own.astimezone(here).date()) if own else "",
        other_address=current_user.is_authenticated and current_user.email.lower() != found.email.lower(),
        **{"accept_form": AcceptForm(None), "newcomer_form": NewcomerForm(None, timezone=reader().zone), **forms},
    )  # fmt: skip
