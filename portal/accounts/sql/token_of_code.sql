-- The live token that a typed code belongs to. A wrong code counts against every live one of that address and purpose:
-- after five the code is dead, the link is not.
create function auth.token_of_code(wanted text, address text, code bytea)
returns uuid language plpgsql security definer set search_path = '' as $$
declare found_token uuid;
begin
  select o.id into found_token from public.one_time_tokens o join public.users u on u.id = o.user_id
   where u.email_key = lower(address) and o.purpose = wanted and o.code_hash = code
     and o.used_at is null and o.expires_at > public.club_now() and o.wrong_codes < 5 limit 1;
  if found_token is null then
    update public.one_time_tokens o set wrong_codes = wrong_codes + 1 from public.users u
     where u.email_key = lower(address) and o.user_id = u.id and o.purpose = wanted and o.used_at is null;
  end if;
  return found_token;
end
$$;
alter function auth.token_of_code owner to portal_definer;
revoke all on function auth.token_of_code from public;
