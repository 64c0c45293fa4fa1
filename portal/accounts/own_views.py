"""Pages of what is one's own: another address, a copy of one's data, closing the account."""

from flask import Blueprint, Response, flash, json, redirect, session
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from portal import limits
from portal.accounts import forms, own
from portal.accounts.second_factor_views import password_fits
from portal.database import db
from portal.web import me, page

bp = Blueprint("own", __name__, url_prefix="/account")


@bp.get("/address")
def address() -> ResponseReturnValue:
    """Where mails go, and the form for another address."""
    return _address_page()


@bp.post("/address")
def ask_address() -> ResponseReturnValue:
    """With the password: a code to the new address, whoever it belongs to; the same next page either way."""
    form = forms.AddressForm()
    if not form.validate() or not password_fits(form):
        return _address_page(422, form=form)
    limits.limit("address", allowed=5, seconds=3600, whose=str(me()))
    own.ask_address(db.session(), me(), current_user.first_name, form.email.data)
    session["address"] = form.email.data
    return redirect("/account/address/code", 303)


@bp.get("/address/code")
def address_code() -> ResponseReturnValue:
    """Look in your mail: the place for the typed code."""
    if "address" not in session:
        return redirect("/account/address", 303)
    return page("accounts/address_code.html", email=session["address"], form=forms.MailCodeForm())


@bp.post("/address/code")
def change_address() -> ResponseReturnValue:
    """Six digits from the new address."""
    form = forms.MailCodeForm()
    if form.validate():
        if own.change_address(db.session(), me(), form.code.data):
            session.pop("address", None)
            flash("Your address is changed. Both addresses are told.", "note")
            return redirect("/account", 303)
        form.code.errors = ["This code does not fit, or no longer. Look at the newest mail, or ask for another."]
    return page("accounts/address_code.html", 422, email=session.get("address", ""), form=form)


@bp.get("/data.json")
def data() -> ResponseReturnValue:
    """What the club keeps about oneself, to keep or to take elsewhere."""
    limits.limit("data", allowed=10, seconds=3600, whose=str(me()))
    body = json.dumps(own.everything(db.session()), indent=2, default=str, ensure_ascii=False)
    answer = Response(body, mimetype="application/json; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@bp.get("/close")
def closing() -> ResponseReturnValue:
    """What closing does, and the form for it."""
    return page("accounts/close.html", form=forms.OwnPasswordForm())


@bp.post("/close")
def close() -> ResponseReturnValue:
    """With the password: the end of the account, and of every sign-in."""
    form = forms.OwnPasswordForm()
    if not password_fits(form):
        return page("accounts/close.html", 422, form=form)
    own.close_account(db.session(), me(), current_user.email)
    logout_user()
    session.clear()
    flash("Your account is closed. Thank you for the evenings.", "note")
    answer = redirect("/", 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def _address_page(status: int = 200, form: forms.AddressForm | None = None) -> ResponseReturnValue:
    return page("accounts/address.html", status, form=form or forms.AddressForm())
