-- The first code fitted what the app was shown, of a half-minute that is now. Every sign-in but this one ends: none of
-- them ever gave a code; this one has another key from now on.
create function auth.keep_second_factor(shown text, step bigint, hashes text[], this_sign_in uuid, new_key bytea)
returns boolean language plpgsql security definer set search_path = '' as $$
declare at constant timestamptz := public.club_now();
begin
  if not auth.is_step_of_now(step) then return false; end if;
  update public.second_factors f set secret = f.pending, pending = null, set_up_at = at, last_step = step
   where f.user_id = auth.uid() and f.pending = shown;
  if not found then return false; end if;
  delete from public.second_factor_endings where user_id = auth.uid();
  perform auth.new_recovery_codes(hashes);
  update public.sign_ins s set proved_at = at, key_hash = coalesce(new_key, s.key_hash)
   where s.id = this_sign_in and s.user_id = auth.uid() and not s.waits;
  update public.sign_ins s set ended_at = at
   where s.user_id = auth.uid() and s.ended_at is null and s.id is distinct from this_sign_in;
  return true;
end
$$;
alter function auth.keep_second_factor owner to portal_definer;
revoke all on function auth.keep_second_factor from public;
grant execute on function auth.keep_second_factor to portal_member, portal_admin;
