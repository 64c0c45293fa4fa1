-- Who hosts a private meeting is invited to it.
create function invite_host()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.meeting_attendances (meeting_id, user_id, invited_at)
    values (new.id, new.host_id, now()) on conflict do nothing;
  return null;
end
$$;
alter function invite_host owner to portal_definer;
revoke all on function invite_host from public;

create trigger invite_host after insert or update of host_id, is_private on meetings
  for each row when (new.is_private and (new.host_id is not null)) execute function invite_host();
