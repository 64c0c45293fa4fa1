-- The sealed address of a meeting's room, for an admin who asks for it; the caller notes it in the log
-- (portal/rooms/actions.py).
create function reveal_room(meeting uuid)
returns text language sql stable security definer set search_path = '' as $$
  select m.meeting_link from public.meetings m where m.id = meeting
$$;
alter function reveal_room owner to portal_definer;
revoke all on function reveal_room from public;
grant execute on function reveal_room to portal_admin;
