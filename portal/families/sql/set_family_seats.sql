-- How many seats a family has is the club's to say; never fewer than are taken or promised.
create function set_family_seats(plan uuid, seats integer)
returns text language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  f public.family_plans := public.lock_family(plan, at);
begin
  if f.id is null or current_setting('role') <> 'portal_admin' then return null; end if;
  if seats < f.current_members + f.invited_members then return 'too-few'; end if;
  update public.family_plans set max_members = seats where id = plan;
  return 'set';
end
$$;
alter function set_family_seats owner to portal_definer;
revoke all on function set_family_seats from public;
grant execute on function set_family_seats to portal_admin;
