"""An admin's word on somebody's plan: it ends with what is paid, or renews after all. Stripe is told, and the payer by mail."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, flash, redirect
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import and_, bindparam, exists, func, select

from portal.access import admin
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.billing import actions, provider
from portal.billing.messages import Renewing
from portal.billing.models import Payer, Subscription
from portal.billing.ways import only
from portal.database import db
from portal.database.query import Query
from portal.forms import Form, Line
from portal.viewer import viewer
from portal.web import find, page

_WAITS = exists().where(
    and_(
        Payer.user_id == Subscription.user_id,
        Payer.asked_for == bindparam("wish"),
        func.coalesce(Payer.fetched_at, Payer.created_at) < Payer.asked_at,
    )
)
RENEWING = Query(
    Renewing,
    select(
        Subscription.user_id,
        Subscription.provider_subscription_id,
        Subscription.subscription_type,
        Subscription.billing_cycle,
        func.coalesce(Subscription.ends_at, Subscription.renews_at).label("until"),
        Subscription.ends_at.is_not(None).label("ends"),
        _WAITS.label("waits"),
        Subscription.failed_at.is_not(None).label("failed"),
        User.first_name,
        User.last_name,
        User.email,
        User.timezone,
    )
    .join(User, User.id == Subscription.user_id)
    .where(
        Subscription.live,
        Subscription.user_id == bindparam("person"),
        func.coalesce(Subscription.ends_at, Subscription.renews_at).is_not(None),
    ),
)


@dataclass(frozen=True)
class Change:
    """Whether the plan ends, and how pages say so of `{}`, on a day."""

    ends: bool
    title: str
    happens: str
    button: str
    kind: str
    done: str


CHANGES = {
    "end": Change(
        True,
        "End the plan of {}?",
        "It ends on {day}, which is paid for. Until then they keep everything, and so does whoever their plan covers; no"
        " further payment is taken. They can let it renew again. Money goes back only by a refund.",
        "End the plan",
        "bad",
        "The plan of {} ends on {day}. They are told by mail.",
    ),
    "renew": Change(
        False,
        "Let the plan of {} renew again?",
        "It does not end on {day}: the next payment is taken from their card on that day.",
        "Let it renew",
        "big",
        "The plan of {} renews on {day}. They are told by mail.",
    ),
}
"""The changes, keyed by the last segment of the URL."""
ENDS_NOW = Change(
    True,
    "End the plan of {} now?",
    "The payment that was due did not go through, so it ends at once, and so does what it covers. The payment is not tried"
    " again, and nothing is charged.",
    "End the plan now",
    "bad",
    "The plan of {} has ended. They are told by mail.",
)
"""What "end" is for a plan whose payment failed."""


class ReasonForm(Form):
    """The reason for a change of somebody's plan."""

    reason = Line(
        "Reason",
        most=200,
        missing="Say why, in a sentence.",
        description="It is kept in the log, and stands in the mail they get.",
    )


def add_to(bp: Blueprint) -> None:
    """Routes of this subject, where plans renew by themselves."""
    by_card, one = only("card"), "/people/<uuid:person_id>/money/plan/<renewal>"
    bp.add_url_rule(one, "ask_renewal", by_card(ask))
    bp.add_url_rule(one, "set_renewal", by_card(set_renewal), methods=["POST"])


def of(person_id: UUID) -> Renewing | None:
    """The plan that somebody pays for, if it charges or would."""
    return RENEWING.one_or_none(db.session(), person=person_id, wish="")


@admin
def ask(person_id: UUID, renewal: str) -> ResponseReturnValue:
    """What ending somebody's plan, or letting it renew, means, and the form for the reason."""
    row, becomes = _wanted(person_id, renewal)
    return _page(row, renewal, becomes, ReasonForm(None))


@admin
def set_renewal(person_id: UUID, renewal: str) -> ResponseReturnValue:
    """End somebody's plan with its paid period, or let it renew again; an unknown change is a 404."""
    row, becomes = _wanted(person_id, renewal)
    form = ReasonForm()
    if not form.validate():
        return _page(row, renewal, becomes, form, 422)
    if not row.waits:  # pressed twice, it is one change and one mail
        db.session.rollback()  # nothing is held while the provider is asked
        ended = False
        if becomes.ends:
            ended = provider.set_to_end(row.provider_subscription_id)
        else:
            provider.let_renew(row.provider_subscription_id)
        actions.note_renewal(db.session(), row, ends=becomes.ends, ended=ended, reason=form.reason.data)
        becomes = ENDS_NOW if ended else becomes
    flash(becomes.done.format(_name(row), day=viewer().day(row.until)), "note")
    return redirect(f"/admin/people/{person_id}/money", 303)


def _wanted(person_id: UUID, renewal: str) -> tuple[Renewing, Change]:
    """Somebody's plan and what it is to become; 404 if it is that already, or the change is unknown."""
    becomes = CHANGES.get(renewal) or abort(404)
    row = find(RENEWING, person=person_id, wish=renewal)
    if row.ends is becomes.ends:
        abort(404)
    return row, ENDS_NOW if becomes.ends and row.failed else becomes


def _name(row: Renewing) -> str:
    return display_name(row.first_name, row.last_name, row.email)


def _page(row: Renewing, renewal: str, becomes: Change, form: ReasonForm, status: int = 200) -> ResponseReturnValue:
    return page(
        "admin/renewal.html",
        status,
        person_id=row.user_id,
        name=_name(row),
        email=row.email,
        title=becomes.title,
        heading=Markup(becomes.title.replace("{}", "<bdi>{}</bdi>")).format(_name(row)),  # noqa: S704 - a name is escaped
        happens=becomes.happens.format(day=viewer().day(row.until)),
        renewal=renewal,
        becomes=becomes,
        form=form,
    )
