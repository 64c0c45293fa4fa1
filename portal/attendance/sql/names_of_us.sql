-- Their first names for the page of a meeting, the current user's first; null where it cannot be asked.
create function names_of_us(meeting uuid)
returns text[] language sql stable security definer set search_path = '' as $$
  select array_agg(us.first_name) from public.meetings m cross join lateral public.all_of_us(m.id, auth.uid(), public.club_now()) us
   where m.id = meeting and m.status in ('scheduled', 'active') and m.ends_at > public.club_now() and not m.requires_approval and not m.is_private
$$;
alter function names_of_us owner to portal_definer;
revoke all on function names_of_us from public;
grant execute on function names_of_us to portal_member, portal_admin;
