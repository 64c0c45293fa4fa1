-- After the meeting: what is known of who came (provisional, final, not_recorded), null if there is nothing to settle. May
-- be repeated, and is when more becomes known; what an admin corrected stays. `provisional` as long as the platform owes
-- its report. Came: was seen, and stayed five minutes, or a fifth of a short meeting, where somebody measured it. No-show:
-- said yes and was not, though the room stood ready, its door was open to them, and somebody was seen inside. Behind a
-- typed link nobody is seen, so the host's click stands for that, or those of two people. Not the host, who has other ways
-- in. Locks the meeting's row.
create function settle(meeting uuid, at timestamptz)
returns text language plpgsql security definer set search_path = '' as $$
declare
  m public.meetings;
  r public.rooms;
  lasted integer;
  expected boolean;
  record text;
begin
  select * into m from public.meetings x where x.id = meeting for no key update;
  if m.id is null or m.status not in ('scheduled', 'active', 'completed') then return null; end if;
  select * into r from public.rooms x where x.meeting_id = meeting;
  update public.meetings set status = 'completed' where id = meeting and status <> 'completed';
  update public.presences p set left_at = greatest(p.joined_at, least(at, m.ends_at))
   where p.meeting_id = meeting and p.source = 'click' and p.left_at is null;
  perform public.refresh_attendance(meeting, array(
    select distinct p.user_id from public.presences p where p.meeting_id = meeting and p.user_id is not null));

  select case when count(*) = 0 then 'not_recorded'
              when r.made_by <> 'link' and m.meeting_id is not null and r.reported_at is null and r.report_attempts < 4 then 'provisional'
              else 'final' end,
         case when bool_or(s.measured is not null) then
           round(extract(epoch from least(max(upper(s.measured)), r.ended_at) - greatest(min(lower(s.measured)), r.started_at)) / 60) end,
         coalesce(r.ready_at < m.ends_at, false)
           and (bool_or(s.source <> 'click')
                or (r.made_by = 'link' and (bool_or(s.user_id = m.host_id) or count(distinct s.user_id) > 1)))
    into record, lasted, expected
    from public.stays s where s.meeting_id = meeting and s.is_best;
  lasted := case when lasted < 0 then 0 else lasted end;
  update public.meetings set attendance_record = record, actual_duration = lasted
   where id = meeting and (attendance_record, actual_duration) is distinct from (record, lasted);

  with settled as (
    select a.id, case
             when a.joined_at is not null and coalesce(a.join_duration >= least(5, ceil(coalesce(lasted, m.duration) / 5.0)), true) then 'attended'
             when a.answer = 'accepted' and expected and a.user_id is distinct from m.host_id and u.access_until > m.starts_at
               then 'no_show' end as outcome
      from public.meeting_attendances a join public.users u on u.id = a.user_id
     where a.meeting_id = meeting and a.corrected_at is null and (a.answer = 'accepted' or a.joined_at is not null or a.outcome is not null))
  update public.meeting_attendances a set outcome = s.outcome
    from settled s where a.id = s.id and a.outcome is distinct from s.outcome;
  return record;
end
$$;
alter function settle owner to portal_definer;
revoke all on function settle from public;
grant execute on function settle to portal_worker;
