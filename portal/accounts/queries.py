"""What somebody sees of their own account."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, column, func, select, table
from sqlalchemy.orm import Session

from portal import clock
from portal.accounts.models import SignIn, User

IDLE, OLDEST = timedelta(days=14), timedelta(days=90)
"""A sign-in not seen for so long, or opened so long ago, is over (the database says the same, in auth.whoami)."""

_rows = table("meeting_attendances", column("user_id"), column("outcome"))
_own = select(func.count()).where(_rows.c.user_id == bindparam("id"))
PROFILE = select(
    User.first_name, User.last_name, User.timezone, User.preferred_meeting_time,
    _own.where(_rows.c.outcome == "attended").label("came"),
    _own.where(_rows.c.outcome == "no_show").label("missed"),
).where(User.id == bindparam("id"))  # fmt: skip
"""Who they are, and to how many meetings they came, or had said yes and did not."""


def sign_ins(db: Session, user_id: UUID) -> Sequence[Any]:
    """Where somebody is signed in now, the latest first; fifty at most."""
    at = clock.now()
    return db.execute(
        select(SignIn.id, SignIn.device, SignIn.network, SignIn.created_at, SignIn.seen_at)
        .where(SignIn.user_id == user_id, SignIn.ended_at.is_(None), ~SignIn.waits)
        .where(SignIn.seen_at > at - IDLE, SignIn.created_at > at - OLDEST)
        .order_by(SignIn.seen_at.desc())
        .limit(50)
    ).all()
