-- Whose word counts for a meeting besides their own answer: its host's, as long as they have access, and an admin's.
create function runs_meeting(meeting uuid)
returns boolean language sql stable security definer set search_path = '' as $$
  select current_setting('role') = 'portal_admin'
      or exists (select from public.meetings m where m.id = meeting and m.host_id = auth.uid()
                    and (select u.access_until > public.club_now() from public.users u where u.id = m.host_id))
$$;
alter function runs_meeting owner to portal_definer;
revoke all on function runs_meeting from public;
