"""Where a transaction ends. The frames commit: at the end of a request (`portal.web.finish`), and here at that of a job, a
command, a stream's question. What has to be kept before that end is one of the named cases below; nothing else commits.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from flask import Flask
from sqlalchemy.orm import Session

from portal.database import db
from portal.database.identity import Browser, Role, act_as, opened

Thing = TypeVar("Thing")


@contextmanager
def transaction(app: Flask, actor: Role | Browser) -> Iterator[Session]:
    """One transaction in somebody's name: committed at the end, rolled back if anything is raised.

    It begins at once, so that what the settings say of the club is true from its first line on.
    """
    with app.app_context():
        act_as(db.session(), actor)
        opened(db.session())
        yield db.session()
        db.session.commit()


def each(session: Session, things: Iterable[Thing]) -> Iterator[Thing]:
    """One thing of a long list after the other, what was done for each kept before the next: so nobody's rows are held
    until all are done, and a job that is stopped goes on where it was.
    """
    for thing in things:
        yield thing
        _keep(session)


def in_batches(session: Session, step: Callable[[], int]) -> int:
    """Do `step` until it changes nothing more, every batch kept before the next. `step` tells how many rows it changed; how
    many these were together.
    """
    together = 0
    while changed := step():
        _keep(session)
        together += changed
    return together


def let_go(session: Session) -> None:
    """Keep what was done and hold nothing, before somebody outside is asked or something takes long."""
    _keep(session)


def keep(session: Session) -> None:
    """What was done until now stays, whatever becomes of the rest."""
    _keep(session)


@contextmanager
def taken_back(session: Session) -> Iterator[None]:
    """Do something and take all of it back: what it would keep on its way only it can see, and at the end it is gone.

    Whatever it locks it holds until then. Not for what asks or tells somebody outside, who cannot be taken back.
    """
    session.info["taken_back"] = True
    try:
        yield
    finally:
        del session.info["taken_back"]
        session.rollback()


def _keep(session: Session) -> None:
    if session.info.get("taken_back"):
        session.flush()
        session.expire_all()  # as after a commit
    else:
        session.commit()
