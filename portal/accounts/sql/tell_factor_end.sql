-- Whom to tell that a second factor said to be lost will end: every address of the last thirty days, with a link (its
-- token) that stops it. At once and then once a day; nobody if they were told within a day. For the worker.
create function auth.tell_factor_end(person uuid, token bytea)
returns table (address text, first_name text, timezone text, ends_at timestamptz) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  e public.second_factor_endings;
begin
  -- Hourly looks are never quite an hour apart: what was told 23 hours ago is told again.
  update public.second_factor_endings x set told_at = at
   where x.user_id = person and x.ends_at > at and (x.told_at is null or x.told_at <= at - interval '23 hours')
  returning * into e;
  if e.user_id is null then return; end if;
  insert into public.one_time_tokens (user_id, purpose, token_hash, code_hash, wrong_codes, created_at, expires_at)
    values (person, 'keep_factor', token, token, 5, at, e.ends_at);
  return query select a.address, u.first_name, u.timezone, e.ends_at
    from public.users u cross join lateral auth.addresses_of(u.id) a where u.id = person;
end
$$;
alter function auth.tell_factor_end owner to portal_definer;
revoke all on function auth.tell_factor_end from public;
grant execute on function auth.tell_factor_end to portal_worker;
