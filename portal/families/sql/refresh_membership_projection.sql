-- The one place that writes the family columns on users. An invitation lets go of its seat before the person takes it,
-- so that the check never sees one too many.
create function refresh_membership_projection()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
  invited integer := (tg_op <> 'DELETE' and new.state = 'invited')::int - (tg_op <> 'INSERT' and old.state = 'invited')::int;
begin
  if invited <> 0 then
    update public.family_plans set invited_members = invited_members + invited where id = coalesce(new.plan_id, old.plan_id);
  end if;
  if tg_op <> 'INSERT' and old.state = 'active' and (tg_op = 'DELETE' or new.state <> 'active') then
    update public.users set family_plan_id = null, family_role = null, family_joined_at = null, shares_attendance = false, family_may_answer = false where id = old.user_id;
  elsif tg_op <> 'DELETE' and new.state = 'active' then
    update public.users set family_plan_id = new.plan_id, family_role = new.role, family_joined_at = new.joined_at
     where id = new.user_id;
  end if;
  return null;
end
$$;
alter function refresh_membership_projection owner to portal_definer;
revoke all on function refresh_membership_projection from public;

create trigger refresh_membership_projection after insert or delete or update of state, role, user_id, joined_at on family_memberships
  for each row execute function refresh_membership_projection();
