"""Two questions machines ask: does the process live, and can it serve."""

from datetime import timedelta

from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from portal import clock
from portal.access import public
from portal.config import ROOT
from portal.database import db

bp = Blueprint("operations", __name__)

STATE = text("select (select version_num from alembic_version), worker_heartbeat()")


def head() -> str:
    """The revision this code was written for."""
    return str(ScriptDirectory.from_config(Config(str(ROOT / "migrations" / "alembic.ini"))).get_current_head())


HEAD = head()


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return "alive\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Database, migrations and worker, a line each; 503 if one is not as it should be."""
    lines = state()
    body = "".join(f"{name}: {'ok' if ok else 'not ok'}, {words}\n" for name, ok, words in lines)
    ready = all(ok for _, ok, _ in lines)
    return body, 200 if ready else 503, {"Content-Type": "text/plain; charset=utf-8"}


def state() -> list[tuple[str, bool, str]]:
    """What serving needs: (name, whether it is so, in words)."""
    try:
        with db.engine.connect() as connection:
            version, heartbeat = connection.execute(STATE).one()
    except (DBAPIError, SQLAlchemyError):
        return [("database", False, "it does not answer")]
    alive = heartbeat is not None and clock.now() - heartbeat < timedelta(minutes=1)
    return [
        ("database", True, "it answers"),
        ("migrations", version == HEAD, f"at {version}, the code is at {HEAD}"),
        ("worker", alive, "it was heard within the last minute" if alive else "it has not been heard for a minute"),
    ]
