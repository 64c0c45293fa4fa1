-- The host of a meeting, or an admin, wants the room made again at its platform, whatever became of it. One that is ready
-- stays open meanwhile, and counts as made for another meeting, so that the worker asks the platform about it. False when it
-- is not theirs to say, the meeting is over or cancelled, or its address was typed. Called by portal/rooms/actions.py.
create function retry_room(meeting uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  update public.meetings m set provision_state = case m.provision_state when 'ready' then 'ready' else 'requested' end
   where m.id = meeting and m.status in ('scheduled', 'active') and m.ends_at > public.club_now()
     and public.runs_meeting(m.id)
     and exists (select from public.rooms r where r.meeting_id = m.id and r.made_by <> 'link');
  if not found then
    return false;
  end if;
  update public.rooms r set attempts = 0, next_try_at = null, title = '' where r.meeting_id = meeting;
  return true;
end
$$;
alter function retry_room owner to portal_definer;
revoke all on function retry_room from public;
grant execute on function retry_room to portal_member, portal_admin;
