-- Brings the rows of these people to what was seen of them: when they came and left, for how many minutes (null: nobody
-- knows), with what. Who came without having been asked gets a row, but for a private meeting, whose rows say who may see
-- it. The caller holds the meeting's row.
create function refresh_attendance(meeting uuid, people uuid[])
returns void language sql security definer set search_path = '' as $$
  with seen as (
    select s.user_id, min(coalesce(s.joined_at, s.left_at)) filter (where s.is_best) as joined_at,
           coalesce(bool_or(s.is_open) filter (where s.is_best), false) as is_inside,
           max(coalesce(s.left_at, upper(s.measured))) filter (where s.is_best) as left_at,
           range_agg(s.measured) filter (where s.is_best) as measured,
           coalesce((array_agg(s.device_type order by s.source <> 'click', s.joined_at) filter (where s.device_type <> 'unknown'))[1],
                    'unknown') as device_type
      from public.stays s where s.meeting_id = meeting and s.user_id = any (people) group by s.user_id),
  known as (
    select p.user_id, s.joined_at, case when not s.is_inside then s.left_at end as left_at,
           case when not s.is_inside then public.minutes_inside(s.measured) end as minutes, s.device_type
      from unnest(people) p (user_id) left join seen s on s.user_id = p.user_id),
  kept as (
    update public.meeting_attendances a
       set joined_at = k.joined_at, left_at = k.left_at, join_duration = k.minutes, device_type = k.device_type
      from known k
     where a.meeting_id = meeting and a.user_id = k.user_id
       and (a.joined_at, a.left_at, a.join_duration, a.device_type) is distinct from (k.joined_at, k.left_at, k.minutes, k.device_type))
  insert into public.meeting_attendances (meeting_id, user_id, invited_at, joined_at, left_at, join_duration, device_type)
  select meeting, k.user_id, k.joined_at, k.joined_at, k.left_at, k.minutes, k.device_type
    from known k join public.meetings m on m.id = meeting
   where k.joined_at is not null and not m.is_private
  on conflict on constraint uq_meeting_attendances_meeting_id do nothing
$$;
alter function refresh_attendance owner to portal_definer;
revoke all on function refresh_attendance from public;
grant execute on function refresh_attendance to portal_worker;
