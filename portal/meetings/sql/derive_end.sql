-- A meeting ends `duration` minutes after its start, whoever writes it. Which instant its wall clock shows is not for the
-- database to say: its zone rules are not those times are shown by.
create function derive_end()
returns trigger language plpgsql as $$
begin
  new.ends_at := new.starts_at + make_interval(mins => new.duration);
  return new;
end
$$;

create trigger derive_end before insert or update of starts_at, duration, ends_at on meetings
  for each row execute function derive_end();
