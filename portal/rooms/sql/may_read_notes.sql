-- Whether the current user may read what the host left after a meeting: they may see the meeting, and have access or came to it.
-- With the current user's own rights, so that a private meeting is none for who was not invited.
create function may_read_notes(meeting uuid)
returns boolean language sql stable set search_path = '' as $$
  select exists (select from public.meetings m where m.id = meeting)
     and (exists (select from public.users u where u.id = auth.uid() and u.access_until > public.club_now())
          or exists (select from public.meeting_attendances a
                      where a.meeting_id = meeting and a.user_id = auth.uid()
                        and (a.joined_at is not null or a.outcome = 'attended')))
$$;
revoke all on function may_read_notes from public;
grant execute on function may_read_notes to portal_member;
