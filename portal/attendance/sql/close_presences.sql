-- The clicks on Join of one person, or of everybody (null), end at this moment; false if none was open. What a platform
-- saw is the platform's to end. Locks the meeting's row.
create function close_presences(meeting uuid, person uuid, at timestamptz)
returns boolean language plpgsql security definer set search_path = '' as $$
declare closed uuid[];
begin
  perform from public.meetings m where m.id = meeting for no key update;
  with gone as (
    update public.presences p set left_at = greatest(p.joined_at, at)
     where p.meeting_id = meeting and p.source = 'click' and p.left_at is null and (person is null or p.user_id = person)
    returning p.user_id)
  select array_agg(distinct user_id) into closed from gone;
  perform public.refresh_attendance(meeting, closed) where closed is not null;
  return closed is not null;
end
$$;
alter function close_presences owner to portal_definer;
revoke all on function close_presences from public;
grant execute on function close_presences to portal_worker;
