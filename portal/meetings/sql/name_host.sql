-- A meeting keeps its host's name beside it, for lists that may not look at people.
create function name_host()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  new.host_name := (select left(public.display_name(u), 160) from public.users u where u.id = new.host_id);
  return new;
end
$$;
alter function name_host owner to portal_definer;
revoke all on function name_host from public;

create trigger name_host before update of host_id on meetings
  for each row when (new.host_id is distinct from old.host_id) execute function name_host();
create trigger name_host_on_insert before insert on meetings
  for each row when (new.host_id is not null) execute function name_host();
