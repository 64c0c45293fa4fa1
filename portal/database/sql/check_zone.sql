-- A time zone is one of the zone database, by its name.
create function check_zone()
returns trigger language plpgsql as $$
begin
  perform now() at time zone new.timezone;
  -- PostgreSQL takes any word with a number for a zone of its own making; only names of the zone database pass here.
  if new.timezone !~ '^([A-Z][A-Za-z]+(/[A-Za-z_-]+)+|Etc/GMT[+-][0-9]|Etc/GMT[+]1[0-2]|Etc/GMT-1[0-4]|UTC)$' then
    raise exception 'not a named zone' using errcode = 'invalid_parameter_value';
  end if;
  return new;
exception when invalid_parameter_value then
  raise exception 'unknown time zone' using errcode = 'check_violation', constraint = 'check_zone_known';
end
$$;

create trigger check_zone before insert or update of timezone on meeting_series
  for each row execute function check_zone();
create trigger check_zone before insert or update of timezone on meetings
  for each row execute function check_zone();
create trigger check_zone before insert or update of timezone on users
  for each row execute function check_zone();
