-- A row of the log that a browser's transaction writes is of this moment, give or take ten minutes: nothing is slipped in
-- between rows of last week, or put off until nobody looks. Moved to the nearest such moment, for a log loses nothing.
create function keep_log_near_now()
returns trigger language plpgsql as $$
begin
  if current_user in ('portal_anonymous', 'portal_member', 'portal_admin') then
    new.timestamp := greatest(public.club_now() - interval '10 minutes',
                              least(new.timestamp, public.club_now() + interval '10 minutes'));
  end if;
  return new;
end
$$;

create trigger keep_log_near_now before insert on system_logs
  for each row execute function keep_log_near_now();
