-- Invite an address to a plan whose payer asks: the invitation holds a seat for 14 days. Locks payer and plan (`lock_family`).
-- At most ten mails a day; while the payer paid nothing yet, one for each seat and one in the place of each that came to nothing.
-- `refusal` is unknown, ending, in-already, invited-already, full, enough or unpaid.
create function invite_to_family(plan uuid, address text, token bytea)
returns table (membership uuid, refusal text) language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  f public.family_plans := public.lock_family(plan, at);
begin
  if not public.runs_family(f, false) then refusal := 'unknown';
  elsif f.ending_at is not null then refusal := 'ending';
  elsif exists (select from public.users u where u.family_plan_id = plan and u.email_key = lower(address)) then refusal := 'in-already';
  elsif exists (select from public.family_memberships m
                 where m.plan_id = plan and m.state = 'invited' and lower(m.email) = lower(address)) then refusal := 'invited-already';
  elsif f.current_members + f.invited_members >= f.max_members then refusal := 'full';
  elsif public.invitations_today(plan, at) >= 10 then refusal := 'enough';
  elsif not public.has_paid(f.primary_user_id) and not public.may_invite_unpaid(f) then refusal := 'unpaid';
  else
    insert into public.family_memberships (plan_id, state, email, token_hash, sent_at, expires_at)
      values (plan, 'invited', address, token, array[at], at + interval '14 days') returning id into membership;
  end if;
  return next;
end
$$;
alter function invite_to_family owner to portal_definer;
revoke all on function invite_to_family from public;
grant execute on function invite_to_family to portal_member, portal_admin;
