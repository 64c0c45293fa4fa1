-- The ten statements with the longest mean, with $1 where values were: only what the portal's processes asked, and no command
-- that may have a password in it. Not the owner's and the backup's either, which people type with values: the server keeps
-- those of a statement it forgot meanwhile. Nothing if the server does not count statements.
create function slow_statements()
returns table (
  queryid bigint, statement text, calls bigint, total_ms double precision, mean_ms double precision, most_ms double precision
) language plpgsql stable security definer set search_path = '' as $$
declare home text;
begin
  select n.nspname into home from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
   where e.extname = 'pg_stat_statements';
  if home is null then return; end if;
  return query execute pg_catalog.format($q$
    select s.queryid, left(s.query, 600), s.calls, s.total_exec_time, s.mean_exec_time, s.max_exec_time
      from %I.pg_stat_statements s
      join pg_catalog.pg_roles r on r.oid = s.userid
      join pg_catalog.pg_database d on d.oid = s.dbid
     where d.datname = pg_catalog.current_database() and r.rolname like 'portal\_%%' and r.rolname not in ('portal_owner', 'portal_backup')
       and s.query ~* '^\s*(with|select|insert|update|delete|merge)\y'
     order by s.mean_exec_time desc limit 10 $q$, home);
exception when object_not_in_prerequisite_state then  -- the extension is there, its library was not loaded
  return;
end
$$;
alter function slow_statements owner to portal_monitor;
revoke all on function slow_statements from public;
grant execute on function slow_statements to portal_admin, portal_web;
