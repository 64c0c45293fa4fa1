"""How revisions reach a database: as portal_owner, one deploy at a time, all or nothing."""

from alembic import context
from flask import current_app
from sqlalchemy import NullPool, create_engine, text

from portal import models
from portal.config import Settings

MIGRATION_LOCK = 7_460_201  # any number, as long as every deploy takes the same


def include(_object: object, name: str | None, type_: str, _reflected: bool, _compare_to: object) -> bool:
    """The job queue's tables belong to procrastinate, and PostgreSQL keeps our functional details itself."""
    return not (type_ == "table" and name is not None and name.startswith(("procrastinate_", "alembic_")))


def settings() -> Settings:
    """Those of the app under `flask db`, else the environment's."""
    return current_app.config["SETTINGS"] if current_app else Settings.from_environment()


def migrate() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or settings().owner_url
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.execute(text("set local lock_timeout = '5min'"))  # another deploy may be at work
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text("set local lock_timeout = '10s'"))
        context.configure(connection=connection, target_metadata=models.Base.metadata, include_object=include)
        context.run_migrations()
        connection.commit()


migrate()
