"""Bringing the tables to a revision. The migration environment takes a lock, so two deploys do it once."""

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from portal.config import ROOT, Settings
from portal.database import roles
from portal.operations.revision import KNOWN
from portal.operations.start import reach, refuse_version
from portal.problems import Problem
from portal.setting_values import plain_url


def migrate(settings: Settings, revision: str) -> None:
    """Upgrade to `revision` as portal_owner. Raises `Problem`."""
    with reach(plain_url(settings.owner_url), patience=5) as connection:
        refuse_version(connection)
        roles.refuse_other(connection, "portal_owner")
        if (found := version(connection)) and found not in KNOWN:
            raise Problem(
                f"The database is at revision {found}, which this version does not know; install the one that made it."
            )
        if missing := roles.missing(connection):
            raise Problem(f"The database lacks the portal's roles: {', '.join(missing)}. `portal roles` prints them.")
    try:
        command.upgrade(config(settings.owner_url), revision)
    except DBAPIError as error:
        raise Problem(f"The migration did not go through: {str(error.orig).splitlines()[0]}") from error
    except CommandError as error:
        raise Problem(f"There is no way to revision {revision}: {error}") from error


def version(connection: psycopg.Connection) -> str | None:
    """The revision a database's tables are at; None if it has none."""
    if connection.execute("select to_regclass('public.alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("select version_num from alembic_version").fetchone()
    return str(row[0]) if row else None


def config(owner_url: str) -> Config:
    """Alembic's configuration for a database."""
    made = Config(str(ROOT / "migrations" / "alembic.ini"))
    made.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    return made
