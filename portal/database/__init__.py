"""The floor everything stands on: the engine and session, the columns' words, and who is asking.

Every transaction begins by telling the database who asks (see `identity`), and the database's row policies do the
rest. Nothing here knows a rule of the club.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, MetaData, Text, event, func
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.exc import DisconnectionError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry

from portal.config import Settings
from portal.database.driver import Driver, of_several
from portal.database.identity import PortalSession
from portal.database.timings import TimedCursor, TimedPool

Id = Annotated[UUID, mapped_column(primary_key=True, default=uuid4, server_default=func.new_id())]


class Base(DeclarativeBase):
    """A table of ours. Keys are made here, so an insert needs no RETURNING (which row policies would bind)."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
        }
    )
    registry = registry(type_annotation_map={str: Text, datetime: TIMESTAMP(timezone=True)})
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012


db = SQLAlchemy(model_class=Base, session_options={"class_": PortalSession}, disable_autonaming=True)
event.listen(Engine, "do_connect", lambda _dialect, _record, _where, how: of_several(Driver.connect, **how))


@event.listens_for(TimedPool, "checkout")
def _look_before_use(connection: object, _record: object, _proxy: object) -> None:
    """Have the pool open another connection in place of one that was closed while it lay there: nobody's request fails for it."""
    if isinstance(connection, Driver) and connection.is_hung_up:
        raise DisconnectionError


def broken_rule(error: IntegrityError) -> str | None:
    """The name of the constraint that said no."""
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)


def engine_options(settings: Settings, threads: int) -> dict[str, object]:
    """How the pool behaves: a connection for each thread, since none takes two; fails in seconds rather than hanging."""
    connect: dict[str, object] = {"application_name": "portal", "cursor_factory": TimedCursor}
    if settings.pgbouncer:
        connect["prepare_threshold"] = None
    else:
        # A page asks the same few statements for ever: planned once a connection, not once a page.
        connect["options"] = "-c plan_cache_mode=force_generic_plan"
    return {
        "poolclass": TimedPool,
        "pool_size": threads,
        "max_overflow": 0,
        "pool_timeout": 3,
        "pool_pre_ping": False,
        "connect_args": connect,
        "pool_use_lifo": True,
        "hide_parameters": True,  # an error goes to the log, what members typed does not
    }
