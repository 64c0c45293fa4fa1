-- Through the door: checks window, access, answer and room again, and notes who came when and with what. `address` is where
-- this person goes, sealed: the host's own, else a personal one, else the room's; it is given out here and nowhere else.
-- How early doors open is the club's setting, and an hour at most whatever the caller says; for the host half an hour
-- earlier, who also comes in when every place is taken. Called by portal/attendance/rsvp.py.
create function join_meeting(meeting uuid, device text, doors_minutes integer)
returns table (refusal text, changed boolean, offered uuid[], address text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  m public.meetings;
  hosts boolean;
  answered text;
begin
  select a.answer, a.refusal, a.offered into answered, refusal, offered from public.rsvp(meeting, 'accepted') a;
  if answered is null then refusal := 'unknown'; return next; return; end if;
  select * into m from public.meetings x where x.id = meeting;
  hosts := coalesce(m.host_id = auth.uid(), false);
  refusal := coalesce(refusal,
    case when at < m.starts_at - make_interval(mins => least(doors_minutes, 60) + case when hosts then 30 else 0 end) then 'early'
         when answered = 'waitlisted' and not hosts then 'full'
         when answered not in ('accepted', 'waitlisted') then answered
         when m.provision_state <> 'ready' or m.meeting_link is null then 'no-room' end);
  if refusal is not null then
    return next; return;
  end if;
  address := coalesce(
    (select r.host_address from public.rooms r
      where r.meeting_id = meeting and hosts and coalesce(r.host_address_until > at, true)),
    (select g.address from public.room_registrants g
      where g.meeting_id = meeting and g.user_id = auth.uid() and g.revoked_at is null),
    m.meeting_link);
  insert into public.presences (meeting_id, user_id, joined_at, device_type, source)
  select meeting, auth.uid(), at, device, 'click'
   where not exists (select from public.presences p
                      where p.meeting_id = meeting and p.user_id = auth.uid() and p.source = 'click' and p.left_at is null);
  changed := found;
  perform public.refresh_attendance(meeting, array[auth.uid()]) where changed;
  return next;
end
$$;
alter function join_meeting owner to portal_definer;
revoke all on function join_meeting from public;
grant execute on function join_meeting to portal_member, portal_admin;
