-- A club without an admin could never get one again, so the last one stays, whoever asks.
create function keep_an_admin()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtext('standing'));
  if not exists (select from public.users where is_admin and is_active) then
    raise exception 'the last admin stays' using errcode = 'check_violation', constraint = 'check_last_admin';
  end if;
  return null;
end
$$;
alter function keep_an_admin owner to portal_definer;
revoke all on function keep_an_admin from public;

create trigger keep_an_admin after delete or update of is_admin, is_active on users
  for each row when (old.is_admin and old.is_active) execute function keep_an_admin();
