-- Closes open intervals at their end and brings the attendance row after them.
create function close_presences(meeting uuid, person uuid, stale_before timestamptz, at timestamptz)
returns integer language plpgsql security definer set search_path = '' as $$
declare closed uuid[];
begin
  with gone as (
    update public.presences p
       set left_at = greatest(p.joined_at, case when stale_before is null then at else p.seen_at end)
     where p.meeting_id = meeting and p.left_at is null and (person is null or p.user_id = person)
       and (stale_before is null or p.seen_at < stale_before)
    returning p.user_id)
  select array_agg(distinct user_id) into closed from gone;
  update public.meeting_attendances a
     set left_at = (select max(p.left_at) from public.presences p where p.meeting_id = meeting and p.user_id = a.user_id),
         join_duration = public.minutes_inside(meeting, a.user_id)
   where a.meeting_id = meeting and a.user_id = any (closed);
  return coalesce(cardinality(closed), 0);
end
$$;
alter function close_presences owner to portal_definer;
revoke all on function close_presences from public;
grant execute on function close_presences to portal_worker;
