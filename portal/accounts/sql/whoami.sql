-- Whose sign-in is this? One that waits for its code is nobody's. Idle for 14 days or 90 days old is over.
-- `seen_at` is a log, kept to five minutes, and not at all on a standby, whose pages are read all the same.
create function auth.whoami(key bytea)
returns table (
  sign_in_id uuid, id uuid, email text, first_name text, last_name text, timezone text, is_admin boolean,
  subscription_status text, access_until timestamptz, proved_at timestamptz, subscription_expiry timestamptz
) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  seen timestamptz;
begin
  select s.id, u.id, u.email, u.first_name, u.last_name, u.timezone, u.is_admin, u.subscription_status, u.access_until, s.seen_at, s.proved_at, u.subscription_expiry
    into sign_in_id, id, email, first_name, last_name, timezone, is_admin, subscription_status, access_until, seen, proved_at, subscription_expiry
    from public.sign_ins s join public.users u on u.id = s.user_id
   where s.key_hash = key and s.ended_at is null and u.is_active and not s.waits
     and s.seen_at > at - interval '14 days' and s.created_at > at - interval '90 days';
  if found then
    if seen < at - interval '5 minutes' and current_setting('transaction_read_only') = 'off' then
      update public.sign_ins s set seen_at = at where s.key_hash = key;
    end if;
    return next;
  end if;
end
$$;
alter function auth.whoami owner to portal_definer;
revoke all on function auth.whoami from public;
grant execute on function auth.whoami to portal_web;
