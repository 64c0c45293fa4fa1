-- Without app and codes: the password alone opens the account again, and every sign-in ends. The operator's way, and what
-- becomes of a factor that is lost.
create function auth.reset_second_factor(person uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  delete from public.second_factor_endings where user_id = person;
  delete from public.recovery_codes where user_id = person;
  delete from public.second_factors where user_id = person;
  if not found then return false; end if;
  update public.sign_ins set ended_at = coalesce(ended_at, public.club_now()), proved_at = null where user_id = person;
  return true;
end
$$;
alter function auth.reset_second_factor owner to portal_definer;
revoke all on function auth.reset_second_factor from public;
grant execute on function auth.reset_second_factor to portal_worker;
