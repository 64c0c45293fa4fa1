-- A new password hash for whoever asks; links to reset it that are on their way end.
create function auth.set_own_password(new_hash text, at timestamptz)
returns void language sql security definer set search_path = '' as $$
  update public.credentials set password_hash = new_hash, changed_at = at where user_id = auth.uid();
  update public.one_time_tokens set used_at = at where user_id = auth.uid() and purpose = 'reset' and used_at is null
$$;
alter function auth.set_own_password owner to portal_definer;
revoke all on function auth.set_own_password from public;
grant execute on function auth.set_own_password to portal_member, portal_admin;
