-- Makes meetings of series; how many it made. `starts` says which, as objects of
--   series      uuid
--   day         the day of the series it stands for
--   starts_at   the instant, derived by the caller (the database's zone rules are not the portal's)
--   wall        what the clocks of the series' zone show then
--   day_begins, day_ends   that day there, as instants
-- Safe to repeat and to run twice at once: it holds the lock of series, and of two meetings of one day the second is not
-- made. The club's daily meeting comes last, since it is held only where nothing else is. An address typed for a series is
-- the room of its meetings. Whoever is invited to the meeting before of a private series is invited to the new one, unless it
-- was open then and they were invited only as everybody was. Called by admins and by the worker (portal/meetings/series.py).
create function extend_series(starts jsonb)
returns integer language plpgsql security definer set search_path = '' as $$
declare
  made integer := 0;
  daily boolean;
  now_made integer;
begin
  perform pg_advisory_xact_lock(hashtext('meeting_series'));
  foreach daily in array array[false, true] loop
    with held as (
      insert into public.meetings (series_id, series_date, scheduled_date, start_time, timezone, starts_at, duration, title,
                                   description, platform, max_attendees, requires_approval, is_private, host_id, created_by,
                                   origin, meeting_link, provision_state)
      select s.id, n.day, n.wall::date, n.wall::time, s.timezone, n.starts_at, s.duration, s.title,
             s.description, s.platform, s.max_attendees, s.requires_approval, s.is_private, s.host_id, s.created_by,
             case when s.only_if_free then 'daily-job' else 'series' end,
             l.address, case when l.address is null then 'none' else 'ready' end
        from jsonb_to_recordset(starts) as n (series uuid, day date, starts_at timestamptz, wall timestamp,
                                              day_begins timestamptz, day_ends timestamptz)
        join public.meeting_series s on s.id = n.series and s.only_if_free = daily
        left join public.series_links l on l.series_id = s.id
       where not (s.only_if_free and exists (
               select from public.meetings o
                where o.starts_at >= n.day_begins and o.starts_at < n.day_ends
                  and o.series_id is distinct from s.id and o.status <> 'cancelled' and not o.is_private))
       order by n.day, s.id
      on conflict do nothing
      returning id, series_id, series_date, is_private, title, starts_at, duration, meeting_link),
    roomed as (
      insert into public.rooms (meeting_id, made_by, title, starts_at, duration, ready_at)
      select h.id, 'link', h.title, h.starts_at, h.duration, public.club_now() from held h where h.meeting_link is not null),
    invited as (
      insert into public.meeting_attendances (meeting_id, user_id, invited_at)
      select h.id, a.user_id, public.club_now()
        from held h
       cross join lateral (select m.id from public.meetings m
                            where m.series_id = h.series_id and m.series_date < h.series_date and m.status <> 'cancelled'
                            order by m.series_date desc limit 1) before
        join public.meeting_attendances a on a.meeting_id = before.id
        join public.users u on u.id = a.user_id and u.is_active
       where h.is_private
         and (not a.is_general or a.answer <> 'invited' or a.joined_at is not null or a.outcome is not null)
      on conflict do nothing)
    select count(*) into now_made from held;
    made := made + now_made;
  end loop;
  return made;
end
$$;
alter function extend_series owner to portal_definer;
revoke all on function extend_series from public;
grant execute on function extend_series to portal_admin, portal_worker;
