-- The typed code of a sign-up opens what its link opens: a token of its own for this browser, and the code is used up.
-- False if it does not fit (any more).
create function auth.open_sign_up(address text, code bytea, fresh bytea)
returns boolean language plpgsql security definer set search_path = '' as $$
declare opened uuid;
begin
  update public.one_time_tokens o set wrong_codes = 5
   where o.id = auth.token_of_code('verify', address, code) and o.wrong_codes < 5
  returning o.id into opened;
  insert into public.one_time_tokens (user_id, purpose, token_hash, code_hash, wrong_codes, payload, created_at, expires_at)
    select o.user_id, 'verify', fresh, fresh, 5, o.payload, public.club_now(), o.expires_at
      from public.one_time_tokens o where o.id = opened;
  return opened is not null;
end
$$;
alter function auth.open_sign_up owner to portal_definer;
revoke all on function auth.open_sign_up from public;
grant execute on function auth.open_sign_up to portal_anonymous, portal_member, portal_admin;
