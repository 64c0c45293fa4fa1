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

from portal.problems import Problem

LOGINS = ("portal_owner", "portal_web", "portal_worker", "portal_backup")

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
alter role portal_web set statement_timeout = '5s';
alter role portal_web set lock_timeout = '3s';
alter role portal_web set idle_in_transaction_session_timeout = '15s';
alter role portal_worker set statement_timeout = '60s';
alter role portal_worker set lock_timeout = '10s';
alter role portal_worker set idle_in_transaction_session_timeout = '60s';
"""

OWN_DATABASE = """
alter database {database} owner to portal_owner;
revoke all on database {database} from public;
-- Who answers browsers creates nothing, not even a temporary table.
grant connect on database {database} to portal_web, portal_worker, portal_backup;
alter schema public owner to portal_owner;
revoke create on schema public from public;
"""


def script(database: str, password: str | None = None) -> str:
    """The SQL a superuser runs once for `database`; with `password`, the sign-in roles get it."""
    statements = [CREATE, OWN_DATABASE.format(database=sql.Identifier(database).as_string(None))]
    if password is not None:
        secret = sql.Literal(password).as_string(None)
        statements += [f"alter role {login} password {secret};" for login in LOGINS]
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
        raise Problem(f"The database role {name} {why}; the portal only serves as portal_web and works as portal_worker.")


def missing(connection: psycopg.Connection) -> list[str]:
    """Which of the roles this server does not know."""
    wanted = [*LOGINS, "portal_anonymous", "portal_member", "portal_admin", "portal_definer", "portal_monitor"]
    known = connection.execute("select rolname from pg_catalog.pg_roles where rolname = any (%s)", [wanted])
    have = {name for (name,) in known}
    return [name for name in wanted if name not in have]
