"""The way into a family by the link of a mail: a page with buttons, since opening a link decides nothing."""

from flask import Blueprint, flash, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal import limits
from portal.access import public
from portal.accounts import passwords
from portal.accounts.actions import Newcomer
from portal.accounts.entering import enter
from portal.accounts.forms import NewcomerForm
from portal.billing import is_free, provider
from portal.database import db
from portal.errors import error_page
from portal.families import joining, queries
from portal.families.forms import AcceptForm
from portal.families.refusals import REFUSALS, Gone, Taken
from portal.forms import Form
from portal.viewer import me, viewer
from portal.web import page

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
    pays = provider.is_connected() and joining.pays_alone(db.session()) is not None
    try:
        joining.accept(db.session(), token, form.own_plan.data if pays else "not_yet")
    except Taken as taken:
        db.session.rollback()
        joining.tell_missed(db.session(), token)
        return error_page(409, title=taken.sentence)
    limits.give_back("invitation")
    flash("You are in." if is_free() else "You are in. Everything the plan covers is open to you.", "note")
    return redirect("/family", 303)


@bp.post("/account")
@public
def create_account(token: str) -> ResponseReturnValue:
    """Yes, with a new account on the invited address; the link came there, so the address is proven."""
    if current_user.is_authenticated:  # has an account, and answers with it
        return redirect(f"/family/join/{token}", 303)
    limits.limit("invitation", allowed=30, seconds=900)
    form = NewcomerForm()
    if not form.validate():
        return _invitation_page(token, 422, newcomer_form=form)
    newcomer = Newcomer(
        email="", first_name=form.first_name.data, last_name=form.last_name.data or None, timezone=form.timezone.data
    )
    enter(joining.sign_up(db.session(), token, newcomer, passwords.hashed(form.password.data)))
    limits.give_back("invitation")
    flash("Your account is ready, and you are in the family.", "note")
    return redirect("/family", 303)


@bp.post("/decline")
@public
def decline(token: str) -> ResponseReturnValue:
    """No. The seat is free again."""
    limits.limit("invitation", allowed=30, seconds=900)
    joining.decline(db.session(), token)
    limits.give_back("invitation")
    return page("families/declined.html")


def _invitation_page(token: str, status: int = 200, **forms: Form) -> ResponseReturnValue:
    found = queries.invitation(db.session(), token)
    if found is None or found.state != "invited":
        closed = REFUSALS.get(found.state if found else "", Gone)
        return page(
            "families/join_closed.html", 410, sentence=closed().sentence, mine=found and found.state == "active"
        )
    day = viewer().day
    asks = current_user.is_authenticated and provider.is_connected()  # what is paid otherwise does not go on by itself
    own = joining.pays_alone(db.session()) if asks else None
    plan = queries.my_plan(db.session(), me()) if current_user.is_authenticated else None
    return page(
        "families/join.html",
        status,
        token=token,
        invitation=found,
        in_a_family=plan is not None,
        until=day(found.until),
        held_until=day(found.free_until),
        own_until=day(own),
        other_address=current_user.is_authenticated and current_user.email.lower() != found.email.lower(),
        **{"accept_form": AcceptForm(None), "newcomer_form": NewcomerForm(None, timezone=viewer().zone), **forms},
    )
