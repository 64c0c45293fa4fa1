-- The job queue by task: waiting, more than ten minutes late, at work, failed within a week.
create function queue_status()
returns table (
  task text, waiting bigint, late bigint, doing bigint, failed bigint, failed_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select j.task_name, count(*) filter (where j.status = 'todo'),
         count(*) filter (where j.status = 'todo' and coalesce(j.scheduled_at, e.first) < now() - interval '10 minutes'),
         count(*) filter (where j.status = 'doing'),
         count(*) filter (where j.status = 'failed' and e.last > now() - interval '7 days'),
         max(e.last) filter (where j.status = 'failed')
    from public.procrastinate_jobs j
   cross join lateral (select min(at) as first, max(at) as last from public.procrastinate_events where job_id = j.id) e
   where j.status in ('todo', 'doing', 'failed')
   group by j.task_name
$$;
alter function queue_status owner to portal_definer;
revoke all on function queue_status from public;
grant execute on function queue_status to portal_admin, portal_worker;
