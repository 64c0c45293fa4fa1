-- Whoever asks says that they have left: their click ends. False if there was none. Says nothing of how long they stayed,
-- and a platform that still sees them is believed.
create function leave_meeting(meeting uuid)
returns boolean language sql security definer set search_path = '' as $$
  select public.close_presences(meeting, auth.uid(), public.club_now())
$$;
alter function leave_meeting owner to portal_definer;
revoke all on function leave_meeting from public;
grant execute on function leave_meeting to portal_member, portal_admin;
