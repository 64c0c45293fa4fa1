-- Who may write to the people of a meeting, and stop a message to them: who runs it. To those of the whole club (null): admins.
create function may_announce(meeting uuid)
returns boolean language sql stable security definer set search_path = '' as $$
  select current_setting('role') = 'portal_admin' or (meeting is not null and public.runs_meeting(meeting))
$$;
alter function may_announce owner to portal_definer;
revoke all on function may_announce from public;
