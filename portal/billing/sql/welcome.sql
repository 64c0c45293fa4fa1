-- The days a new person gets from the club when the address is confirmed; a month at most, and once for each address
-- (`mark` is its keyed hash). Of two accounts of one address at once the second waits here for the first and gets none.
-- True if they were given. Called with the confirmation of an address, in its transaction.
create function welcome(person uuid, days integer, mark bytea)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  given boolean := false;
begin
  if days > 0 and exists (select from public.users where id = person and email_verified)
     and not exists (select from public.access_grants where user_id = person and kind = 'welcome') then
    insert into public.free_days (mark, user_id) values (welcome.mark, person) on conflict do nothing;
    given := found;
  end if;
  if given then
    insert into public.access_grants (user_id, kind, starts_at, ends_at, reason)
    values (person, 'welcome', at, at + make_interval(days => least(days, 31)), 'the first days are on the club');
  end if;
  perform public.refresh_projection(person, at);
  return given;
end
$$;
alter function welcome owner to portal_definer;
revoke all on function welcome from public;
grant execute on function welcome to portal_anonymous, portal_worker;
