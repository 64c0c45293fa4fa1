-- Whoever asks gives their seat back; the payer cannot. Locks payer and plan (`lock_family`).
create function leave_family()
returns table (membership uuid, refusal text) language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  f public.family_plans; m public.family_memberships;
begin
  f := public.lock_family((select u.family_plan_id from public.users u where u.id = auth.uid()), at);
  select * into m from public.family_memberships x where x.user_id = auth.uid() and x.state = 'active' and x.plan_id = f.id;
  membership := m.id;
  refusal := case when m.id is null then 'unknown' when m.role = 'primary' then 'primary' end;
  if refusal is null then
    perform public.unseat(m, 'left', at);
  end if;
  return next;
end
$$;
alter function leave_family owner to portal_definer;
revoke all on function leave_family from public;
grant execute on function leave_family to portal_member, portal_admin;
