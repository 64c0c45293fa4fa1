-- The same password under newer settings of the hash, or in the one form it is kept in: whoever replaces the hash has to
-- bring the one that is kept.
create function auth.rehash(person uuid, old_hash text, new_hash text)
returns void language sql security definer set search_path = '' as $$
  update public.credentials set password_hash = new_hash where user_id = person and password_hash = old_hash
$$;
alter function auth.rehash owner to portal_definer;
revoke all on function auth.rehash from public;
grant execute on function auth.rehash to portal_anonymous, portal_member, portal_admin;
