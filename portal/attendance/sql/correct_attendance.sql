-- The word of an admin, or of the meeting's host about somebody else, on whether somebody came: what it is now. No row when
-- it is too early or too late for that, or the person has no row of that meeting.
create function correct_attendance(meeting uuid, person uuid, came boolean, why text)
returns setof text language sql security definer set search_path = '' as $$
  update public.meeting_attendances a
     set outcome = case when came then 'attended' when a.answer = 'accepted' then 'no_show' end,
         corrected_at = public.club_now(), correction = why
    from public.meetings m
   where m.id = meeting and m.status = 'completed' and public.club_now() <= m.ends_at + interval '30 days'
     and a.meeting_id = m.id and a.user_id = person
     and public.runs_meeting(m.id) and (current_setting('role') = 'portal_admin' or person is distinct from m.host_id)
  returning a.status
$$;
alter function correct_attendance owner to portal_definer;
revoke all on function correct_attendance from public;
grant execute on function correct_attendance to portal_member, portal_admin;
