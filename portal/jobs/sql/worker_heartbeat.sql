-- Is anybody working? Readiness asks before anybody is known.
create function worker_heartbeat()
returns timestamptz language sql stable security definer set search_path = '' as $$
  select max(last_heartbeat) from public.procrastinate_workers
$$;
alter function worker_heartbeat owner to portal_definer;
revoke all on function worker_heartbeat from public;
grant execute on function worker_heartbeat to portal_admin, portal_web, portal_worker;
