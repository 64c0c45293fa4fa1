-- Streams of an ended sign-in are closed at once by whoever listens.
create function tell_ended()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform pg_notify('sign_ins', new.id::text);
  return null;
end
$$;
alter function tell_ended owner to portal_definer;
revoke all on function tell_ended from public;

create trigger tell_ended after update of ended_at on sign_ins
  for each row when ((old.ended_at is null) and (new.ended_at is not null)) execute function tell_ended();
