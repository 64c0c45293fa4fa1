-- Takes a message to a group back while it has not left, or stops what has not been sent of it; the state it has then. Null when
-- it is not theirs to say or nothing is left to stop. What is queued by then the worker drops when its turn comes. Waits for
-- the batch that is just written. Called by portal/notifications/announcements.py.
create function stop_announcement(announcement uuid)
returns text language plpgsql security definer set search_path = '' as $$
declare became text;
begin
  update public.announcements a
     set state = case a.state when 'leaving' then 'taken-back' else 'stopped' end, ended_at = public.club_now()
   where a.id = announcement and public.may_announce(a.meeting_id)
     and (a.state in ('leaving', 'sending')
          or a.state = 'sent' and exists (select from public.mails m where m.announcement_id = a.id and m.state = 'queued'))
  returning a.state into became;
  return became;
end
$$;
alter function stop_announcement owner to portal_definer;
revoke all on function stop_announcement from public;
grant execute on function stop_announcement to portal_member, portal_admin;
