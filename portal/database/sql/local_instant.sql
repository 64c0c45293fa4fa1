-- The first instant at which clocks in `zone` read `wall` on that day. A time they skip raises check_meeting_time_exists.
create function local_instant(day date, wall time, zone text)
returns timestamptz language plpgsql stable as $$
declare
  guess timestamptz := (day + wall) at time zone zone;
  before timestamptz := (day + wall) at time zone 'UTC'
         - ((guess - interval '1 day') at time zone zone - (guess - interval '1 day') at time zone 'UTC');
  after timestamptz := (day + wall) at time zone 'UTC'
         - ((guess + interval '1 day') at time zone zone - (guess + interval '1 day') at time zone 'UTC');
begin
  if least(before, after) at time zone zone = day + wall then return least(before, after); end if;
  if greatest(before, after) at time zone zone = day + wall then return greatest(before, after); end if;
  raise exception 'the clocks in % skip % on %', zone, wall, day
    using errcode = 'check_violation', constraint = 'check_meeting_time_exists';
end
$$;
