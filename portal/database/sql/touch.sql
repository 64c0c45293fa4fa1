-- When a row last changed.
create function touch()
returns trigger language plpgsql as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end
$$;

create trigger touch before update on family_plans
  for each row execute function touch();
create trigger touch before update on meeting_attendances
  for each row execute function touch();
create trigger touch before update on meeting_series
  for each row execute function touch();
create trigger touch before update on meetings
  for each row execute function touch();
create trigger touch before update on orders
  for each row execute function touch();
create trigger touch before update on subscriptions
  for each row execute function touch();
create trigger touch before update on users
  for each row execute function touch();
