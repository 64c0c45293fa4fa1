-- Who is invited to a private meeting and what they said. Admins see everybody, with addresses. Its host sees who has
-- answered: a list that grew by every address with an account would tell who has one.
create function guests_of(meeting uuid)
returns table (
  user_id uuid, name text, email text, answer text, since timestamptz, is_host boolean, came boolean
) language sql stable security definer set search_path = '' as $$
  select u.id, public.display_name(u), case when current_setting('role') = 'portal_admin' then u.email end, a.answer,
         coalesce(a.responded_at, a.invited_at), u.id = m.host_id, a.joined_at is not null
    from public.meetings m
    join public.meeting_attendances a on a.meeting_id = m.id
    join public.users u on u.id = a.user_id
   where m.id = meeting and m.is_private and public.runs_meeting(meeting)
     and (current_setting('role') = 'portal_admin' or a.answer not in ('invited', 'withdrawn')
          or a.responded_at is not null or u.id = m.host_id)
   order by u.id is distinct from m.host_id, u.name_key, u.id limit 1000
$$;
alter function guests_of owner to portal_definer;
revoke all on function guests_of from public;
grant execute on function guests_of to portal_member, portal_admin;
