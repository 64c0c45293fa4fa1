-- A code fitted: by its half-minute, which has to be now and later than the last one taken, or by the recovery code that is
-- used up with it. The browser gets a new key, a sign-in that waited is whole, and the factor is not lost, whoever said so.
-- Null when another try was faster with the same code.
create function auth.prove(key bytea, new_key bytea, step bigint, used_slot integer, used_hash text, resealed text)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  asked record; waited boolean;
begin
  -- The person's row before the sign-in's, as everybody who ends sign-ins holds them.
  perform from public.users u where u.id = (select s.user_id from public.sign_ins s where s.key_hash = key) for no key update;
  select s.waits into waited from public.sign_ins s where s.key_hash = key for update;
  select * into asked from auth.second_factor(key, used_slot);
  if step is not null then
    update public.second_factors f set last_step = step, secret = coalesce(resealed, f.secret)
     where f.user_id = asked.user_id and f.last_step < step and auth.is_step_of_now(step);
  else
    update public.recovery_codes c set used_at = at
     where c.user_id = asked.user_id and c.slot = used_slot and c.code_hash = used_hash and c.used_at is null;
  end if;
  if not found then return null; end if;
  update public.sign_ins s set proved_at = at, waits = false, seen_at = at, key_hash = new_key where s.key_hash = key;
  update public.users u set last_login_at = at where u.id = asked.user_id and waited;
  delete from public.second_factor_endings e where e.user_id = asked.user_id;
  return asked.user_id;
end
$$;
alter function auth.prove owner to portal_definer;
revoke all on function auth.prove from public;
grant execute on function auth.prove to portal_anonymous, portal_member, portal_admin;
