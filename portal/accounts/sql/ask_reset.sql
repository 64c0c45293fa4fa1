-- A link and a code for a new password, good for half an hour, instead of the ones before; for confirmed accounts only.
-- A sign-up nobody confirmed has no password to be lost, and what was typed in it is no name to greet by.
create function auth.ask_reset(address text, token bytea, code bytea)
returns table (user_id uuid, email text, first_name text) language sql security definer set search_path = '' as $$
  with person as (
    select u.id, u.email, u.first_name from public.users u
     where u.email_key = lower(address) and u.is_active and u.email_verified),
  older as (
    update public.one_time_tokens t set used_at = public.club_now() from person p
     where t.user_id = p.id and t.purpose = 'reset' and t.used_at is null),
  fresh as (
    insert into public.one_time_tokens (user_id, purpose, token_hash, code_hash, created_at, expires_at)
    select p.id, 'reset', token, code, public.club_now(), public.club_now() + interval '30 minutes' from person p)
  select p.id, p.email, p.first_name from person p
$$;
alter function auth.ask_reset owner to portal_definer;
revoke all on function auth.ask_reset from public;
grant execute on function auth.ask_reset to portal_worker;
