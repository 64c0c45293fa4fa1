-- Through the door: checks window, access and answer again, and notes who came when and with what. How early doors open
-- is the club's setting, and an hour at most whatever the caller says.
create function join_meeting(meeting uuid, device text, doors_minutes integer)
returns table (refusal text, changed boolean, offered uuid[]) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  m public.meetings;
  answered text;
begin
  select a.answer, a.refusal, a.offered into answered, refusal, offered from public.rsvp(meeting, 'accepted') a;
  if answered is null then refusal := 'unknown'; return next; return; end if;
  select * into m from public.meetings x where x.id = meeting;
  refusal := coalesce(refusal,
    case when at < m.starts_at - make_interval(mins => least(doors_minutes, 60)) then 'early'
         when answered = 'waitlisted' then 'full'
         when answered <> 'accepted' then answered end);
  if refusal is not null then
    return next; return;
  end if;
  insert into public.presences (meeting_id, user_id, joined_at, device_type)
  select meeting, auth.uid(), at, device
   where not exists (select from public.presences p
                      where p.meeting_id = meeting and p.user_id = auth.uid() and p.left_at is null);
  changed := found;
  update public.meeting_attendances x
     set joined_at = coalesce(x.joined_at, at), device_type = coalesce(x.device_type, device), left_at = null
   where x.meeting_id = meeting and x.user_id = auth.uid();
  return next;
end
$$;
alter function join_meeting owner to portal_definer;
revoke all on function join_meeting from public;
grant execute on function join_meeting to portal_member, portal_admin;
