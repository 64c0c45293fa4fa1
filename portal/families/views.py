"""The family page and what is done on it: seats, people, the date everybody shares, leaving and handing over."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal import clock, limits
from portal.arguments import field_refusal, form_uuid
from portal.billing import is_free
from portal.billing.actions import start_family, take_family_over
from portal.database import db
from portal.families import actions, joining, leaving, queries, transfer
from portal.families.forms import InviteForm, NameForm
from portal.families.models import FamilyPlan
from portal.families.refusals import PrimaryStays
from portal.forms import Form
from portal.sentences import ngettext
from portal.times import number
from portal.viewer import me, viewer
from portal.web import page

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
    return _back(
        f"The family is called {form.plan_name.data} now." if form.plan_name.data else "The family has no name now."
    )


@bp.post("/start")
def start() -> ResponseReturnValue:
    """A family of the viewer's own, where nobody pays for one."""
    if not is_free():
        abort(404)
    start_family(db.session(), me())
    return _back("Your family is being started. Reload this page in a moment.")


@bp.post("/transfer/accept")
def accept_transfer() -> ResponseReturnValue:
    """Take the family over, where nobody pays for one; whether it was proposed to the viewer the worker asks again."""
    if not is_free():
        abort(404)
    plan = _plan()
    if plan.transfer_to != me():
        abort(404)
    take_family_over(db.session(), plan.id, me())
    return _back("The family is being handed over to you. Reload this page in a moment.")


@bp.post("/invitations")
def invite() -> ResponseReturnValue:
    """A seat is held, and a mail is on its way."""
    plan, form = _my_own(), InviteForm()
    if not form.validate():
        return _family_page(422, invite_form=form)
    with field_refusal(form.email):
        joining.invite(db.session(), plan, _host(), form.email.data)
    if form.errors:
        return _family_page(422, invite_form=form)
    return _back(f"An invitation is on its way to {form.email.data}. The seat is held for 14 days.")


@bp.post("/invitations/<uuid:membership_id>/again")
def send_again(membership_id: UUID) -> ResponseReturnValue:
    """A new mail with a new link."""
    address = joining.send_again(db.session(), _my_own(), _host(), membership_id) or abort(404)
    return _back(f"Another mail is on its way to {address}. The one before no longer works.")


@bp.post("/invitations/<uuid:membership_id>/withdraw")
def withdraw(membership_id: UUID) -> ResponseReturnValue:
    """The invitation opens nothing any more."""
    if not joining.take_back(db.session(), membership_id):
        abort(404)
    return _back("The invitation was withdrawn. The seat is free.")


@bp.post("/invitations/again")
def bring_back() -> ResponseReturnValue:
    """Invite the people again who were in the family until its plan ended."""
    count = joining.bring_back(db.session(), _my_own(), _host())
    return _back(ngettext("%(num)s invitation is on the way.", "%(num)s invitations are on the way.", count))


@bp.post("/people/<uuid:person_id>/remove")
def remove(person_id: UUID) -> ResponseReturnValue:
    """Out of the family. Whoever is removed is told at once; until the end of the day it can be taken back."""
    plan = _my_own()
    limits.limit("family-removal", allowed=20, seconds=86_400, whose=str(plan.id))  # each is a mail
    name = _name_of(person_id)
    if leaving.remove(db.session(), plan.id, person_id) is None:
        abort(404)
    return _back(
        f"{name} was removed from the family and is told by mail. You can take it back until the end of today."
    )


@bp.post("/people/<uuid:membership_id>/back")
def undo(membership_id: UUID) -> ResponseReturnValue:
    """Take a removal back, until the end of the same day."""
    name = next((r["name"] for r in _household(_my_own()).removed if r["id"] == membership_id), "Somebody")
    if not leaving.undo(db.session(), membership_id, viewer().now):
        abort(404)
    return _back(f"{name} has the seat again and is told by mail.")


@bp.get("/leave")
def ask_to_leave() -> ResponseReturnValue:
    """What leaving means, before it is done."""
    plan = _plan()
    if plan.primary_user_id == me():
        raise PrimaryStays
    own_until = joining.pays_alone(db.session())
    covered = own_until is not None and own_until > clock.now()
    return page("families/leave.html", name=plan.plan_name or "the family plan", own=covered)


@bp.post("/leave")
def leave() -> ResponseReturnValue:
    """Leave the family, from now on."""
    _plan()
    leaving.leave(db.session())
    return _back("You left the family." if is_free() else "You left the family. Its plan no longer covers you.")


@bp.post("/transfer")
def propose_transfer() -> ResponseReturnValue:
    """Propose the transfer of the family to a member."""
    plan = _my_own()
    limits.limit("family-transfer", allowed=5, seconds=86_400, whose=str(plan.id))  # each is two mails
    person = form_uuid("person")
    if not transfer.propose_transfer(db.session(), plan.id, person):
        abort(404)
    if is_free():
        return _back(f"{_name_of(person)} has been asked to take over. Nothing changes until they have said yes.")
    return _back(f"{_name_of(person)} has been asked to take over. Nothing changes until the first payment.")


@bp.post("/transfer/off")
def end_transfer() -> ResponseReturnValue:
    """Take the proposal back, or decline it."""
    if not transfer.end_transfer(db.session(), _plan().id):
        abort(404)
    return _back("Everything stays as it was.")


@bp.get("/end")
def ask_to_end() -> ResponseReturnValue:
    """What an end means, before it is begun."""
    return page("families/end.html", plan=_household(_my_own()))


@bp.post("/end")
def end() -> ResponseReturnValue:
    """Everybody keeps the date that is paid, and is told."""
    until = transfer.dissolve(db.session(), _my_own().id, me()) or abort(404)
    if until <= clock.now() and is_free():
        return _back("The family has ended. Everybody in it is told by mail.")
    return _back(f"The plan ends on {viewer().day(until)}. Everybody in it is told by mail.")


@bp.post("/sharing")
def share() -> ResponseReturnValue:
    """Whether the family may see one's own evenings."""
    share = request.form.get("share") == "yes"
    actions.share_attendance(db.session(), me(), share)
    return _back(
        "Your family can see your evenings now." if share else "Your family cannot see your evenings any more."
    )


@bp.post("/answering")
def let_answer() -> ResponseReturnValue:
    """Whether the family may answer for oneself."""
    may = request.form.get("may") == "yes"
    actions.let_answer(db.session(), me(), may)
    return _back("Your family may answer for you now." if may else "Only you answer for yourself now.")


def _back(notice: str) -> ResponseReturnValue:
    flash(notice, "note")
    return redirect("/family", 303)


def _plan() -> FamilyPlan:
    return queries.my_plan(db.session(), me()) or abort(404)


def _my_own() -> FamilyPlan:
    plan = _plan()
    return plan if plan.primary_user_id == me() else abort(404)


def _household(plan: FamilyPlan) -> queries.Household:
    return queries.Household(db.session(), plan, me(), viewer())


def _name_of(person_id: UUID) -> str:
    return next((p.name for p in _household(_my_own()).people if p.id == person_id), "Somebody")


def _host() -> str:
    return str(current_user.first_name or current_user.display_name)


def _family_page(status: int = 200, **forms: Form) -> ResponseReturnValue:
    plan = queries.my_plan(db.session(), me())
    if plan is None:
        return page("families/show.html", status, plan=None)
    context: dict[str, Form] = {
        "name_form": NameForm(None, data={"plan_name": plan.plan_name}),
        "invite_form": InviteForm(None),
    }
    return page("families/show.html", status, plan=_household(plan), number=number, **{**context, **forms})
