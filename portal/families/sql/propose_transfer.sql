-- Asks a member to take over, or with null takes that back; who was asked may say no the same way.
create function propose_transfer(plan uuid, person uuid)
returns text language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  f public.family_plans := public.lock_family(plan, at);
begin
  if not (public.runs_family(f, true) or (person is null and f.is_active and coalesce(f.transfer_to = auth.uid(), false))) then return null; end if;
  if person is not null and not exists (
       select from public.family_memberships m where m.plan_id = plan and m.user_id = person and m.state = 'active' and m.role = 'member') then
    return null;
  end if;
  if f.transfer_to = person then return 'unchanged'; end if;
  update public.family_plans set transfer_to = person, transfer_proposed_at = case when person is not null then at end where id = plan;
  return case when person is not null then 'proposed' when f.transfer_to is not null then 'withdrawn' else 'nothing' end;
end
$$;
alter function propose_transfer owner to portal_definer;
revoke all on function propose_transfer from public;
grant execute on function propose_transfer to portal_member, portal_admin;
