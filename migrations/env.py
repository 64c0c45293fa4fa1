"""How revisions reach a database: as portal_owner, one deploy at a time, all or nothing.

Revisions carry the tables; functions, views, policies and grants come from their files (`portal.database.objects`) and
stand only at the newest revision. A database on its way up or down has none, so nobody but the owner can use it then.
"""

from alembic import context
from flask import current_app
from sqlalchemy import NullPool, create_engine, text

from portal import models
from portal.config import Settings
from portal.database import objects

MIGRATION_LOCK = 7_460_201  # any number, as long as every deploy takes the same

NO_MODELS = ("database_objects", "club_clock")


def include(_object: object, name: str | None, type_: str, _reflected: bool, _compare_to: object) -> bool:
    """The job queue's tables belong to procrastinate, and PostgreSQL keeps our functional details itself."""
    return not (
        type_ == "table" and name is not None and (name.startswith(("procrastinate_", "alembic_")) or name in NO_MODELS)
    )


def settings() -> Settings:
    """Those of the app under `flask db`, else the environment's."""
    return current_app.config["SETTINGS"] if current_app else Settings.from_environment()


def leads_to() -> tuple[str | None] | None:
    """Where an upgrade or downgrade leads (`None` inside is before the first revision); None for commands that only look."""
    try:
        return (context.get_revision_argument(),)
    except KeyError:
        return None


def migrate() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or settings().owner_url
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.execute(text("set local lock_timeout = '5min'"))  # another deploy may be at work
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text("set local lock_timeout = '10s'"))
        context.configure(connection=connection, target_metadata=models.Base.metadata, include_object=include)
        head, here = context.get_head_revision(), context.get_context().get_current_revision()
        target = leads_to()
        moves = target is not None and (target != (here,) or objects.changed(connection))
        if moves:
            objects.drop(connection)
        context.run_migrations()
        if moves and context.get_context().get_current_revision() == head:
            objects.create(connection)
        connection.commit()


migrate()
