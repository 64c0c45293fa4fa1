-- How far a message to a group has come: its mails by state. No row for who may not stop it, or may not know how many it reaches.
create function announcement_progress(announcement uuid)
returns table (queued bigint, sent bigint, failed bigint, dropped bigint)
language sql stable security definer set search_path = '' as $$
  select count(m.id) filter (where m.state = 'queued'), count(m.id) filter (where m.state = 'sent'),
         count(m.id) filter (where m.state = 'failed'), count(m.id) filter (where m.state = 'dropped')
    from public.announcements a left join public.mails m on m.announcement_id = a.id
   where a.id = announcement and public.may_announce(a.meeting_id) and public.counts_audience(a.meeting_id, a.audience)
   group by a.id
$$;
alter function announcement_progress owner to portal_definer;
revoke all on function announcement_progress from public;
grant execute on function announcement_progress to portal_member, portal_admin;
