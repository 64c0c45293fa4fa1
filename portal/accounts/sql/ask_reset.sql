-- A token for a new password: older ones of the same person end. No row if nobody who may sign in has this address.
-- Called by the worker, so that a request takes as long for any address.
create function auth.ask_reset(address text, token bytea, code bytea, at timestamptz, until timestamptz)
returns table (user_id uuid, email text, first_name text) language sql security definer set search_path = '' as $$
  with person as (
    select u.id, u.email, u.first_name from public.users u where u.email_key = lower(address) and u.is_active),
  older as (
    update public.one_time_tokens t set used_at = at from person p
     where t.user_id = p.id and t.purpose = 'reset' and t.used_at is null),
  fresh as (
    insert into public.one_time_tokens (user_id, purpose, token_hash, code_hash, created_at, expires_at)
    select p.id, 'reset', token, code, at, until from person p)
  select p.id, p.email, p.first_name from person p
$$;
alter function auth.ask_reset owner to portal_definer;
revoke all on function auth.ask_reset from public;
grant execute on function auth.ask_reset to portal_worker;
