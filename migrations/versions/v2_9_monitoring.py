"""v2.9: how big the tables are day by day, how long statements take and connections are waited for, who is connected.

Revision ID: v2.9_monitoring
Revises: v2.9_backups
"""

from portal.database.migration import close, definer, run

revision = "v2.9_monitoring"
down_revision = "v2.9_backups"
branch_labels = None
depends_on = None

# Days are UTC's.
TABLES = """
create table table_sizes (
  day date not null,
  name text not null,
  estimated_rows bigint not null,
  table_bytes bigint not null,
  index_bytes bigint not null,
  constraint pk_table_sizes primary key (day, name)
);

create table statement_timings (
  day date not null,
  statement text not null constraint check_statement check (char_length(statement) <= 600),
  calls bigint not null,
  total_ms double precision not null,
  most_ms double precision not null,
  constraint pk_statement_timings primary key (day, statement)
);

-- `waits` counts how often a connection was waited for how long; the steps are portal/database/timings.py's.
create table pool_timings (
  day date constraint pk_pool_timings primary key,
  taken bigint not null,
  waited_ms double precision not null,
  waits bigint[] not null,
  timeouts bigint not null,
  timed_out_at timestamptz
);

-- What a process counted since it last said so.
create function note_timings(today date, statements jsonb, pool jsonb) returns void language sql as $$
  insert into public.statement_timings as t (day, statement, calls, total_ms, most_ms)
  select today, s.statement, sum(s.calls), sum(s.total_ms), max(s.most_ms)
    from jsonb_to_recordset(statements) s (statement text, calls bigint, total_ms double precision, most_ms double precision)
   group by s.statement order by s.statement
      on conflict (day, statement) do update
     set calls = t.calls + excluded.calls, total_ms = t.total_ms + excluded.total_ms,
         most_ms = greatest(t.most_ms, excluded.most_ms);

  insert into public.pool_timings as t (day, taken, waited_ms, waits, timeouts, timed_out_at)
  select today, p.taken, p.waited_ms, p.waits, p.timeouts, p.timed_out_at
    from jsonb_to_record(pool) p (taken bigint, waited_ms double precision, waits bigint[], timeouts bigint,
                                  timed_out_at timestamptz)
      on conflict (day) do update
     set taken = t.taken + excluded.taken, waited_ms = t.waited_ms + excluded.waited_ms,
         waits = (select array_agg(coalesce(one, 0) + coalesce(two, 0) order by step)
                    from unnest(t.waits, excluded.waits) with ordinality u (one, two, step)),
         timeouts = t.timeouts + excluded.timeouts, timed_out_at = greatest(t.timed_out_at, excluded.timed_out_at);
$$;
"""

# These two see what others do, through portal_monitor, which sees that and nothing else.
MONITOR = r"""
grant usage, create on schema public to portal_monitor;

create function open_connections() returns table (
  login text, application text, state text, connections bigint, longest interval
) language sql stable as $$
  select usename::text, coalesce(nullif(application_name, ''), '–'), coalesce(state, 'unknown'), count(*),
         max(clock_timestamp() - state_change)
    from pg_catalog.pg_stat_activity
   where datname = pg_catalog.current_database() and backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()
   group by 1, 2, 3 order by 4 desc, 1, 2, 3
$$;

-- Only what the portal's own roles asked, and no command that may have a password in it. Nothing if the server does not
-- count statements.
create function slow_statements() returns table (
  statement text, calls bigint, total_ms double precision, mean_ms double precision, most_ms double precision
) language plpgsql stable as $$
declare home text;
begin
  select n.nspname into home from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
   where e.extname = 'pg_stat_statements';
  if home is null then return; end if;
  return query execute pg_catalog.format($q$
    select left(s.query, 600), s.calls, s.total_exec_time, s.mean_exec_time, s.max_exec_time
      from %I.pg_stat_statements s
      join pg_catalog.pg_roles r on r.oid = s.userid
      join pg_catalog.pg_database d on d.oid = s.dbid
     where d.datname = pg_catalog.current_database() and r.rolname like 'portal\_%%'
       and s.query ~* '^\s*(with|select|insert|update|delete|merge)\y'
     order by s.mean_exec_time desc limit 10 $q$, home);
exception when object_not_in_prerequisite_state then  -- the extension is there, its library was not loaded
  return;
end $$;
"""


def upgrade() -> None:
    run(TABLES)
    close("table_sizes", "statement_timings", "pool_timings")
    for table in ("table_sizes", "statement_timings", "pool_timings"):
        run(f"grant select on {table} to portal_admin")
        run(f"create policy everything on {table} for select to portal_admin using (true)")
    definer("note_timings(date, jsonb, jsonb)", to="portal_web, portal_worker")
    run(MONITOR)
    definer("open_connections()", "slow_statements()", to="portal_admin", owner="portal_monitor")


def downgrade() -> None:
    run("drop function slow_statements(), open_connections(), note_timings(date, jsonb, jsonb)")
    run("revoke all on schema public from portal_monitor")
    run("drop table pool_timings, statement_timings, table_sizes")
