-- After a series changed from a day on: what becomes of its meetings ahead. Those whose day is still one of it follow it
-- with their answers ('kept', or 'moved' when their hour changed); others go, without a trace where nobody answered or was
-- invited by name ('gone'), else called off with the reason ('cancelled'). `following` may be the series itself, or the one that
-- takes over from that day, and then has the address that was typed for the first. `starts` says of each of its days when
-- it is held by the rule as it stands now, as objects of day, starts_at and wall (see extend_series); a day that is not among
-- them is left alone. Holds the lock of series, then the meetings in the order of their ids. Called by admins
-- (portal/meetings/series.py).
create function follow_series(series uuid, following uuid, from_day date, why text, starts jsonb)
returns table (meeting uuid, became text) language plpgsql security definer set search_path = '' as $$
declare s public.meeting_series;
begin
  perform pg_advisory_xact_lock(hashtext('meeting_series'));
  select * into strict s from public.meeting_series x where x.id = following;
  insert into public.series_links (series_id, address)
  select following, l.address from public.series_links l where l.series_id = series
      on conflict do nothing;
  update public.meetings m set series_id = following
   where m.series_id = series and m.series_date >= from_day and series <> following;
  return query
  with ahead as (
    select m.id, m.series_date, m.starts_at as was, m.ends_at, n.starts_at, n.wall,
           exists (select from public.series_dates(s, m.series_date, m.series_date)) as stays
      from public.meetings m
      join jsonb_to_recordset(starts) as n (day date, starts_at timestamptz, wall timestamp) on n.day = m.series_date
     where m.series_id = following and m.series_date >= from_day and m.status = 'scheduled'
       and m.starts_at > public.club_now() and not m.changed_alone
     order by m.id for no key update of m),
  kept as (
    update public.meetings m
       set title = s.title, description = s.description, host_id = s.host_id, platform = s.platform, duration = s.duration,
           max_attendees = s.max_attendees, requires_approval = s.requires_approval, is_private = s.is_private,
           scheduled_date = a.wall::date, start_time = a.wall::time, timezone = s.timezone, starts_at = a.starts_at,
           revision = m.revision + 1
      from ahead a
     where m.id = a.id and a.stays and a.starts_at > public.club_now()
    returning m.id, case when (m.starts_at, m.ends_at) = (a.was, a.ends_at) then 'kept' else 'moved' end),
  gone as (
    delete from public.meetings m using ahead a
     where m.id = a.id and not a.stays
       and not exists (select from public.meeting_attendances x
                        where x.meeting_id = m.id
                          and (not x.is_general or x.answer <> 'invited' or x.joined_at is not null or x.outcome is not null))
    returning m.id, 'gone'),
  off as (
    update public.meetings m
       set status = 'cancelled', cancellation_reason = why, revision = m.revision + 1
      from ahead a
     where m.id = a.id and not a.stays
       and exists (select from public.meeting_attendances x
                    where x.meeting_id = m.id
                      and (not x.is_general or x.answer <> 'invited' or x.joined_at is not null or x.outcome is not null))
    returning m.id, 'cancelled')
  select * from kept union all select * from gone union all select * from off;
end
$$;
alter function follow_series owner to portal_definer;
revoke all on function follow_series from public;
grant execute on function follow_series to portal_admin;
