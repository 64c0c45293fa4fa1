"""A browser comes in: it gets a key of its own, and what it held before is over."""

from uuid import UUID

from flask import request, session
from flask_login import login_user

from portal import limits
from portal.accounts import actions, devices, second_factor
from portal.accounts.member import NewSignIn
from portal.database import db

HALF = "half"
"""Where a session keeps the key of a sign-in that waits for its code; it opens the page that takes it, and no other."""


def enter(user_id: UUID) -> bool:
    """Sign this browser in, as far as a password goes: with a second factor it waits for the code. False: it may not."""
    before = session.get("_user_id") or session.get(HALF)
    key = actions.open_sign_in(db.session(), user_id, devices.describe(request), limits.origin(), in_place_of=before)
    if key is None:
        return False
    session.clear()
    if second_factor.challenge_of(db.session(), key):
        session[HALF] = key
    else:
        login_user(NewSignIn(key))
    return True
