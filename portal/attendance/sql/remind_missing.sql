-- Notes that the host or an admin has those reminded who said yes and have not come; 'over' unless the meeting is running
-- and has a room, 'again' if that was done less than ten minutes ago, else null.
create function remind_missing(meeting uuid)
returns text language plpgsql security definer set search_path = '' as $$
declare at constant timestamptz := public.club_now();
begin
  if not public.runs_meeting(meeting) then raise insufficient_privilege; end if;
  perform from public.rooms r join public.meetings m on m.id = r.meeting_id
    where r.meeting_id = meeting and m.status in ('scheduled', 'active') and m.starts_at <= at and m.ends_at > at;
  if not found then return 'over'; end if;
  update public.rooms r set reminded_at = at
   where r.meeting_id = meeting and coalesce(r.reminded_at <= at - interval '10 minutes', true);
  return case when not found then 'again' end;
end
$$;
alter function remind_missing owner to portal_definer;
revoke all on function remind_missing from public;
grant execute on function remind_missing to portal_member, portal_admin;
