-- A new account and its seat, in one: the token came to the address by mail, so the address is proven.
create function sign_up_to_family(token bytea, given jsonb)
returns table (person uuid, membership uuid, plan uuid, refusal text) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  f public.family_plans; m public.family_memberships; seated record;
begin
  f := public.lock_family((select x.plan_id from public.family_memberships x where x.token_hash = token), at);
  select * into m from public.family_memberships x where x.token_hash = token and x.plan_id = f.id;
  if m.state is distinct from 'invited' then
    refusal := coalesce(m.state, 'gone'); return next; return;
  end if;
  insert into public.users (email, created_at) values (m.email, at) on conflict on constraint uq_users_email_key do nothing;
  update public.users u set email_verified = true, first_name = given ->> 'first_name', last_name = given ->> 'last_name',
         timezone = given ->> 'timezone'
   where u.email_key = lower(m.email) and not u.email_verified and u.is_active returning u.id into person;
  if person is null then
    refusal := 'known'; return next; return;
  end if;
  insert into public.credentials values (person, given ->> 'password_hash', at)
    on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at;
  select * into seated from public.seat_by_token(token, person, at);
  membership := seated.membership; plan := seated.plan; refusal := seated.refusal;
  return next;
end
$$;
alter function sign_up_to_family owner to portal_definer;
revoke all on function sign_up_to_family from public;
grant execute on function sign_up_to_family to portal_anonymous, portal_member, portal_admin;
