-- Who closed the account hosts nothing and is named nowhere.
create function rename_host()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.meetings m
     set host_id = case when new.closed_at is null then m.host_id end,
         host_name = case when new.closed_at is null then left(public.display_name(new), 160) end
   where m.id in (select id from public.meetings where host_id = new.id order by id for no key update);
  update public.meeting_series set host_id = null where host_id = new.id and new.closed_at is not null;
  return null;
end
$$;
alter function rename_host owner to portal_definer;
revoke all on function rename_host from public;

create trigger rename_host after update of first_name, last_name, email, closed_at on users
  for each row when ((((old.first_name is distinct from new.first_name) or (old.last_name is distinct from new.last_name)) or (old.email is distinct from new.email)) or (old.closed_at is distinct from new.closed_at)) execute function rename_host();
