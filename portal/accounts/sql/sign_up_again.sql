-- The same sign-up once more, by the browser that began it (it kept the hash of its own token).
create function auth.sign_up_again(old bytea, token bytea, code bytea)
returns table (user_id uuid, email text) language sql security definer set search_path = '' as $$
  update public.one_time_tokens t
     set token_hash = token, code_hash = code, expires_at = public.club_now() + interval '24 hours', wrong_codes = 0
    from public.users u
   where t.token_hash = old and t.purpose = 'verify' and t.used_at is null
     and u.id = t.user_id and not u.email_verified
  returning t.user_id, u.email
$$;
alter function auth.sign_up_again owner to portal_definer;
revoke all on function auth.sign_up_again from public;
grant execute on function auth.sign_up_again to portal_anonymous, portal_member, portal_admin;
