-- A meeting that becomes private is only for whom somebody invites, and for whoever has answered: those who were invited
-- as everybody was do not see it any more. Waits for whoever is just inviting everybody.
create function uninvite_everybody()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtext('invitations'));
  delete from public.meeting_attendances a
   where a.meeting_id = new.id and a.is_general and a.answer = 'invited' and a.joined_at is null and a.outcome is null;
  return null;
end
$$;
alter function uninvite_everybody owner to portal_definer;
revoke all on function uninvite_everybody from public;

create trigger uninvite_everybody after update of is_private on meetings
  for each row when (new.is_private and not old.is_private) execute function uninvite_everybody();
