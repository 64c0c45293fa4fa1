"""The database roles, and the promise that the portal never serves as one that could bypass row security.

    portal_owner      owns and migrates the tables (bound by the policies like everybody: FORCE), and may make the
                      databases in which backups and migrations are tried
    portal_web        what a web process signs in as; has no rights of its own, may become one of
      portal_anonymous, portal_member, portal_admin
    portal_worker     runs jobs, mail and the schedule
    portal_definer    owns the few SECURITY DEFINER functions; nobody signs in as it
    portal_monitor    sees what others ask of the server, for two functions of its own; nobody signs in as it
    portal_backup     reads everything for dumps

Roles belong to the server, not to one database: `portal roles` prints this for a database administrator.
"""

import psycopg
from psycopg import sql

from portal.config import LOGINS
from portal.problems import Problem

CREATE = """
do $$
declare r record;
begin
  for r in select * from (values
      ('portal_owner',     'login'),
      ('portal_web',       'login noinherit'),
      ('portal_worker',    'login noinherit'),
      ('portal_backup',    'login bypassrls'),
      ('portal_anonymous', 'nologin'),
      ('portal_member',    'nologin'),
      ('portal_admin',     'nologin'),
      ('portal_definer',   'nologin bypassrls'),
      ('portal_monitor',   'nologin')) as wanted (name, traits)
  loop
    if not exists (select 1 from pg_catalog.pg_roles where rolname = r.name) then
      execute format('create role %I %s', r.name, r.traits);
    end if;
  end loop;
end $$;
grant portal_anonymous, portal_member, portal_admin to portal_web;
grant portal_definer, portal_monitor to portal_owner;
grant pg_read_all_data to portal_backup;
grant pg_read_all_stats to portal_monitor;
alter role portal_owner createdb;
"""

SETTINGS = {
    "portal_web": {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "15s"},
    "portal_worker": {"statement_timeout": "60s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s"},
}
"""What the logins have of their own. A login may change these itself, which nothing can forbid; `portal check` sees it."""

OWN_DATABASE = """
alter database {database} owner to portal_owner;
revoke all on database {database} from public;
-- Who answers browsers creates nothing, not even a temporary table.
grant connect on database {database} to portal_web, portal_worker, portal_backup;
alter schema public owner to portal_owner;
revoke create on schema public from public;
-- Nobody needs large objects, and no policy binds them. Only a superuser can close them.
do $$
declare f regprocedure;
begin
  for f in select oid from pg_catalog.pg_proc where {large_objects} loop
    execute format('revoke execute on function %s from public', f);
  end loop;
exception when insufficient_privilege then
  raise notice 'Large objects stay open to every login: closing them takes a superuser.';
end $$;
"""

LARGE_OBJECTS = "pronamespace = 'pg_catalog'::pg_catalog.regnamespace and (proname like 'lo\\_%' or proname in ('loread', 'lowrite'))"
"""SQL: whether a function of `pg_proc` is one of those that read and write large objects."""


def script(database: str, password: str | None = None) -> str:
    """The SQL a superuser runs once for `database`; with `password`, the sign-in roles get it."""
    own = OWN_DATABASE.format(database=sql.Identifier(database).as_string(None), large_objects=LARGE_OBJECTS)
    limits = [
        f"alter role {login} set {name} = '{value}';"
        for login, limits in SETTINGS.items()
        for name, value in limits.items()
    ]
    statements = [CREATE.rstrip(), *limits, own]
    if password is not None:
        secret = sql.Literal(password).as_string(None)
        statements += [f"alter role {login} password {secret};" for login in LOGINS.values()]
    return "\n".join(statements)


def refuse_bypass(connection: psycopg.Connection) -> None:
    """Raise `Problem` if this connection's role could look past the row policies."""
    row = connection.execute(
        "select rolname, exists (select 1 from pg_catalog.pg_roles b where (b.rolsuper or b.rolbypassrls)"
        "                          and pg_catalog.pg_has_role(r.oid, b.oid, 'member')), "
        "       exists (select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace"
        "               where n.nspname = 'public' and relkind = 'r' and relowner = r.oid)"
        "  from pg_catalog.pg_roles r where rolname = session_user"
    ).fetchone()
    assert row is not None  # noqa: S101 - a session always has a role
    name, bypasses, owns = row
    if bypasses or owns:
        why = "may bypass row security" if bypasses else "owns the tables"
        raise Problem(
            f"The database role {name} {why}; the portal only serves as portal_web and works as portal_worker."
        )


def refuse_other(connection: psycopg.Connection, login: str) -> None:
    """Raise `Problem` unless this connection signed in as `login`: each process has its own."""
    row = connection.execute("select session_user").fetchone()
    if row != (login,):
        setting = next(name for name, whose in LOGINS.items() if whose == login)
        raise Problem(f"{setting} signs in as {row and row[0]}; it must be {login}.")


def missing(connection: psycopg.Connection) -> list[str]:
    """Which of the roles this server does not know."""
    wanted = [*LOGINS.values(), "portal_anonymous", "portal_member", "portal_admin", "portal_definer", "portal_monitor"]
    known = connection.execute("select rolname from pg_catalog.pg_roles where rolname = any (%s)", [wanted])
    have = {name for (name,) in known}
    return [name for name in wanted if name not in have]
