"""Whether a database is a demo's: by a mark its planting writes on it. Nothing else makes it one."""

import psycopg
from psycopg import sql

from portal.config import Settings
from portal.problems import Problem
from portal.setting_values import plain_url

DEMO = "The demo club of Goalete Portal: `portal reset` may delete it."
"""The mark: the comment of its schema, which every login may read and the owner alone may write."""


def mark_demo(settings: Settings) -> None:
    """Write on the database that everybody in it is invented."""
    with psycopg.connect(plain_url(settings.owner_url), autocommit=True) as owner:
        owner.execute(sql.SQL("comment on schema public is {}").format(sql.Literal(DEMO)))


def is_demo(connection: psycopg.Connection) -> bool:
    """Whether the database has the mark."""
    comment = connection.execute("select pg_catalog.obj_description('public'::regnamespace, 'pg_namespace')").fetchone()
    return comment == (DEMO,)


def refuse_real_people(owner: psycopg.Connection, what: str) -> None:
    """Raise `Problem` if there is anybody in this database that the demo did not plant."""
    if is_demo(owner) or owner.execute("select to_regclass('public.users')").fetchone() == (None,):
        return
    with owner.transaction():
        owner.execute("set local role portal_definer")
        somebody = owner.execute("select exists (select from users where email not like '%@seed.example')").fetchone()
    if somebody == (True,):
        raise Problem(f"Real people live in the database {owner.info.dbname}; {what}.")


def refuse_mixed(connection: psycopg.Connection, sandbox: bool) -> None:
    """Raise `Problem` unless a sandbox has the demo's database, and nobody else has.

    The sandbox shows anybody every mail and the admin's codes; the demo's passwords and second factor stand in this code.
    """
    if sandbox and not is_demo(connection):
        raise Problem(
            f"SANDBOX is on, but the database {connection.info.dbname} is not the demo's, and the sandbox opens its mail and"
            " its clock to everybody. Unset SANDBOX; or let `portal plant` make the demo in an empty database."
        )
    if is_demo(connection) and not sandbox:
        raise Problem(
            f"SANDBOX is off, but the database {connection.info.dbname} is the demo's: anybody knows its admin's password and"
            " second factor. A real club begins with a database of its own."
        )
