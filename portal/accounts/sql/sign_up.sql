-- A new address gets a row without names, an unverified one another chance: what was typed is true only through the mail,
-- whose link and code work for a day. A verified one is left alone and reported as known.
create function auth.sign_up(address text, given jsonb, token bytea, code bytea)
returns table (user_id uuid, known boolean) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  person public.users;
begin
  insert into public.users (email, created_at) values (address, at) on conflict on constraint uq_users_email_key do nothing;
  select * into person from public.users u where u.email_key = lower(address);
  if not person.email_verified then
    insert into public.one_time_tokens (user_id, purpose, token_hash, code_hash, payload, created_at, expires_at)
      values (person.id, 'verify', token, code, given, at, at + interval '24 hours');
  end if;
  return query select person.id, person.email_verified;
end
$$;
alter function auth.sign_up owner to portal_definer;
revoke all on function auth.sign_up from public;
grant execute on function auth.sign_up to portal_anonymous, portal_member, portal_admin;
