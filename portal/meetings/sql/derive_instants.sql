-- A meeting's instants follow its day, wall time, zone and length; nobody writes them.
create function derive_instants()
returns trigger language plpgsql as $$
begin
  new.starts_at := public.local_instant(new.scheduled_date, new.start_time, new.timezone);
  new.ends_at := new.starts_at + make_interval(mins => new.duration);
  return new;
end
$$;

create trigger derive_instants before insert or update of scheduled_date, start_time, timezone, duration, starts_at, ends_at on meetings
  for each row execute function derive_instants();
