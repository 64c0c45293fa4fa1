-- Whose names and accounts the participants of this meeting have: the platform its room was made at.
create function room_platform(meeting uuid)
returns text language sql stable security definer set search_path = '' as $$
  select coalesce(nullif(r.made_by, 'link'), m.platform)
    from public.meetings m left join public.rooms r on r.meeting_id = m.id where m.id = meeting
$$;
alter function room_platform owner to portal_definer;
revoke all on function room_platform from public;
