-- Who is connected to this database and since when without a change of state, seen as portal_monitor.
create function open_connections()
returns table (login text, application text, state text, connections bigint, longest interval) language sql stable security definer set search_path = '' as $$
  select usename::text, coalesce(nullif(application_name, ''), '–'), coalesce(state, 'unknown'), count(*),
         max(clock_timestamp() - state_change)
    from pg_catalog.pg_stat_activity
   where datname = pg_catalog.current_database() and backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()
   group by 1, 2, 3 order by 4 desc, 1, 2, 3
$$;
alter function open_connections owner to portal_monitor;
revoke all on function open_connections from public;
grant execute on function open_connections to portal_admin;
