"""Taking one's data along, and closing the account."""

from flask import Blueprint, Response, flash, json, redirect, session
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from portal import limits
from portal.access import proved
from portal.accounts import closing, copy, forms
from portal.accounts.proof import password_fits
from portal.database import db
from portal.problems import Refused
from portal.viewer import me
from portal.web import page

bp = Blueprint("closing", __name__, url_prefix="/account")


@bp.get("/data.json")
def data() -> ResponseReturnValue:
    """What the club keeps about oneself, to keep or to take elsewhere."""
    limits.limit("data", allowed=10, seconds=3600, whose=str(me()))
    body = json.dumps(copy.everything(db.session()), indent=2, default=str, ensure_ascii=False)
    answer = Response(body, mimetype="application/json; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@bp.get("/close")
@proved
def show() -> ResponseReturnValue:
    """What closing does, and the form for it."""
    return page("accounts/close.html", form=forms.OwnPasswordForm())


@bp.post("/close")
@proved
def close() -> ResponseReturnValue:
    """With the password: the end of the account, and of every sign-in."""
    form = forms.OwnPasswordForm()
    if not password_fits(form):
        return page("accounts/close.html", 422, form=form)
    try:
        closing.close_account(db.session(), me(), current_user.email)
    except Refused as refusal:
        db.session.rollback()
        form.form_errors = [refusal.sentence]
        return page("accounts/close.html", 409, form=form)
    logout_user()
    session.clear()
    flash("Your account is closed. Thank you for the evenings.", "note")
    answer = redirect("/", 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer
