-- Makes the meetings of one series, or of all, for so many days ahead; how many it made. Safe to repeat and to run twice
-- at once. The club's daily meeting comes last, since it is held only where nothing else is. Whoever is invited to the
-- meeting before of a private series is invited to the new one.
create function hold_series(one uuid, days integer, at timestamptz)
returns integer language plpgsql security definer set search_path = '' as $$
declare
  made integer := 0;
  daily boolean;
  now_made integer;
begin
  perform pg_advisory_xact_lock(hashtext('meeting_series'));
  foreach daily in array array[false, true] loop
    with held as (
      insert into public.meetings (series_id, series_date, scheduled_date, start_time, timezone, duration, title, description,
                                   platform, max_attendees, requires_approval, is_private, host_id, created_by, origin)
      select s.id, day, starts::date, starts::time, s.timezone, s.duration, s.title, s.description,
             s.platform, s.max_attendees, s.requires_approval, s.is_private, s.host_id, s.created_by,
             case when s.only_if_free then 'daily-job' else 'series' end
        from public.meeting_series s
       cross join lateral (select (hold_series.at at time zone s.timezone)::date as today) t
       cross join lateral public.series_dates(s, t.today, t.today + days) day
       cross join lateral public.time_that_exists(day, s.start_time, s.timezone) starts
       where (one is null or s.id = one) and s.only_if_free = daily and starts at time zone s.timezone > hold_series.at
         and not (s.only_if_free and exists (
               select from public.meetings o
                where o.starts_at >= day::timestamp at time zone s.timezone
                  and o.starts_at < (day + 1)::timestamp at time zone s.timezone
                  and o.series_id is distinct from s.id and o.status <> 'cancelled' and not o.is_private))
       order by day, s.id
      on conflict do nothing
      returning id, series_id, series_date, is_private),
    invited as (
      insert into public.meeting_attendances (meeting_id, user_id, invited_at)
      select h.id, a.user_id, hold_series.at
        from held h
       cross join lateral (select m.id from public.meetings m
                            where m.series_id = h.series_id and m.series_date < h.series_date and m.status <> 'cancelled'
                            order by m.series_date desc limit 1) before
        join public.meeting_attendances a on a.meeting_id = before.id
        join public.users u on u.id = a.user_id and u.is_active
       where h.is_private
      on conflict do nothing)
    select count(*) into now_made from held;
    made := made + now_made;
  end loop;
  return made;
end
$$;
alter function hold_series owner to portal_definer;
revoke all on function hold_series from public;
grant execute on function hold_series to portal_admin, portal_worker;
