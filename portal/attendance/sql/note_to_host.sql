-- What whoever asks tells the host beside their answer; null takes it back. No row if they have not answered, or the meeting
-- is over or called off.
create function note_to_host(meeting uuid, words text)
returns setof uuid language sql security definer set search_path = '' as $$
  update public.meeting_attendances a set note = words
    from public.meetings m
   where m.id = meeting and m.status in ('scheduled', 'active') and m.ends_at > public.club_now()
     and a.meeting_id = m.id and a.user_id = auth.uid() and a.answer <> 'invited'
  returning a.meeting_id
$$;
alter function note_to_host owner to portal_definer;
revoke all on function note_to_host from public;
grant execute on function note_to_host to portal_member, portal_admin;
