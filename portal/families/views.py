"""The family page and what is done on it: seats, people, the date everybody shares, leaving and handing over."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.database import db
from portal.families import actions, queries
from portal.families.forms import InviteForm, NameForm
from portal.families.models import FamilyPlan
from portal.forms import Form
from portal.problems import Refused
from portal.times import date_in_words
from portal.web import me, page, reader

bp = Blueprint("families", __name__, url_prefix="/family")


@bp.get("")
def show() -> ResponseReturnValue:
    """Who is in, who is invited, and until when."""
    return _family_page()


@bp.post("")
def rename() -> ResponseReturnValue:
    """Only the primary's form is there; anybody else's post finds nothing."""
    plan = _my_own()
    form = NameForm()
    if not form.validate():
        return _family_page(422, name_form=form)
    actions.rename(db.session(), plan.id, form.plan_name.data)
    return _back("Saved.")


@bp.post("/invitations")
def invite() -> ResponseReturnValue:
    """A seat is held, and a mail is on its way."""
    plan, form = _my_own(), InviteForm()
    if not form.validate():
        return _family_page(422, invite_form=form)
    try:
        actions.invite(db.session(), plan, _host(), form.email.data)
    except Refused as refusal:
        db.session.rollback()
        form.email.errors = [refusal.sentence]
        return _family_page(422, invite_form=form)
    return _back(f"An invitation is on its way to {form.email.data}. The seat is held for 14 days.")


@bp.post("/invitations/<uuid:membership_id>/again")
def send_again(membership_id: UUID) -> ResponseReturnValue:
    """A new mail with a new link."""
    address = actions.send_again(db.session(), _my_own(), _host(), membership_id) or abort(404)
    return _back(f"Another mail is on its way to {address}. The one before no longer works.")


@bp.post("/invitations/<uuid:membership_id>/withdraw")
def withdraw(membership_id: UUID) -> ResponseReturnValue:
    """The invitation opens nothing any more."""
    if not actions.take_back(db.session(), membership_id):
        abort(404)
    return _back("The invitation was taken back. The seat is free.")


@bp.post("/invitations/again")
def bring_back() -> ResponseReturnValue:
    """The same people as before the plan had ended."""
    count = actions.bring_back(db.session(), _my_own(), _host())
    return _back(f"{count} {'invitation is' if count == 1 else 'invitations are'} on the way.")


@bp.post("/people/<uuid:person_id>/remove")
def remove(person_id: UUID) -> ResponseReturnValue:
    """Out of the family, with ten seconds to think again; the page says so."""
    if actions.remove(db.session(), _my_own().id, person_id) is None:
        abort(404)
    return redirect("/family", 303)


@bp.post("/people/<uuid:membership_id>/back")
def undo(membership_id: UUID) -> ResponseReturnValue:
    """Within the ten seconds."""
    if not actions.undo(db.session(), membership_id):
        abort(404)
    return _back("Nothing was changed.")


@bp.get("/leave")
def leaving() -> ResponseReturnValue:
    """What leaving means, before it is done."""
    plan = _plan()
    if plan.primary_user_id == me():
        raise actions.PrimaryStays
    return page(
        "families/leave.html", name=plan.plan_name or "the family plan", own=actions.pays_alone(db.session())
    )


@bp.post("/leave")
def leave() -> ResponseReturnValue:
    """Out, from now on."""
    _plan()
    actions.leave(db.session())
    return _back("You left the family. The plan covers you no longer.")


@bp.post("/transfer")
def propose_transfer() -> ResponseReturnValue:
    """Ask somebody to take over."""
    try:
        person = UUID(request.form.get("person", ""))
    except ValueError:
        abort(422)
    if not actions.propose_transfer(db.session(), _my_own().id, person):
        abort(404)
    return _back("They have been asked. Nothing changes until they have paid.")


@bp.post("/transfer/off")
def end_transfer() -> ResponseReturnValue:
    """Taken back, or no."""
    if not actions.end_transfer(db.session(), _plan().id):
        abort(404)
    return _back("Everything stays as it was.")


@bp.get("/end")
def ending() -> ResponseReturnValue:
    """What an end means, before it is begun."""
    return page("families/end.html", plan=queries.Household(db.session(), _my_own(), me(), reader().now))


@bp.post("/end")
def end() -> ResponseReturnValue:
    """Everybody keeps the date that is paid, and is told."""
    until = actions.dissolve(db.session(), _my_own().id, me()) or abort(404)
    day = date_in_words(until.astimezone(reader().now.tzinfo).date())
    return _back(f"The plan ends on {day}. Everybody in it is told by mail.")


@bp.post("/sharing")
def share() -> ResponseReturnValue:
    """One's own switch."""
    actions.share_attendance(db.session(), me(), request.form.get("share") == "yes")
    return _back("Saved.")


@bp.post("/answering")
def let_answer() -> ResponseReturnValue:
    """One's own switch."""
    actions.let_answer(db.session(), me(), request.form.get("may") == "yes")
    return _back("Saved.")


def _back(said: str) -> ResponseReturnValue:
    flash(said, "note")
    return redirect("/family", 303)


def _plan() -> FamilyPlan:
    return queries.my_plan(db.session(), me()) or abort(404)


def _my_own() -> FamilyPlan:
    plan = _plan()
    return plan if plan.primary_user_id == me() else abort(404)


def _host() -> str:
    return str(current_user.first_name or current_user.display_name)


def _family_page(status: int = 200, **forms: Form) -> ResponseReturnValue:
    plan = queries.my_plan(db.session(), me())
    if plan is None:
        return page("families/show.html", status, plan=None)
    context: dict[str, Form] = {
        "name_form": NameForm(None, data={"plan_name": plan.plan_name}), "invite_form": InviteForm(None),
    }  # fmt: skip
    return page(
        "families/show.html",
        status,
        plan=queries.Household(db.session(), plan, me(), reader().now),
        **{**context, **forms},
    )
