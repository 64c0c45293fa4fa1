-- Turn an invitation down; whoever has its token may. An invitation that is over already answers `was` and its state.
create function decline_invitation(token bytea)
returns table (membership uuid, state text) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  f public.family_plans;
begin
  f := public.lock_family((select x.plan_id from public.family_memberships x where x.token_hash = token), at);
  return query update public.family_memberships x set state = 'declined', ended_at = at
    where x.token_hash = token and x.plan_id = f.id and x.state = 'invited' returning x.id, x.state;
  if not found then
    return query select x.id, 'was ' || x.state from public.family_memberships x where x.token_hash = token and x.plan_id = f.id;
  end if;
end
$$;
alter function decline_invitation owner to portal_definer;
revoke all on function decline_invitation from public;
grant execute on function decline_invitation to portal_anonymous, portal_member, portal_admin;
