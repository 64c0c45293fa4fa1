"""Pages of the second factor: at the sign-in, once more before what matters, and where it is set up."""

import io

import segno
from flask import Blueprint, Response, flash, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user
from sqlalchemy import text

from portal import audit, limits
from portal.access import ask_for_code, own_path, public, takes_proof
from portal.accounts import forms, lost_factor, second_factor
from portal.accounts.entering import HALF
from portal.accounts.member import NewSignIn, load, new_key
from portal.accounts.proof import password_fits
from portal.database import db, transactions
from portal.times import minutes
from portal.viewer import me, viewer
from portal.web import page

bp = Blueprint("second_factor", __name__)

STATE = text("select set_up_at, codes_left from auth.own_second_factor()")


@bp.get("/sign-in/code")
@public
def sign_in_code() -> ResponseReturnValue:
    """Password done, now the code. An admin who has no app yet is led to set one up."""
    target = own_path(request.args.get("next"), "/meetings")
    key = _waiting_key()
    if key is None:
        return redirect("/sign-in", 303)
    if second_factor.challenge_of(db.session(), key) is None:
        return _set_up_first() if current_user.is_authenticated else redirect("/sign-in", 303)
    return page("accounts/sign_in_code.html", form=forms.AppCodeForm(next=target))


@bp.post("/sign-in/code")
@public
def give_code() -> ResponseReturnValue:
    """The code that opens this sign-in, or makes it fresh."""
    key, form = _waiting_key(), forms.AppCodeForm()
    if key is None or second_factor.challenge_of(db.session(), key) is None:
        flash("That took too long. Sign in once more.", "note")
        return redirect("/sign-in", 303)
    fresh, wait = _taken(key, form) if form.validate() else (None, 0)
    if not fresh:
        return *page("accounts/sign_in_code.html", 429 if wait else 422, form=form), _later(wait)
    session.clear()
    login_user(NewSignIn(fresh))
    return redirect(own_path(form.next.data, "/meetings"), 303)


@bp.get("/keep-second-factor/<token>")
@public
def ask_to_keep(token: str) -> ResponseReturnValue:
    """The link of the mails about a second factor that is said to be lost: a page with one button."""
    return page("accounts/keep_second_factor.html", token=token)


@bp.post("/keep-second-factor/<token>")
@public
def keep_lost(token: str) -> ResponseReturnValue:
    """The button of that page."""
    limits.limit("keep-second-factor", allowed=30, seconds=900)
    kept = lost_factor.keep(db.session(), token)
    flash("Your second factor stays as it is." if kept else "This link has nothing to stop any more.", "note")
    return redirect("/sign-in", 303)


@takes_proof
def prove_again() -> ResponseReturnValue | None:
    """The code once more, with what was typed kept in the page; None when it fits, and the form goes on."""
    if second_factor.challenge_of(db.session(), current_user.key) is None:
        return _set_up_first()
    form, sent = forms.AppCodeForm(), "second_factor" in request.form
    fresh, wait = _taken(current_user.key, form) if sent and form.validate() else (None, 0)
    if fresh:
        transactions.keep(db.session())  # what was proved stays proved, whatever becomes of the form
        login_user(load(fresh))
        return None
    typed = [pair for pair in request.form.items(multi=True) if pair[0] not in ("csrf_token", "second_factor")]
    status = 429 if wait else 422 if sent else 403
    answer = page("accounts/prove_again.html", status, form=form, typed=typed, action=request.full_path)
    return *answer, _later(wait)


@bp.get("/account/second-factor")
def show() -> ResponseReturnValue:
    """Whether there is one, and what can be done about it."""
    return _page()


@bp.post("/account/second-factor")
def begin() -> ResponseReturnValue:
    """With the password, and a fresh code if there is a second factor: a new secret for an app to be shown."""
    if _needs_code():
        return ask_for_code()
    form = forms.OwnPasswordForm(prefix="begin")
    if not password_fits(form):
        return _page(422, begin_form=form)
    second_factor.begin(db.session())
    return redirect("/account/second-factor/set-up", 303)


@bp.get("/account/second-factor/set-up")
def set_up() -> ResponseReturnValue:
    """The picture for the app, and the place for its first code."""
    return _set_up_page(forms.AppCodeForm())


@bp.get("/account/second-factor/qr.svg")
def picture() -> ResponseReturnValue:
    """What the app photographs."""
    secret = second_factor.shown(db.session())
    if secret is None:
        return redirect("/account/second-factor", 303)
    svg = io.BytesIO()
    code = segno.make(second_factor.address_for_app(secret, current_user.email), error="m")
    code.save(svg, kind="svg", scale=5, light="#fff", svgclass=None, lineclass=None)
    return Response(svg.getvalue(), mimetype="image/svg+xml")


@bp.post("/account/second-factor/set-up")
def keep() -> ResponseReturnValue:
    """The app's first code: it is the second factor from now on."""
    form = forms.AppCodeForm()
    if form.validate():
        limits.limit("second-factor-set-up", allowed=10, seconds=900, whose=str(me()))
        this, fresh = current_user._get_current_object(), new_key()
        codes = second_factor.keep(db.session(), me(), this.email, form.second_factor.data, this.sign_in_id, fresh)
        if codes:
            this.key = fresh  # what opened with a password alone has another key from now on
            login_user(this)
            return _codes_page(codes)
        form.second_factor.errors = ["That code does not fit. Is the clock of your phone right? Try the next one."]
    return _set_up_page(form, 422)


@bp.post("/account/second-factor/recovery-codes")
def new_recovery_codes() -> ResponseReturnValue:
    """With the password and a fresh code: ten new ones, the old ones are void."""
    if _needs_code():
        return ask_for_code()
    form = forms.OwnPasswordForm(prefix="codes")
    if not password_fits(form):
        return _page(422, codes_form=form)
    if not _state():
        return redirect("/account/second-factor", 303)
    return _codes_page(second_factor.new_recovery_codes(db.session(), me(), current_user.email))


@bp.post("/account/second-factor/off")
def drop() -> ResponseReturnValue:
    """With the password and a fresh code: back to the password alone."""
    if _needs_code():
        return ask_for_code()
    form = forms.OwnPasswordForm(prefix="off")
    if not password_fits(form):
        return _page(422, off_form=form)
    second_factor.drop(db.session(), me(), current_user.email, current_user.is_admin)
    flash("The second factor is switched off.", "note")
    return redirect("/account/second-factor", 303)


def _waiting_key() -> str | None:
    return current_user.key if current_user.is_authenticated else session.get(HALF)


def _set_up_first() -> ResponseReturnValue:
    flash("Admins sign in with a second factor. Set it up here, then the restricted pages open.", "note")
    return redirect("/account/second-factor", 303)


def _needs_code() -> bool:
    """Whoever has the password alone does not get at the second factor by replacing it."""
    return not current_user.is_fresh and _state() is not None


def _later(wait: int) -> dict[str, str]:
    return {"Retry-After": str(wait)} if wait else {}


def _taken(key: str, form: forms.AppCodeForm) -> tuple[str | None, int]:
    """The key of the sign-in that the code opened, and the seconds to wait after too many tries."""
    challenge = second_factor.challenge_of(db.session(), key)
    whose = str(challenge.user_id) if challenge else key
    wait = limits.wait_for("second-factor", whose, 5, 900) or limits.wait_for("second-factor-day", whose, 20, 86_400)
    fresh = None if wait else second_factor.prove(db.session(), key, form.second_factor.data)
    if wait:
        audit.limit_reached(db.session(), "second-factor", whose)
        form.second_factor.errors = [f"That was a lot of tries. Wait {minutes(wait)}, then take a new code."]
    elif fresh is None:
        form.second_factor.errors = [
            "That code does not fit, or it was used already. After five tries there is a pause of 15 minutes."
        ]
    else:
        limits.give_back("second-factor", whose)
        limits.give_back("second-factor-day", whose)
    return fresh, wait


def _state() -> dict[str, object] | None:
    own = db.session.execute(STATE).one_or_none()
    if own is None or own.set_up_at is None:
        return None
    return {"since": viewer().short_day(own.set_up_at), "codes_left": own.codes_left}


def _page(status: int = 200, **with_errors: object) -> ResponseReturnValue:
    fresh = {f"{name}_form": forms.OwnPasswordForm(None, prefix=name) for name in ("begin", "codes", "off")}
    return page("accounts/second_factor.html", status, state=_state(), **{**fresh, **with_errors})


def _set_up_page(form: forms.AppCodeForm, status: int = 200) -> ResponseReturnValue:
    secret = second_factor.shown(db.session())
    if secret is None:
        return redirect("/account/second-factor", 303)
    return page("accounts/second_factor_set_up.html", status, form=form, secret=second_factor.in_groups(secret))


def _codes_page(codes: list[str]) -> ResponseReturnValue:
    return page("accounts/recovery_codes.html", codes=[second_factor.in_groups(code) for code in codes])
