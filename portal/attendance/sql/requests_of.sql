-- Who asks for a place, in order, by name: for the host and admins.
create function requests_of(meeting uuid)
returns table (user_id uuid, name text, asked_at timestamptz) language sql stable security definer set search_path = '' as $$
  select u.id, public.display_name(u), a.responded_at
    from public.meeting_attendances a join public.users u on u.id = a.user_id
   where a.meeting_id = meeting and a.answer = 'requested' and public.runs_meeting(meeting)
   order by a.responded_at, a.id limit 200
$$;
alter function requests_of owner to portal_definer;
revoke all on function requests_of from public;
grant execute on function requests_of to portal_member, portal_admin;
