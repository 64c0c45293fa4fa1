-- What is the same for everybody who may watch: the numbers of these meetings.
create function boards(meetings uuid[])
returns table (
  id uuid, title text, host_name text, platform text, starts_at timestamptz, ends_at timestamptz,
  duration integer, timezone text, status text, max_attendees integer, seats_taken integer,
  waiting_count integer, attendee_count integer, cancellation_reason text, attendance_record text,
  here bigint, changed_at timestamptz, provision_state text
) language sql stable security definer set search_path = '' as $$
  select m.id, m.title, m.host_name, m.platform, m.starts_at, m.ends_at, m.duration, m.timezone,
         coalesce(m.archived_from, m.status), m.max_attendees, m.seats_taken, m.waiting_count, m.attendee_count,
         m.cancellation_reason, m.attendance_record,
         (select count(distinct s.user_id) from public.stays s where s.meeting_id = m.id and s.is_open and s.is_best), m.updated_at,
         m.provision_state
    from public.meetings m
   where m.id = any (meetings)
     and (not m.is_private or current_setting('role') in ('none', 'portal_admin') or exists (
       select from public.meeting_attendances a where a.meeting_id = m.id and a.user_id = auth.uid()))
$$;
alter function boards owner to portal_definer;
revoke all on function boards from public;
grant execute on function boards to portal_member, portal_admin, portal_web;
