-- The verdict: the latest date of the sources that have begun. What it says is the projection, and nothing else writes it.
create function refresh_projection(payer uuid, at timestamptz)
returns void language sql security definer set search_path = '' as $$
  -- Everybody's rows first: of two changes at once the second must see what the first one brought. The payer's, then
  -- the plan's, then the others' in order: the order in which everybody who touches a family holds them.
  select from public.users where id = payer for no key update;
  select from public.family_plans where primary_user_id = payer and is_active order by id for no key update;
  select from public.users u
   where u.id <> payer
     and u.family_plan_id = any (array(select id from public.family_plans where primary_user_id = payer and is_active))
   order by u.id for no key update;
  update public.family_plans p
     set subscription_expiry = c.paid_until, access_until = c.counts_until,
         billing_cycle = coalesce(c.billing_cycle, p.billing_cycle)
    from (select max(paid_until) as paid_until, max(counts_until) as counts_until, max(billing_cycle) as billing_cycle
            from public.paid_coverage(payer) where subscription_type = 'family') c
   where p.primary_user_id = payer and p.is_active;
  update public.users u
     set subscription_status = case when v.counts > at then 'active' when v.waits then 'pending' else 'inactive' end,
         subscription_type = case when v.promised is null then null
                                  when v.family >= v.promised then 'family' else 'individual' end,
         subscription_expiry = v.promised,
         access_until = v.counts
    -- Arrays, here and above, are expected to be short: else all members may be read to find these few.
    from unnest(array(select payer
                       union
                      select x.id from public.family_plans p join public.users x on x.family_plan_id = p.id
                       where p.primary_user_id = payer and p.is_active)) c (id)
    cross join lateral (
      select max(s.promised_until) as promised, max(s.counts_until) as counts,
             max(s.promised_until) filter (where s.subscription_type = 'family') as family,
             exists (select from public.orders o where o.user_id = c.id and o.status = 'pending') as waits
        from public.entitlement_sources(c.id) s where s.phase <> 'given' or s.starts_at <= at) v
   where u.id = c.id
$$;
alter function refresh_projection owner to portal_definer;
revoke all on function refresh_projection from public;
grant execute on function refresh_projection to portal_worker;
