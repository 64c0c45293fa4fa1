-- The operator's way, for somebody who lost app and codes: every sign-in ends with it.
create function auth.reset_second_factor(person uuid, at timestamptz)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  delete from public.recovery_codes where user_id = person;
  delete from public.second_factors where user_id = person;
  if not found then return false; end if;
  update public.sign_ins set ended_at = coalesce(ended_at, at), proved_at = null where user_id = person;
  return true;
end
$$;
alter function auth.reset_second_factor owner to portal_definer;
revoke all on function auth.reset_second_factor from public;
grant execute on function auth.reset_second_factor to portal_worker;
