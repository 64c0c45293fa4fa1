-- A meeting that is deleted leaves its room at the platform for the worker to delete there.
create function leave_room()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.obsolete_rooms (platform, provider_id)
  select r.made_by, old.meeting_id from public.rooms r where r.meeting_id = old.id and r.made_by <> 'link'
      on conflict do nothing;
  return old;
end
$$;
alter function leave_room owner to portal_definer;
revoke all on function leave_room from public;

create trigger leave_room before delete on meetings
  for each row when (old.meeting_id is not null) execute function leave_room();
