-- Whom an address belongs to and their password hash, for signing in. No row unless they may sign in.
create function auth.password_of(address text)
returns table (user_id uuid, password_hash text) language sql stable security definer set search_path = '' as $$
  select u.id, c.password_hash from public.users u join public.credentials c on c.user_id = u.id
   where u.email_key = lower(address) and u.email_verified and u.is_active
$$;
alter function auth.password_of owner to portal_definer;
revoke all on function auth.password_of from public;
grant execute on function auth.password_of to portal_anonymous, portal_member, portal_admin;
