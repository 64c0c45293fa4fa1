-- Whoever asks has left: their open presence ends. False if there was none.
create function leave_meeting(meeting uuid)
returns boolean language sql security definer set search_path = '' as $$
  select public.close_presences(meeting, auth.uid(), null, public.club_now()) > 0
$$;
alter function leave_meeting owner to portal_definer;
revoke all on function leave_meeting from public;
grant execute on function leave_meeting to portal_member, portal_admin;
