-- Only an admin (or the operator's worker login) changes who is an admin or active; null leaves either as it is.
create function auth.set_account_status(person uuid, active boolean, admin boolean)
returns void language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('role') <> 'none'
     and not exists (select from public.users where id = auth.uid() and is_admin and is_active) then
    raise insufficient_privilege using message = 'only an admin changes standing';
  end if;
  perform pg_advisory_xact_lock(hashtext('standing'));
  update public.users set is_active = coalesce(active, is_active), is_admin = coalesce(admin, is_admin) where id = person;
  if not active or not admin then
    update public.sign_ins set ended_at = public.club_now() where user_id = person and ended_at is null;
  end if;
end
$$;
alter function auth.set_account_status owner to portal_definer;
revoke all on function auth.set_account_status from public;
grant execute on function auth.set_account_status to portal_admin, portal_worker;
