-- Why a person is let in: every source with the date it promises and the date it counts to.
create function entitlement_sources(person uuid)
returns table (
  source text, subscription_type text, starts_at timestamptz, promised_until timestamptz,
  counts_until timestamptz, phase text, payer uuid, reason text
) language sql stable security definer set search_path = '' as $$
  select 'own', c.subscription_type, c.starts_at, c.paid_until, c.counts_until, c.phase, person, null
    from public.paid_coverage(person) c
  union all
  select 'family', 'family', greatest(c.starts_at, u.family_joined_at), c.paid_until, c.counts_until, c.phase,
         p.primary_user_id, p.plan_name
    from public.users u
    join public.family_plans p on p.id = u.family_plan_id and p.is_active and p.primary_user_id <> u.id
    cross join lateral public.paid_coverage(p.primary_user_id) c
   where u.id = person and c.subscription_type = 'family'
  union all
  select g.kind, null, g.starts_at, g.ends_at, g.ends_at, 'given', g.granted_by, g.reason
    from public.access_grants g where g.user_id = person
$$;
alter function entitlement_sources owner to portal_definer;
revoke all on function entitlement_sources from public;
grant execute on function entitlement_sources to portal_admin, portal_worker;
