-- The seat an invitation holds, to the person who presents it: whoever has the token has the mail.
create function seat_by_token(token bytea, person uuid, at timestamptz)
returns table (membership uuid, plan uuid, refusal text) language plpgsql security definer set search_path = '' as $$
declare f public.family_plans; m public.family_memberships; u public.users;
begin
  f := public.lock_family((select x.plan_id from public.family_memberships x where x.token_hash = token), at);
  select * into m from public.family_memberships x where x.token_hash = token and x.plan_id = f.id;  -- only what is held
  select * into u from public.users x where x.id = person for no key update;
  membership := m.id; plan := m.plan_id;
  refusal := case
    when m.id is null or u.id is null or not (u.is_active and u.email_verified) then 'gone'
    when m.user_id is not null and m.user_id <> person then 'taken'
    when m.state <> 'invited' then m.state
    when u.family_plan_id is not null then 'in-a-family' end;
  if refusal is null then
    update public.family_memberships x set state = 'active', user_id = person, joined_at = at where x.id = m.id;
    perform public.refresh_projection(f.primary_user_id, at);
  end if;
  return next;
end
$$;
alter function seat_by_token owner to portal_definer;
revoke all on function seat_by_token from public;
