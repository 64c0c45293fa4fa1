"""Bringing a club that runs to a new version of its tables, and, in the sandbox only, starting anew."""

from collections.abc import Callable
from datetime import UTC, datetime

from alembic import command
from sqlalchemy import NullPool, create_engine
from sqlalchemy.orm import Session

from portal import clock
from portal.config import Settings
from portal.database import objects
from portal.database.transactions import keep
from portal.operations import backup
from portal.operations.demo import refuse_real_people
from portal.operations.migrate import config, migrate, version
from portal.operations.proof import broken_promises
from portal.operations.restore import fill, scratch
from portal.operations.revision import HEAD
from portal.operations.start import reach
from portal.problems import Problem
from portal.setting_values import plain_url


def upgrade(db: Session, settings: Settings, say: Callable[[str], object]) -> None:
    """Back up, migrate a restored copy and check it, and only then migrate the real tables and check them.

    Whatever goes wrong before the last step leaves everything as it was. Raises `Problem`.
    """
    if version_of(settings) == HEAD and not is_behind(settings):
        say(f"The tables are at {HEAD} already.")
        return
    made = backup.dump(settings)
    say(f"Backed up to {made.in_words}.")
    with scratch(settings, "rehearsal") as copy:
        with reach(plain_url(copy.owner_url)) as owner:
            fill(owner, plain_url(copy.owner_url), backup.folder_of(settings) / made.file)
        migrate(copy, "head")
        refuse_broken(copy, f"A copy that was brought to {HEAD}", made.club_at, made.made_at)
    say(f"A copy was brought to {HEAD} and keeps every promise.")
    migrate(settings, "head")
    say(f"The tables are at {HEAD}.")
    backup.note(db, settings, made)
    keep(db)
    refuse_broken(settings, "The club", clock.now(), datetime.now(UTC))
    say("Every promise is kept. Restart the worker first, then what serves.")


def version_of(settings: Settings) -> str:
    """The revision the tables are at. Raises `Problem` if there are none."""
    with reach(plain_url(settings.owner_url)) as owner:
        found = version(owner)
    if found is None:
        raise Problem("The database has no tables yet; run `portal migrate`.")
    return found


def is_behind(settings: Settings) -> bool:
    """Whether the database's functions were made from other files than this version's."""
    with create_engine(settings.owner_url, poolclass=NullPool).connect() as owner:
        return objects.changed(owner)


def refuse_broken(settings: Settings, what: str, club_at: datetime, now: datetime) -> None:
    """Raise `Problem` with the promises that are broken, if any."""
    if broken := broken_promises(settings, club_at, now):
        raise Problem(f"{what} breaks promises: {'; '.join(broken)}.")


def reset(settings: Settings) -> None:
    """Take every table down and put them up again, empty. Only in the sandbox, on the demo's own database, and while
    nobody is connected.
    """
    if not settings.sandbox:
        raise Problem("`portal reset` deletes everybody and everything; it is for the sandbox only.")
    with reach(plain_url(settings.owner_url)) as owner:
        refuse_real_people(owner, "`portal reset` deletes the demo club only")
        others = owner.execute(
            "select count(*) from pg_catalog.pg_stat_activity where datname = current_database()"
            " and usename in ('portal_web', 'portal_worker')"
        ).fetchone()
    if others != (0,):
        raise Problem("The portal is running on this database; stop it first.")
    command.downgrade(config(settings.owner_url), "base")
    migrate(settings, "head")
    for kept in (settings.sandbox_stripe, settings.sandbox_clock):
        if kept is not None:
            kept.unlink(missing_ok=True)
