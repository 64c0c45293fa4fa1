-- Whose sign-up a link is for, as long as it opens something. Reading changes nothing.
create function auth.read_sign_up(token bytea)
returns table (email text, first_name text, last_name text) language sql stable security definer set search_path = '' as $$
  select u.email, o.payload ->> 'first_name', o.payload ->> 'last_name'
    from public.one_time_tokens o join public.users u on u.id = o.user_id and not u.email_verified
   where o.token_hash = token and o.purpose = 'verify' and o.used_at is null and o.expires_at > public.club_now()
$$;
alter function auth.read_sign_up owner to portal_definer;
revoke all on function auth.read_sign_up from public;
grant execute on function auth.read_sign_up to portal_anonymous, portal_member, portal_admin;
