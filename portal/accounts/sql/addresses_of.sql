-- Every address of a person in the last thirty days, the present one first.
create function auth.addresses_of(person uuid)
returns table (address text) language sql stable security definer set search_path = '' as $$
  select u.email from public.users u where u.id = person
  union
  select f.email from public.former_addresses f
   where f.user_id = person and f.until > public.club_now() - interval '30 days'
$$;
alter function auth.addresses_of owner to portal_definer;
revoke all on function auth.addresses_of from public;
grant execute on function auth.addresses_of to portal_worker;
