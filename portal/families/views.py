"""The family page: seats, people, the date everybody shares."""

from flask import Blueprint, abort, flash, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text

from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.database import db
from portal.families import actions
from portal.families.models import FamilyPlan
from portal.forms import Form, Line
from portal.times import date_in_words
from portal.web import me, page, reader

bp = Blueprint("families", __name__, url_prefix="/family")

PEOPLE = text("select * from family_people()")


class NameForm(Form):
    """What the family calls its plan."""

    plan_name = Line("Name of the plan", most=80, missing="Give the plan a name, like The Duarte family.")


@bp.get("")
def show() -> ResponseReturnValue:
    """Who is in, and until when."""
    return _family_page()


@bp.post("")
def rename() -> ResponseReturnValue:
    """Only the primary's form is there; anybody else's post finds nothing."""
    plan = _plan()
    if plan is None or plan.primary_user_id != me():
        abort(404)
    form = NameForm()
    if not form.validate():
        return _family_page(422, form=form)
    actions.rename(db.session(), plan.id, form.plan_name.data)
    flash("Saved.", "note")
    return redirect("/family", 303)


def _plan() -> FamilyPlan | None:
    mine = FamilyPlan.id == select(User.family_plan_id).where(User.id == me()).scalar_subquery()
    return db.session.scalar(select(FamilyPlan).where(FamilyPlan.is_active, mine))


def _family_page(status: int = 200, form: NameForm | None = None) -> ResponseReturnValue:
    plan = _plan()
    if plan is None:
        return page("families/show.html", status, plan=None)
    here = reader().now.tzinfo
    people = [
        {
            "name": display_name(p.first_name, p.last_name, p.email or "member@"), "email": p.email or "",
            "since": date_in_words(p.family_joined_at.astimezone(here)) if p.family_joined_at else "",
            "is_primary": p.family_role == "primary",
        }
        for p in db.session.execute(PEOPLE)
    ]  # fmt: skip
    until = plan.subscription_expiry
    return page(
        "families/show.html", status,
        plan={
            "name": plan.plan_name or "Your family", "seats": plan.max_members,
            "until": date_in_words(until.astimezone(here)) if until else "", "i_am_primary": plan.primary_user_id == me(),
        },
        people=people, free=plan.max_members - plan.current_members, form=form or NameForm(None, data={"plan_name": plan.plan_name}),
    )  # fmt: skip
