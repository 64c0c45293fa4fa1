"""Pages for another address."""

from flask import Blueprint, flash, redirect, session
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal import limits
from portal.access import proved
from portal.accounts import address, forms
from portal.accounts.proof import password_fits
from portal.database import db
from portal.viewer import me
from portal.web import page

bp = Blueprint("address", __name__, url_prefix="/account/address")


@bp.get("")
@proved
def show() -> ResponseReturnValue:
    """Where mails go, and the form for another address."""
    return page("accounts/address.html", form=forms.AddressForm())


@bp.post("")
@proved
def ask() -> ResponseReturnValue:
    """With the password: a code to the new address, whoever it belongs to; the same next page either way."""
    form = forms.AddressForm()
    if not password_fits(form):
        return page("accounts/address.html", 422, form=form)
    limits.limit("address", allowed=5, seconds=3600, whose=str(me()))
    limits.limit("address-wanted", allowed=10, seconds=86_400, whose=form.email.data)
    address.ask_address(db.session(), me(), form.email.data)
    session["address"] = form.email.data
    return redirect("/account/address/code", 303)


@bp.get("/code")
def code() -> ResponseReturnValue:
    """Look in your mail: the place for the typed code."""
    if "address" not in session:
        return redirect("/account/address", 303)
    return page("accounts/address_code.html", email=session["address"], form=forms.MailCodeForm())


@bp.post("/code")
@proved
def change() -> ResponseReturnValue:
    """Six digits from the new address."""
    form = forms.MailCodeForm()
    was = current_user.email
    if form.validate():
        if address.change_address(db.session(), me(), form.code.data):
            confirmed = session.pop("address", "").lower() == was.lower()
            told = "Your address is confirmed." if confirmed else "Your address is changed. Both addresses are told."
            flash(told, "note")
            return redirect("/account", 303)
        form.code.errors = [forms.CODE_OPENS_NOTHING]
    return page("accounts/address_code.html", 422, email=session.get("address", ""), form=form)
