-- What a typed password is compared with; whoever is suspended has one too, and is told so when it fits.
create function auth.password_of(address text)
returns table (user_id uuid, password_hash text, suspended boolean) language sql stable security definer set search_path = '' as $$
  select u.id, c.password_hash, not u.is_active from public.users u join public.credentials c on c.user_id = u.id
   where u.email_key = lower(address) and u.email_verified
$$;
alter function auth.password_of owner to portal_definer;
revoke all on function auth.password_of from public;
grant execute on function auth.password_of to portal_anonymous, portal_member, portal_admin;
