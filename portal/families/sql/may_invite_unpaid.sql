-- Whether a payer who paid nothing yet may invite once more: an invitation for each seat, and one in the place of each that
-- was taken back or declined, at most one a seat. Counted over every family of this payer: another one begins no new count.
-- Called by `invite_to_family`, which holds the family.
create function may_invite_unpaid(f public.family_plans)
returns boolean language sql stable security definer set search_path = '' as $$
  select count(*) < f.max_members - 1 + least(f.max_members - 1, count(*) filter (where m.state in ('revoked', 'declined')))
    from public.family_memberships m join public.family_plans p on p.id = m.plan_id
   where p.primary_user_id = f.primary_user_id and cardinality(m.sent_at) > 0
$$;
alter function may_invite_unpaid owner to portal_definer;
revoke all on function may_invite_unpaid from public;
