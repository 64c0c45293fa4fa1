-- What a passer-by may know of what is on.
create function public_programme(most integer)
returns table (
  id uuid, title text, starts_at timestamptz, ends_at timestamptz, duration integer, timezone text,
  platform text, host_name text, max_attendees integer, seats_taken integer, waiting_count integer,
  requires_approval boolean
) language sql stable security definer set search_path = '' as $$
  select id, title, starts_at, ends_at, duration, timezone, platform, host_name, max_attendees, seats_taken,
         waiting_count, requires_approval
    from public.meetings
   where not is_private and status in ('scheduled', 'active') and ends_at > (select public.club_now())
   order by starts_at, id limit most
$$;
alter function public_programme owner to portal_definer;
revoke all on function public_programme from public;
grant execute on function public_programme to portal_anonymous, portal_member, portal_admin;
