"""What somebody sees of their own account."""

from datetime import datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, column, func, select, table, text
from sqlalchemy.orm import Session

from portal import clock
from portal.accounts.models import SignIn, User
from portal.database.query import Query

IDLE, OLDEST = timedelta(days=14), timedelta(days=90)
"""A sign-in not seen for so long, or opened so long ago, is over (the database says the same, in auth.whoami)."""

_rows = table("meeting_attendances", column("user_id"), column("outcome"))
_own = select(func.count()).where(_rows.c.user_id == bindparam("id"))


class Name(NamedTuple):
    """What `display_name` makes a name of."""

    first_name: str | None
    last_name: str | None
    email: str


class Profile(NamedTuple):
    """Who somebody is, and to how many meetings they came, or had said yes and did not."""

    first_name: str | None
    last_name: str | None
    timezone: str
    preferred_meeting_time: time | None
    came: int
    missed: int


class Look(NamedTuple):
    """An admin opened a page about somebody, or read a mail to them (`operation`); no name if their account is gone."""

    looked_at: datetime
    operation: str
    first_name: str | None


class SignInRow(NamedTuple):
    """Where somebody is signed in."""

    id: UUID
    device: str | None
    network: object
    created_at: datetime
    seen_at: datetime


NAME = Query(Name, select(User.first_name, User.last_name, User.email).where(User.id == bindparam("person")))
PROFILE = Query(
    Profile,
    select(
        User.first_name,
        User.last_name,
        User.timezone,
        User.preferred_meeting_time,
        _own.where(_rows.c.outcome == "attended").label("came"),
        _own.where(_rows.c.outcome == "no_show").label("missed"),
    ).where(User.id == bindparam("id")),
)
LOOKED_AT_ME = Query(Look, text("select looked_at, operation, first_name from looked_at_me()"))


SIGN_INS = Query(
    SignInRow,
    select(SignIn.id, SignIn.device, SignIn.network, SignIn.created_at, SignIn.seen_at)
    .where(SignIn.user_id == bindparam("id"), SignIn.ended_at.is_(None), ~SignIn.waits)
    .where(SignIn.seen_at > bindparam("idle"), SignIn.created_at > bindparam("oldest"))
    .order_by(SignIn.seen_at.desc())
    .limit(50),
)


def sign_ins(db: Session, user_id: UUID) -> list[SignInRow]:
    """Where somebody is signed in now, the latest first; fifty at most."""
    at = clock.now()
    return SIGN_INS.all(db, id=user_id, idle=at - IDLE, oldest=at - OLDEST)
