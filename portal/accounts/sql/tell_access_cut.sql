-- Whose access is cut short watches on without names: their streams are closed, and come back as what they may be now.
create function tell_access_cut()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform pg_notify('sign_ins', s.id::text) from public.sign_ins s where s.user_id = new.id and s.ended_at is null and not s.waits;
  return null;
end
$$;
alter function tell_access_cut owner to portal_definer;
revoke all on function tell_access_cut from public;

create trigger tell_access_cut after update of access_until on users
  for each row when ((old.access_until is not null) and ((new.access_until is null) or (new.access_until < old.access_until))) execute function tell_access_cut();
