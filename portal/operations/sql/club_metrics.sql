-- The club in figures, for whoever watches it: nobody's name, no text of a statement with a value in it. Asked by the page of
-- metrics, which knows its client by a token.
create function club_metrics()
returns table (metric text, label text, value double precision) language sql stable security definer set search_path = '' as $$
  select 'worker_heartbeat_age_seconds', '', extract(epoch from now() - public.worker_heartbeat())
  union all
  select f.metric, q.task, f.value from public.queue_status() q
   cross join lateral (values ('jobs_waiting', q.waiting), ('jobs_late', q.late), ('jobs_running', q.doing),
                              ('jobs_failed_in_a_week', q.failed)) f (metric, value)
  union all
  select f.metric, '', f.value from public.mail_status(now() - interval '1 day') m
   cross join lateral (values ('mails_waiting', m.waiting), ('mails_failed_in_a_day', m.failed),
                              ('mails_waiting_age_seconds', extract(epoch from now() - m.waiting_since))) f (metric, value)
  union all
  select 'requests_total', r.status::text, sum(r.requests) from public.request_timings r group by r.status
  union all
  select 'request_seconds_total', r.status::text, sum(r.total_ms) / 1000 from public.request_timings r group by r.status
  union all
  select f.metric, '', f.value
    from (select taken, waited_ms / 1000 as waited, timeouts from public.pool_timings
           where day = (now() at time zone 'utc')::date) p
   cross join lateral (values ('pool_taken_today', p.taken), ('pool_waited_seconds_today', p.waited),
                              ('pool_timeouts_today', p.timeouts)) f (metric, value)
  union all
  select 'run_age_seconds', name, extract(epoch from now() - max(began_at)) from public.runs
   where ended_at is not null and name not like 'dry run of %' group by name
  union all
  select 'run_well', last.name, last.well::integer
    from (select distinct on (name) name, well from public.runs
           where ended_at is not null and name not like 'dry run of %' order by name, began_at desc) last
  union all
  select 'backup_age_seconds', '', extract(epoch from now() - max(made_at)) from public.backups where deleted_at is null
  union all
  select 'table_bytes', c.relname, pg_catalog.pg_total_relation_size(c.oid) from pg_catalog.pg_class c
   where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
  union all
  select 'connections', '', sum(numbackends) from pg_catalog.pg_stat_database
  union all
  select 'connections_allowed', '', current_setting('max_connections')::integer
  union all
  (select 'statement_seconds_in_a_week', s.statement, sum(s.total_ms) / 1000 from public.statement_timings s
    where s.day > current_date - 7 group by s.statement order by 3 desc limit 10)
$$;
alter function club_metrics owner to portal_definer;
revoke all on function club_metrics from public;
grant execute on function club_metrics to portal_web;
