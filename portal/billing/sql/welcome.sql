-- The days a new person gets from the club, once, when the address is confirmed; a month at most.
create function welcome(person uuid, days integer, at timestamptz)
returns void language sql security definer set search_path = '' as $$
  insert into public.access_grants (user_id, kind, starts_at, ends_at, reason)
  select person, 'welcome', at, at + make_interval(days => least(days, 31)), 'the first days are on the club'
   where days > 0 and exists (select from public.users where id = person and email_verified)
  on conflict do nothing;
  select public.project_access(person, at)
$$;
alter function welcome owner to portal_definer;
revoke all on function welcome from public;
grant execute on function welcome to portal_anonymous, portal_worker;
