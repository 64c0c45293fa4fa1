-- Without a second factor nobody has given one; an admin has to have one.
create function auth.drop_second_factor()
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.users where id = auth.uid() and is_admin) then
    raise exception 'an admin keeps the second factor' using errcode = 'check_violation', constraint = 'check_admin_factor';
  end if;
  delete from public.second_factor_endings where user_id = auth.uid();
  delete from public.recovery_codes where user_id = auth.uid();
  delete from public.second_factors where user_id = auth.uid();
  if not found then return false; end if;
  update public.sign_ins set proved_at = null where user_id = auth.uid();
  return true;
end
$$;
alter function auth.drop_second_factor owner to portal_definer;
revoke all on function auth.drop_second_factor from public;
grant execute on function auth.drop_second_factor to portal_member, portal_admin;
