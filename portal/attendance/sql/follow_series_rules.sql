-- A series that changes from a day on goes on as another one: the rules about it go on with it.
create function follow_series_rules()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.standing_answers s set series_id = new.series_id
   where s.series_id = old.series_id
     and not exists (select from public.standing_answers o where o.user_id = s.user_id and o.series_id = new.series_id);
  return null;
end
$$;
alter function follow_series_rules owner to portal_definer;
revoke all on function follow_series_rules from public;

create trigger follow_series_rules after update of series_id on meetings
  for each row when (old.series_id <> new.series_id) execute function follow_series_rules();
