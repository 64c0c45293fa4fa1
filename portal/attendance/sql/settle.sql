-- After the meeting: who came is who stayed five minutes, or a fifth of a short one. Said yes and did not: no-show.
create function settle(meeting uuid, at timestamptz)
returns void language plpgsql security definer set search_path = '' as $$
declare enough integer; first_in timestamptz; last_out timestamptz;
begin
  perform public.close_presences(meeting, null, null, least(at, (select ends_at from public.meetings where id = meeting)));
  select min(p.joined_at), max(p.left_at) into first_in, last_out from public.presences p where p.meeting_id = meeting;
  update public.meetings set status = 'completed', actual_duration = round(extract(epoch from last_out - first_in) / 60)
   where id = meeting and status in ('scheduled', 'active')
   returning least(5, ceil(coalesce(actual_duration, duration) / 5.0)) into enough;
  if not found then return; end if;
  update public.meeting_attendances a
     set outcome = case when a.join_duration >= enough then 'attended' when a.answer = 'accepted' then 'no_show' end
   where a.meeting_id = meeting and (a.answer = 'accepted' or a.join_duration is not null) and a.outcome is null;
end
$$;
alter function settle owner to portal_definer;
revoke all on function settle from public;
grant execute on function settle to portal_worker;
