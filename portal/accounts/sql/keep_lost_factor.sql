-- The link of the mails: the second factor was not lost, and stays. Whose it is; null if nothing was to end (any more).
create function auth.keep_lost_factor(token bytea)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  person uuid;
begin
  select o.user_id into person from public.one_time_tokens o
   where o.token_hash = token and o.purpose = 'keep_factor' and o.used_at is null and o.expires_at > at;
  delete from public.second_factor_endings e where e.user_id = person and e.ends_at > at returning e.user_id into person;
  if not found then return null; end if;
  update public.one_time_tokens o set used_at = at where o.user_id = person and o.purpose = 'keep_factor' and o.used_at is null;
  return person;
end
$$;
alter function auth.keep_lost_factor owner to portal_definer;
revoke all on function auth.keep_lost_factor from public;
grant execute on function auth.keep_lost_factor to portal_anonymous, portal_member, portal_admin;
