-- Who is on the list of a private meeting under these addresses, for its host and admins: to take invitations back by.
create function invited_at_addresses(meeting uuid, addresses text[])
returns setof uuid language sql stable security definer set search_path = '' as $$
  select u.id
    from public.meetings m
    join public.meeting_attendances a on a.meeting_id = m.id
    join public.users u on u.id = a.user_id
   where m.id = meeting and m.is_private and public.runs_meeting(meeting)
     and u.email_key = any (select lower(x) from unnest(addresses) x)
   order by u.id
$$;
alter function invited_at_addresses owner to portal_definer;
revoke all on function invited_at_addresses from public;
grant execute on function invited_at_addresses to portal_member, portal_admin;
