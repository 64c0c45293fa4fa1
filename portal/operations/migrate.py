"""Bringing the tables to a revision. The migration environment takes a lock, so two deploys do it once."""

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from portal.config import ROOT, Settings, plain_url
from portal.database import roles
from portal.operations.start import reach, refuse_version
from portal.problems import Problem


def migrate(settings: Settings, revision: str) -> None:
    """Upgrade to `revision` as portal_owner. Raises `Problem`."""
    with reach(plain_url(settings.owner_url), patience=5) as connection:
        refuse_version(connection)
        roles.refuse_other(connection, "portal_owner")
        if missing := roles.missing(connection):
            raise Problem(f"The database lacks the portal's roles: {', '.join(missing)}. `portal roles` prints them.")
    try:
        command.upgrade(config(settings.owner_url), revision)
    except DBAPIError as error:
        raise Problem(f"The migration did not go through: {str(error.orig).splitlines()[0]}") from error
    except CommandError as error:
        raise Problem(f"There is no way to revision {revision}: {error}") from error


def config(owner_url: str) -> Config:
    """Alembic's configuration for a database."""
    made = Config(str(ROOT / "migrations" / "alembic.ini"))
    made.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    return made
