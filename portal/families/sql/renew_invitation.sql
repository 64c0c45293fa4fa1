-- The same invitation once more: a new token, and the old one opens nothing. While the payer paid nothing yet, once, and
-- not within the hour. No row if it is not the current user's to send.
create function renew_invitation(invitation uuid, token bytea)
returns table (address text, refusal text) language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  f public.family_plans; m public.family_memberships;
begin
  f := public.lock_family((select x.plan_id from public.family_memberships x where x.id = invitation), at);
  if not public.runs_family(f, false) then return; end if;
  select * into m from public.family_memberships x where x.id = invitation;
  address := m.email;
  refusal := case when m.state <> 'invited' then m.state
                  when public.invitations_today(f.id, at) >= 10 then 'enough'
                  when public.has_paid(f.primary_user_id) then null
                  when cardinality(m.sent_at) > 1 then 'unpaid'
                  when m.sent_at[1] > at - interval '1 hour' then 'soon' end;
  if refusal is null then
    update public.family_memberships x
       set token_hash = token, sent_at = x.sent_at || at, expires_at = at + interval '14 days' where x.id = invitation;
  end if;
  return next;
end
$$;
alter function renew_invitation owner to portal_definer;
revoke all on function renew_invitation from public;
grant execute on function renew_invitation to portal_member, portal_admin;
