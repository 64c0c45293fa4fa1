"""The password once more, before something that matters."""

from portal import limits
from portal.accounts import actions
from portal.database import db
from portal.forms import Form
from portal.viewer import me


def password_fits(form: Form, name: str = "password") -> bool:
    """Whether the form is filled in and brings the current user's own password; told at the field, and counted."""
    if not form.validate():
        return False
    limits.limit("password", allowed=10, seconds=900, whose=str(me()))
    if actions.is_own_password(db.session(), form[name].data):
        return True
    form[name].errors = ["That is not your password."]
    return False
