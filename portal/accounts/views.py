"""Pages of an account: in front of the door, and behind it."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user
from sqlalchemy import select

from portal import audit, clock, limits
from portal.access import own_path, public
from portal.accounts import actions, devices, forms, passwords, second_factor
from portal.accounts.member import NewSignIn
from portal.accounts.models import SignIn, User
from portal.database import db
from portal.times import ago, date_in_words, since
from portal.web import find, me, page, reader

bp = Blueprint("accounts", __name__)


@bp.get("/sign-up")
@public
def sign_up() -> ResponseReturnValue:
    """The form for a newcomer; the club's zone until the browser says otherwise. A plan chosen before is remembered."""
    if "plan" in request.args:
        session["wants_plan"] = True
    return page("accounts/sign_up.html", form=forms.SignUpForm(timezone=reader().zone))


@bp.post("/sign-up")
@public
def create_account() -> ResponseReturnValue:
    """One mail to the address, whoever it belongs to; the same next page either way."""
    limits.limit("sign-up", allowed=20, seconds=3600)
    form = forms.SignUpForm()
    if not form.validate():
        return page("accounts/sign_up.html", 422, form=form)
    limits.limit("sign-up-address", allowed=5, seconds=3600, whose=form.email.data)
    given = actions.Given(
        email=form.email.data, first_name=form.first_name.data, last_name=form.last_name.data or None,
        timezone=form.timezone.data, password_hash=passwords.hashed(form.password.data),
    )  # fmt: skip
    session["sign_up"] = [given.email, actions.sign_up(db.session(), given)]
    return redirect("/verify", 303)


@bp.get("/verify")
@public
def check_mail() -> ResponseReturnValue:
    """Look in your mail: the place for the typed code."""
    if "sign_up" not in session:
        return redirect("/sign-up", 303)
    return page("accounts/check_mail.html", email=session["sign_up"][0], form=forms.CodeForm())


@bp.post("/verify")
@public
def verify_by_code() -> ResponseReturnValue:
    """Address and six digits."""
    limits.limit("verify", allowed=30, seconds=900)
    form = forms.CodeForm()
    if form.validate():
        if actions.confirm(db.session(), email=form.email.data, code=form.code.data):
            return _confirmed()
        form.code.errors = ["This code does not fit, or no longer. Look at the newest mail, or ask for another."]
    return page("accounts/check_mail.html", 422, email=form.email.data or "", form=form)


@bp.post("/verify/again")
@public
def verify_again() -> ResponseReturnValue:
    """Another mail for the sign-up this browser began."""
    limits.limit("verify-again", allowed=5, seconds=3600)
    if "sign_up" in session:
        email, old = session["sign_up"]
        session["sign_up"] = [email, actions.sign_up_again(db.session(), email, old)]
    flash("If the address is new here, another mail is on its way. The one before no longer works.", "note")
    return redirect("/verify", 303)


@bp.get("/verify/<token>")
@public
def verify(token: str) -> ResponseReturnValue:
    """A page with one button: opening a link confirms nothing."""
    return page("accounts/verify.html", token=token)


@bp.post("/verify/<token>")
@public
def verify_by_link(token: str) -> ResponseReturnValue:
    """The button of that page."""
    limits.limit("verify", allowed=30, seconds=900)
    if actions.confirm(db.session(), token=token):
        return _confirmed()
    flash("This link does not work any more. If your address is not confirmed yet, sign up again.", "note")
    return redirect("/sign-in", 303)


@bp.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """Address and password; who is signed in already goes on."""
    target = own_path(request.args.get("next"), "/meetings")
    if current_user.is_authenticated:
        return redirect(target, 303)
    return page("accounts/sign_in.html", form=forms.SignInForm(next=target))


@bp.post("/sign-in")
@public
def open_sign_in() -> ResponseReturnValue:
    """A new sign-in of its own, whatever this browser was before."""
    form = forms.SignInForm()
    if not form.validate():
        return page("accounts/sign_in.html", 422, form=form)
    wait = limits.wait_for("sign-in", limits.network(), 60, 900) or limits.wait_for(
        "sign-in-account", form.email.data, 5, 900
    )
    if wait:
        audit.limit_reached(db.session(), "sign-in", form.email.data)
        form.password.errors = [
            f"That was the fifth try. Wait {-(-wait // 60)} minutes, or set a new password by mail; that works at once."
        ]
        return *page("accounts/sign_in.html", 429, form=form), {"Retry-After": str(wait)}
    user_id = actions.check_password(db.session(), form.email.data, form.password.data)
    key = user_id and actions.open_sign_in(
        db.session(), user_id, devices.describe(request), request.remote_addr or None
    )
    if not key:
        form.password.errors = [
            "That address and password do not match. After five tries there is a pause of 15 minutes."
        ]
        return page("accounts/sign_in.html", 422, form=form)
    limits.forget("sign-in-account", form.email.data)
    session.clear()
    target = own_path(form.next.data, "/meetings")
    if second_factor.asked_of(db.session(), key):
        session["half"] = key  # opens one page only: the one that takes the code
        return redirect(url_for("second_factor.sign_in_code", next=target), 303)
    login_user(NewSignIn(key))
    return redirect(target, 303)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this sign-in, here and in the database, and let the browser forget."""
    actions.end_sign_in(db.session(), current_user.sign_in_id)
    logout_user()
    session.clear()
    flash("You are signed out.", "note")
    answer = redirect("/sign-in", 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@bp.get("/reset")
@public
def ask_reset() -> ResponseReturnValue:
    """Where to send the mail for a new password."""
    return page("accounts/reset_ask.html", form=forms.EmailForm())


@bp.post("/reset")
@public
def send_reset() -> ResponseReturnValue:
    """The same page whether or not the address has an account."""
    limits.limit("reset", allowed=20, seconds=3600)
    form = forms.EmailForm()
    if not form.validate():
        return page("accounts/reset_ask.html", 422, form=form)
    hour = limits.wait_for("reset-address", form.email.data, 5, 3600)
    day = limits.wait_for("reset-address-day", form.email.data, 10, 86_400)  # ten mails of five guesses at a code
    if not hour and not day:
        actions.ask_reset(db.session(), form.email.data)
    session["reset"] = form.email.data
    return redirect("/reset/code", 303)


@bp.get("/reset/code")
@public
def reset_code() -> ResponseReturnValue:
    """Look in your mail: the place for the typed code and the new password."""
    if "reset" not in session:
        return redirect("/reset", 303)
    return page("accounts/reset_code.html", email=session["reset"], form=forms.ResetCodeForm())


@bp.post("/reset/code")
@public
def reset_by_code() -> ResponseReturnValue:
    """Address, six digits and a new password."""
    limits.limit("reset-code", allowed=30, seconds=900)
    form = forms.ResetCodeForm()
    if form.validate():
        if actions.reset(db.session(), form.password.data, email=form.email.data, code=form.code.data):
            return _new_password(form.email.data)
        form.code.errors = ["This code does not fit, or no longer. Look at the newest mail, or ask for another."]
    return page("accounts/reset_code.html", 422, email=form.email.data or "", form=form)


@bp.get("/reset/<token>")
@public
def reset(token: str) -> ResponseReturnValue:
    """The form a mailed link leads to."""
    return page("accounts/reset.html", token=token, form=forms.ResetForm())


@bp.post("/reset/<token>")
@public
def reset_by_link(token: str) -> ResponseReturnValue:
    """A new password by that form."""
    limits.limit("reset-code", allowed=30, seconds=900)
    form = forms.ResetForm()
    if not form.validate():
        return page("accounts/reset.html", 422, token=token, form=form)
    if actions.reset(db.session(), form.password.data, token=token):
        return _new_password(session.get("reset"))
    flash("This link does not work any more. Ask for a new mail.", "note")
    return redirect("/reset", 303)


@bp.get("/account")
def account() -> ResponseReturnValue:
    """Names, zone, password, sign-ins, and whether the door is open."""
    return _account_page()


@bp.post("/account/profile")
def change_profile() -> ResponseReturnValue:
    """Names, zone and preferred hour."""
    form = forms.ProfileForm()
    if not form.validate():
        return _account_page(422, profile_form=form)
    actions.change_profile(
        db.session(), me(), form.first_name.data, form.last_name.data or None, form.timezone.data,
        form.preferred_meeting_time.data,
    )  # fmt: skip
    flash("Saved.", "note")
    return redirect("/account", 303)


@bp.post("/account/password")
def change_password() -> ResponseReturnValue:
    """A new password, with the old one; every other sign-in ends."""
    form = forms.PasswordForm()
    if not form.validate():
        return _account_page(422, password_form=form)
    limits.limit("password", allowed=10, seconds=900, whose=str(me()))
    try:
        actions.change_password(db.session(), form.old_password.data, form.password.data, current_user.sign_in_id)
    except actions.WrongPassword as wrong:
        form.old_password.errors = [wrong.sentence]
        return _account_page(422, password_form=form)
    flash("The password is changed. Every other sign-in has ended.", "note")
    return redirect("/account", 303)


@bp.post("/account/sign-ins/<uuid:sign_in_id>/end")
def end_sign_in(sign_in_id: UUID) -> ResponseReturnValue:
    """End one of one's own sign-ins."""
    if not actions.end_sign_in(db.session(), sign_in_id):
        abort(404)
    flash("That sign-in has ended.", "note")
    return redirect("/account#sign-ins", 303)


@bp.post("/account/sign-ins/end-others")
def end_others() -> ResponseReturnValue:
    """End every sign-in but this one."""
    actions.end_others(db.session(), current_user.sign_in_id)
    flash("Every other sign-in has ended.", "note")
    return redirect("/account#sign-ins", 303)


def _account_page(status: int = 200, **with_errors: object) -> ResponseReturnValue:
    user = find(
        select(User.first_name, User.last_name, User.timezone, User.preferred_meeting_time).where(User.id == me())
    )
    now = reader().now
    rows = db.session.execute(
        select(SignIn.id, SignIn.device, SignIn.network, SignIn.created_at, SignIn.seen_at)
        .where(
            SignIn.user_id == me(),
            SignIn.ended_at.is_(None),
            ~SignIn.waits,
            SignIn.seen_at > clock.now() - actions.IDLE,
        )
        .order_by(SignIn.seen_at.desc())
        .limit(50)
    )
    sign_ins = [
        {
            "id": row.id, "device": row.device, "network": str(row.network or "this machine"),
            "when": f"since {since(row.created_at, now).removeprefix('on ')}", "seen": ago(row.seen_at, now),
            "is_this": row.id == current_user.sign_in_id,
        }
        for row in rows
    ]  # fmt: skip
    until = current_user.access_until if current_user.in_grace else current_user.paid_until or current_user.access_until
    access = (
        f"Yes, until {date_in_words(until.astimezone(now.tzinfo))}." if until and current_user.entitled
        else f"Your access ended on {date_in_words(until.astimezone(now.tzinfo))}." if until
        else "No plan at the moment."
    )  # fmt: skip
    context: dict[str, object] = {
        "profile_form": forms.ProfileForm(None, data=dict(user._mapping)), "password_form": forms.PasswordForm(None),
        "sign_ins": sign_ins, "access": access,
    }  # fmt: skip
    return page("accounts/account.html", status, **{**context, **with_errors})


def _confirmed() -> ResponseReturnValue:
    session.pop("sign_up", None)
    flash("Your address is confirmed. Sign in, and the club is open to you.", "note")
    return redirect("/sign-in?next=/plans" if session.pop("wants_plan", None) else "/sign-in", 303)


def _new_password(email: str | None) -> ResponseReturnValue:
    if email:
        limits.forget("sign-in-account", email)
    session.pop("reset", None)
    flash("The new password is set, and every sign-in with the old one has ended. Sign in.", "note")
    return redirect("/sign-in", 303)
