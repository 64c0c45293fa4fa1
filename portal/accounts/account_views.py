"""The account page: who you are, where you are signed in, and whether the door opens for you."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.access import proved
from portal.accounts import actions, forms, queries
from portal.accounts.proof import password_fits
from portal.database import db
from portal.mail.choices import UNREACHABLE
from portal.sentences import ngettext
from portal.times import ago, since
from portal.viewer import me, viewer
from portal.web import find, page

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("")
def account() -> ResponseReturnValue:
    """Names, zone, password, sign-ins, and whether the door is open."""
    return _account_page()


@bp.post("/profile")
def change_profile() -> ResponseReturnValue:
    """Names, zone and preferred hour."""
    form = forms.ProfileForm()
    if not form.validate():
        return _account_page(422, profile_form=form)
    actions.change_profile(
        db.session(),
        me(),
        form.first_name.data,
        form.last_name.data or None,
        form.timezone.data,
        form.preferred_meeting_time.data,
    )
    flash("Your profile is saved.", "note")
    return redirect("/account", 303)


@bp.post("/password")
@proved
def change_password() -> ResponseReturnValue:
    """A new password, with the old one; every other sign-in ends."""
    form = forms.PasswordForm()
    if not password_fits(form, "old_password"):
        return _account_page(422, password_form=form)
    actions.change_password(db.session(), me(), current_user.email, form.password.data, keep=current_user.sign_in_id)
    flash("Your password is changed, and you are told by mail. Every other sign-in of yours has ended.", "note")
    return redirect("/account", 303)


@bp.post("/sign-ins/<uuid:sign_in_id>/end")
def end_sign_in(sign_in_id: UUID) -> ResponseReturnValue:
    """End one of one's own sign-ins."""
    if not actions.end_sign_in(db.session(), sign_in_id):
        abort(404)
    flash("That sign-in has ended.", "note")
    return redirect("/account#sign-ins", 303)


@bp.post("/sign-ins/end-others")
def end_others() -> ResponseReturnValue:
    """End every sign-in but this one."""
    actions.end_others(db.session(), current_user.sign_in_id)
    flash("Every other sign-in has ended.", "note")
    return redirect("/account#sign-ins", 303)


def _account_page(status: int = 200, **with_errors: object) -> ResponseReturnValue:
    profile = find(queries.PROFILE, id=me())
    context: dict[str, object] = {
        "profile_form": forms.ProfileForm(None, data=profile._asdict()),
        "password_form": forms.PasswordForm(None),
        "sign_ins": [_line(row) for row in queries.sign_ins(db.session(), me())],
        "looks": [_look(row) for row in queries.LOOKED_AT_ME.all(db.session())],
        "engagement": _engagement(profile.came, profile.missed),
        "unreachable": UNREACHABLE.one_or_none(db.session()),
    }
    return page("accounts/account.html", status, **{**context, **with_errors})


def _line(row: queries.SignInRow) -> dict[str, object]:
    now = viewer().now
    return {
        "id": row.id,
        "device": row.device,
        "network": str(row.network or "this machine"),
        "when": f"since {since(row.created_at, now).removeprefix('on ')}",
        "seen": ago(row.seen_at, now),
        "is_this": row.id == current_user.sign_in_id,
    }


def _look(row: queries.Look) -> tuple[str, str]:
    """What an admin looked at, and when."""
    what = "{who} read a mail to you" if row.operation == "mail.opened" else "{who} opened your page"
    return what.format(who=row.first_name or "An admin"), since(row.looked_at, viewer().now)


def _engagement(came: int, missed: int) -> str:
    """How often they were there, of the meetings they had said yes to."""
    if not came + missed:
        return "You have not been to a meeting yet."
    return ngettext(
        "You came to %(came)s of the %(num)s meeting you had said yes to.",
        "You came to %(came)s of the %(num)s meetings you had said yes to.",
        came + missed,
        came=came,
    )
