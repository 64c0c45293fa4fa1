-- The host of a meeting that is over, or an admin, leaves notes there; null takes them away. False when it is not theirs to say,
-- the meeting is not over or was cancelled. Locks the meeting. Called by portal/attendance/notes.py.
create function write_notes(meeting uuid, words text)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  perform from public.meetings m
    where m.id = meeting and coalesce(m.archived_from, m.status) <> 'cancelled' and m.ends_at <= public.club_now()
      and public.runs_meeting(m.id)
    for no key update;
  if not found then
    return false;
  end if;
  insert into public.meeting_notes as n (meeting_id, body, written_by, written_at)
  values (meeting, words, auth.uid(), public.club_now())
      on conflict on constraint pk_meeting_notes do update
     set body = excluded.body, written_by = excluded.written_by, written_at = excluded.written_at;
  return true;
end
$$;
alter function write_notes owner to portal_definer;
revoke all on function write_notes from public;
grant execute on function write_notes to portal_member, portal_admin;
