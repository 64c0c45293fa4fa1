-- The three days are over and nobody gave a code: the second factor ends, and every sign-in with it. Whoever became an
-- admin meanwhile keeps it. False if there is nothing to end (yet). For the worker.
create function auth.end_lost_factor(person uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  -- The person's row first, as everybody who ends sign-ins holds them: a code given just now comes before this, or after.
  perform from public.users u where u.id = person for no key update;
  delete from public.second_factor_endings e where e.user_id = person and e.ends_at <= public.club_now();
  if not found or exists (select from public.users u where u.id = person and u.is_admin) then return false; end if;
  return auth.reset_second_factor(person);
end
$$;
alter function auth.end_lost_factor owner to portal_definer;
revoke all on function auth.end_lost_factor from public;
grant execute on function auth.end_lost_factor to portal_worker;
