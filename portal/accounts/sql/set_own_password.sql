-- A new password for the current user. A mail for another one opens nothing any more: it may be why the password changes.
create function auth.set_own_password(new_hash text)
returns void language sql security definer set search_path = '' as $$
  update public.credentials set password_hash = new_hash, changed_at = public.club_now() where user_id = auth.uid();
  update public.one_time_tokens set used_at = public.club_now()
   where user_id = auth.uid() and purpose = 'reset' and used_at is null
$$;
alter function auth.set_own_password owner to portal_definer;
revoke all on function auth.set_own_password from public;
grant execute on function auth.set_own_password to portal_member, portal_admin;
