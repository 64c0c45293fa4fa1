-- This private meeting and, with `later`, those of its series after it that are still ahead. Nothing for who does not run it.
create function private_meetings(meeting uuid, later boolean, at timestamptz)
returns setof uuid language sql stable security definer set search_path = '' as $$
  select x.id
    from public.meetings m
    join public.meetings x on x.id = m.id or (later and x.series_id = m.series_id and x.series_date > m.series_date)
   where m.id = meeting and public.runs_meeting(meeting)
     and x.is_private and x.status in ('scheduled', 'active') and x.ends_at > at
   order by x.id
$$;
alter function private_meetings owner to portal_definer;
revoke all on function private_meetings from public;
