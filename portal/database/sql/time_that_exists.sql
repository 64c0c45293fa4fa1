-- Where the clocks skip a wall time, the one they show instead: later by the gap. Any other is itself.
create function time_that_exists(day date, wall time, zone text)
returns timestamp without time zone language sql stable as $$
  select ((day + wall) at time zone zone) at time zone zone
$$;
