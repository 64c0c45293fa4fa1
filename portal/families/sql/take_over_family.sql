-- The one who was asked has paid: both roles and the payer change at once. Answers with who paid before, null if the
-- proposal no longer stands. Of the two people the one who pays next is held last, as everywhere.
create function take_over_family(plan uuid, person uuid, at timestamptz)
returns uuid language plpgsql security definer set search_path = '' as $$
declare f public.family_plans := public.lock_family(plan, at);
begin
  if f.is_active is not true or f.transfer_to is distinct from person then return null; end if;
  update public.family_memberships set role = 'member' where plan_id = plan and state = 'active' and role = 'primary';
  update public.family_memberships set role = 'primary' where plan_id = plan and state = 'active' and user_id = person;
  update public.family_plans
     set primary_user_id = person, transfer_to = null, transfer_proposed_at = null, ending_at = null where id = plan;
  perform public.refresh_projection(person, at);
  return f.primary_user_id;
end
$$;
alter function take_over_family owner to portal_definer;
revoke all on function take_over_family from public;
grant execute on function take_over_family to portal_worker;
