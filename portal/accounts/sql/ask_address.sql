-- Somebody signed in wants another address, or to confirm their own once more: a code for it, good for ten minutes, instead of
-- the one before. Whose it is already, if it is another confirmed account's: then no code is kept.
create function auth.ask_address(address text, token bytea, code bytea)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  owner uuid;
begin
  update public.one_time_tokens set used_at = at where user_id = auth.uid() and purpose = 'address' and used_at is null;
  select id into owner from public.users where email_key = lower(address) and email_verified and id <> auth.uid();
  if owner is null then
    insert into public.one_time_tokens (user_id, purpose, token_hash, code_hash, payload, created_at, expires_at)
    values (auth.uid(), 'address', token, code, jsonb_build_object('email', address), at, at + interval '10 minutes');
  end if;
  return owner;
end
$$;
alter function auth.ask_address owner to portal_definer;
revoke all on function auth.ask_address from public;
grant execute on function auth.ask_address to portal_member, portal_admin;
