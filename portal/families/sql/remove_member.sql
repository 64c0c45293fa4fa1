-- Take a member's seat, as the payer or an admin. No row if there is no such member. Locks payer and plan.
create function remove_member(plan uuid, person uuid)
returns table (membership uuid, refusal text) language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  f public.family_plans := public.lock_family(plan, at); m public.family_memberships;
begin
  if not public.runs_family(f, true) then return; end if;
  select * into m from public.family_memberships x where x.user_id = person and x.state = 'active' and x.plan_id = plan;
  if m.id is null then return; end if;
  membership := m.id;
  refusal := case when m.role = 'primary' then 'primary' end;
  if refusal is null then
    perform public.unseat(m, 'removed', at);
  end if;
  return next;
end
$$;
alter function remove_member owner to portal_definer;
revoke all on function remove_member from public;
grant execute on function remove_member to portal_member, portal_admin;
