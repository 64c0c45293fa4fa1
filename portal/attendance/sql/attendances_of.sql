-- Who said yes to a meeting or was there, by name, and whether they came: for its host and admins, as long as that may be
-- corrected. Not the host, who is not counted.
create function attendances_of(meeting uuid)
returns table (user_id uuid, name text, status text, corrected boolean)
language sql stable security definer set search_path = '' as $$
  select u.id, public.display_name(u), a.status, a.corrected_at is not null
    from public.meetings m
    join public.meeting_attendances a on a.meeting_id = m.id
    join public.users u on u.id = a.user_id
   where m.id = meeting and m.status = 'completed' and public.club_now() <= m.ends_at + interval '30 days'
     and (a.answer = 'accepted' or a.joined_at is not null or a.outcome is not null)
     and u.id is distinct from m.host_id and public.runs_meeting(meeting)
   order by u.name_key, u.id limit 1000
$$;
alter function attendances_of owner to portal_definer;
revoke all on function attendances_of from public;
grant execute on function attendances_of to portal_member, portal_admin;
