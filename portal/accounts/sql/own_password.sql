-- The password hash of whoever asks.
create function auth.own_password()
returns text language sql stable security definer set search_path = '' as $$
  select password_hash from public.credentials where user_id = auth.uid()
$$;
alter function auth.own_password owner to portal_definer;
revoke all on function auth.own_password from public;
grant execute on function auth.own_password to portal_member, portal_admin;
