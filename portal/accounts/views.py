"""Pages in front of the door: signing up, signing in and out, a new password."""

from urllib.parse import urlencode

from flask import Blueprint, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from portal import audit, limits
from portal.access import own_path, public
from portal.accounts import actions, forms, passwords
from portal.accounts.entering import HALF, enter
from portal.arguments import query_arg
from portal.database import db
from portal.forms import address_in
from portal.times import minutes
from portal.viewer import viewer
from portal.web import page

bp = Blueprint("accounts", __name__)


@bp.get("/sign-up")
@public
def sign_up() -> ResponseReturnValue:
    """The form for a newcomer; the club's zone until the browser says otherwise. A plan chosen before is remembered."""
    if "plan" in request.args:
        session["wants_plan"] = query_arg("plan")
    return page("accounts/sign_up.html", form=forms.SignUpForm(timezone=viewer().zone))


@bp.post("/sign-up")
@public
def create_account() -> ResponseReturnValue:
    """One mail to the address, whoever it belongs to; the same next page either way."""
    limits.limit("sign-up", allowed=20, seconds=3600)
    form = forms.SignUpForm()
    if not form.validate():
        return page("accounts/sign_up.html", 422, form=form)
    limits.limit("sign-up-address", allowed=5, seconds=3600, whose=form.email.data)
    limits.limit("sign-up-address-day", allowed=20, seconds=86_400, whose=form.email.data)
    newcomer = actions.Newcomer(
        email=form.email.data,
        first_name=form.first_name.data,
        last_name=form.last_name.data or None,
        timezone=form.timezone.data,
    )
    session["sign_up"] = [newcomer.email, actions.sign_up(db.session(), newcomer)]
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
    """Address and six digits lead to where the link of the mail leads."""
    limits.limit("verify", allowed=30, seconds=900)
    form = forms.CodeForm()
    if form.validate():
        if token := actions.open_sign_up(db.session(), form.email.data, form.code.data):
            limits.give_back("verify")
            return redirect(f"/verify/{token}", 303)
        form.code.errors = [forms.CODE_OPENS_NOTHING]
    return page("accounts/check_mail.html", 422, email=form.email.data or "", form=form)


@bp.post("/verify/again")
@public
def verify_again() -> ResponseReturnValue:
    """Another mail for the sign-up this browser began."""
    limits.limit("verify-again", allowed=5, seconds=3600)
    if "sign_up" in session:
        email, old = session["sign_up"]
        limits.limit("verify-again-address", allowed=5, seconds=3600, whose=email)
        limits.limit("sign-up-address-day", allowed=20, seconds=86_400, whose=email)
        session["sign_up"] = [email, actions.sign_up_again(db.session(), email, old)]
    flash("If the address is new here, another mail is on its way. The one before no longer works.", "note")
    return redirect("/verify", 303)


@bp.get("/verify/<token>")
@public
def verify(token: str) -> ResponseReturnValue:
    """The page where the password is chosen: opening a link confirms nothing."""
    return _first_password_page(token, forms.FirstPasswordForm())


@bp.post("/verify/<token>")
@public
def verify_by_link(token: str) -> ResponseReturnValue:
    """The password is chosen, the address confirmed, and whoever did both is signed in."""
    limits.limit("verify", allowed=30, seconds=900)
    form, began = forms.FirstPasswordForm(), actions.sign_up_of(db.session(), token)
    form.known_names = (began.email, began.first_name, began.last_name) if began else ()
    if began is None or not form.validate():
        return _first_password_page(token, form, 422)
    user_id = actions.confirm(db.session(), token, passwords.hashed(form.password.data))
    if user_id is None:  # another press was faster
        return _first_password_page(token, form, 422)
    limits.give_back("verify")
    wanted = session.get("wants_plan")
    if not enter(user_id):  # suspended before it was confirmed; the sign-in says so
        return redirect("/sign-in", 303)
    flash("Welcome. Your address is confirmed, and you are signed in.", "note")
    return redirect(f"/plans?{urlencode({'plan': wanted})}" if wanted and _has_plans() else "/meetings", 303)


def _has_plans() -> bool:
    return bool(current_app.config["SETTINGS"].payment_way != "free")


def _first_password_page(token: str, form: forms.FirstPasswordForm, status: int = 200) -> ResponseReturnValue:
    began = actions.sign_up_of(db.session(), token)
    if began is None:
        return page("accounts/verify_closed.html", 410)
    return page("accounts/verify.html", status, token=token, email=began.email, form=form)


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
    if wait := _pause(form):
        return *page("accounts/sign_in.html", 429, form=form), {"Retry-After": str(wait)}
    known = actions.check_password(db.session(), address_in(form.email.data), form.password.data)
    if known and known.suspended:
        form.password.errors = [
            "This account is suspended, so nobody can sign in with it for now. Write to"
            f" {current_app.config['SETTINGS'].help_email} if that seems wrong to you."
        ]
        return page("accounts/sign_in.html", 422, form=form)
    if known is None or not enter(known.user_id):
        form.password.errors = [
            "That address and password do not match, or the address is not confirmed yet. After five tries there is a"
            " pause of 15 minutes."
        ]
        return page("accounts/sign_in.html", 422, form=form)
    limits.give_back("sign-in")
    limits.give_back("sign-in-account", address_in(form.email.data))
    return _go_on(own_path(form.next.data, "/meetings"))


def _pause(form: forms.SignInForm) -> int:
    """The seconds to wait after too many tries of this network or for this account; told at the field."""
    if wait := limits.wait_for("sign-in", limits.network(), 60, 900):
        form.password.errors = [f"There were many tries from your network. Wait {minutes(wait)}, then sign in again."]
    elif wait := limits.wait_for("sign-in-account", address_in(form.email.data), 5, 900):
        form.password.errors = [
            f"That was more than five tries. Wait {minutes(wait)}, or set a new password by mail; that works at once."
        ]
    if wait:
        audit.limit_reached(db.session(), "sign-in", form.email.data)
    return wait


def _go_on(target: str) -> ResponseReturnValue:
    """Where a sign-in leads; one that waits for its code leads to the page that takes it."""
    return redirect(url_for("second_factor.sign_in_code", next=target) if HALF in session else target, 303)


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
    email = form.email.data
    # Ten mails of five guesses at a code; but who asks from a network for the first time that day is not kept out by others.
    hour = limits.wait_for("reset-address", email, 5, 3600)
    day = limits.wait_for("reset-address-day", email, 10, 86_400)
    first = not limits.wait_for("reset-address-network", f"{email} {limits.network()}", 1, 86_400)
    if not (hour or day) or (first and not limits.wait_for("reset-address-firsts", email, 20, 86_400)):
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
        done = actions.reset(
            db.session(),
            form.password.data,
            email=form.email.data,
            code=form.code.data,
            factor_lost=form.factor_lost.data,
        )
        if done:
            return _new_password(done, form.email.data)
        form.code.errors = [forms.CODE_OPENS_NOTHING]
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
    done = actions.reset(db.session(), form.password.data, token=token, factor_lost=form.factor_lost.data)
    if done:
        return _new_password(done, session.get("reset"))
    flash("This link does not work any more. Ask for a new mail.", "note")
    return redirect("/reset", 303)


def _new_password(done: actions.Redeemed, email: str | None) -> ResponseReturnValue:
    limits.give_back("reset-code")
    if email and actions.is_of(db.session(), email, done.user_id):  # not the tries at somebody else's
        limits.forget("sign-in-account", email)
    session.pop("reset", None)
    flash("The new password is set, and every sign-in with the old one has ended. Sign in.", "note")
    if done.factor_ends:
        flash(
            "Your second factor is switched off in three days. Until then a sign-in still needs a code of it.", "note"
        )
    return redirect("/sign-in", 303)
