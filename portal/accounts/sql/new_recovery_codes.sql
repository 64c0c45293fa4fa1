-- Ten new recovery codes (as hashes) in place of all older ones; nothing without a second factor.
create function auth.new_recovery_codes(hashes text[])
returns void language sql security definer set search_path = '' as $$
  insert into public.recovery_codes (user_id, slot, code_hash)
  select f.user_id, n - 1, h from public.second_factors f, unnest(hashes) with ordinality as new (h, n)
   where f.user_id = auth.uid() and f.secret is not null
  on conflict (user_id, slot) do update set code_hash = excluded.code_hash, used_at = null
$$;
alter function auth.new_recovery_codes owner to portal_definer;
revoke all on function auth.new_recovery_codes from public;
grant execute on function auth.new_recovery_codes to portal_member, portal_admin;
