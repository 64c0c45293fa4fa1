"""Three questions machines ask: does the process live, can it serve, and is the whole club well."""

from typing import NamedTuple

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from portal.access import public
from portal.config import VERSION
from portal.database import db
from portal.database.driver import Statement
from portal.database.identity import apart
from portal.operations.revision import serves
from portal.web import page

bp = Blueprint("operations", __name__)

# The worker's heartbeat is in real time; the demo's clock may be ahead of it.


class State(NamedTuple):
    """The revision the tables have, and whether somebody does the jobs."""

    version: str
    worker: bool


STATE = Statement(
    b"""
select (select version_num from alembic_version) as version,
       coalesce(worker_heartbeat() > now() - interval '1 minute', false) as worker
""",
    State,
)


class Line(NamedTuple):
    """A part of the club, whether it is as it should be, and how it is in words."""

    name: str
    well: bool
    words: str


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return f"alive, version {VERSION}\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Whether this process can serve pages: a balancer takes it out at 503. The worker has no part in that."""
    lines = [line for line in state() if line.name != "worker"]
    body = "".join(f"{line.name}: {'ok' if line.well else 'not ok'}, {line.words}\n" for line in lines)
    return body, 200 if all(line.well for line in lines) else 503, {"Content-Type": "text/plain; charset=utf-8"}


@bp.get("/status")
@public
def status() -> ResponseReturnValue:
    """Whether the whole club is well, for people: what `readyz` asks, and somebody who does the jobs; 503 if not."""
    lines = state()
    return page("public/status.html", 200 if all(line.well for line in lines) else 503, lines=lines)


def state() -> list[Line]:
    """How database, tables and worker are."""
    try:
        (now,) = apart(db.session(), STATE)
    except SQLAlchemyError:
        return [Line("database", False, "it does not answer")]
    fits = serves(now.version)
    return [
        Line("database", True, "it answers"),
        Line("database schema", fits, "up to date" if fits else "not the one of this version"),
        Line(
            "worker",
            now.worker,
            "last heard from within a minute" if now.worker else "not heard from for over a minute",
        ),
    ]
