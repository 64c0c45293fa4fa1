-- A sign-in for this person; with a second factor it waits, and the person has not signed in before the code is given.
-- What the same browser held until now is over. Null if the account may not.
create function auth.open_sign_in(
  person uuid, key bytea, device text, network inet, in_place_of bytea default null
)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  waits boolean := exists (select from public.second_factors f where f.user_id = person and f.secret is not null);
  opened uuid;
begin
  perform from public.users u where u.id = person and u.is_active and u.email_verified for no key update;
  if not found then return null; end if;
  update public.users u set last_login_at = at where u.id = person and not waits;
  update public.sign_ins s set ended_at = at where s.key_hash = in_place_of and s.ended_at is null;
  insert into public.sign_ins (user_id, key_hash, device, network, created_at, seen_at, waits)
  values (person, key, device, network, at, at, waits) returning id into opened;
  return opened;
end
$$;
alter function auth.open_sign_in owner to portal_definer;
revoke all on function auth.open_sign_in from public;
grant execute on function auth.open_sign_in to portal_anonymous, portal_member, portal_admin;
