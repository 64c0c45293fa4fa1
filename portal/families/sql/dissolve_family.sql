-- The primary lets it end: at the date that is paid, or now if none is ahead. Pending invitations end at once.
-- Answers with the date; null if it is not the current user's.
create function dissolve_family(plan uuid)
returns timestamptz language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  f public.family_plans := public.lock_family(plan, at);
begin
  if not public.runs_family(f, false) then return null; end if;
  if f.subscription_expiry is null or f.subscription_expiry <= at then
    perform public.close_family(plan, at);
    return at;
  end if;
  update public.family_memberships set state = 'revoked', ended_at = at where plan_id = plan and state = 'invited';
  update public.family_plans set ending_at = f.subscription_expiry, transfer_to = null, transfer_proposed_at = null where id = plan;
  return f.subscription_expiry;
end
$$;
alter function dissolve_family owner to portal_definer;
revoke all on function dissolve_family from public;
grant execute on function dissolve_family to portal_member, portal_admin;
