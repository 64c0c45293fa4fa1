-- What people told the host beside their answers, by name: for the host and admins.
create function notes_to_host(meeting uuid)
returns table (user_id uuid, name text, answer text, note text) language sql stable security definer set search_path = '' as $$
  select u.id, public.display_name(u), a.answer, a.note
    from public.meeting_attendances a join public.users u on u.id = a.user_id
   where a.meeting_id = meeting and a.note is not null and public.runs_meeting(meeting)
   order by u.name_key, u.id limit 1000
$$;
alter function notes_to_host owner to portal_definer;
revoke all on function notes_to_host from public;
grant execute on function notes_to_host to portal_member, portal_admin;
