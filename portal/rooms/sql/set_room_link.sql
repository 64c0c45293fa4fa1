-- The host of a meeting, or an admin, gives it a typed address, sealed by the caller; null takes a typed one away. False when it is
-- not theirs to say, or the meeting is over or cancelled. Locks the meeting. Called by portal/rooms/actions.py.
create function set_room_link(meeting uuid, sealed text)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  perform from public.meetings m
    where m.id = meeting and m.status in ('scheduled', 'active') and m.ends_at > public.club_now() and public.runs_meeting(m.id)
    for no key update;
  if not found then
    return false;
  end if;
  if sealed is not null or exists (select from public.rooms r where r.meeting_id = meeting and r.made_by = 'link') then
    perform public.keep_link(array[meeting], sealed);
  end if;
  return true;
end
$$;
alter function set_room_link owner to portal_definer;
revoke all on function set_room_link from public;
grant execute on function set_room_link to portal_member, portal_admin;
