-- The host of a meeting, or an admin, shows a recording of it to those who may read the notes, or takes it back. False when it
-- is not theirs to say or no recording of this meeting. Locks the recording. Called by portal/attendance/notes.py.
create function publish_recording(meeting uuid, recording uuid, is_shown boolean)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  update public.recordings x
     set published_at = case when is_shown then coalesce(x.published_at, public.club_now()) end
   where x.id = recording and x.meeting_id = meeting and public.runs_meeting(meeting);
  return found;
end
$$;
alter function publish_recording owner to portal_definer;
revoke all on function publish_recording from public;
grant execute on function publish_recording to portal_member, portal_admin;
