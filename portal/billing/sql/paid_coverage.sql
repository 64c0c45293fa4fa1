-- What a payer has paid for, by kind of plan: until when, and until when it counts with the days of grace.
-- Grace follows a payment that was made, for what renews by itself, or ended because the renewal failed; never for what
-- somebody ended. After a time nothing was paid for, the first charge has a day to come through; when the bank says no to
-- it, nothing is kept. What was paid outside of the portal (`prepaid`) never renews by itself; it has the days of grace that
-- were fixed when it was marked as paid, unless it was cut short.
create function paid_coverage(payer uuid)
returns table (
  subscription_type text, billing_cycle text, starts_at timestamptz, paid_until timestamptz,
  counts_until timestamptz, phase text
) language sql stable security definer set search_path = '' as $$
  with latest as (
    select * from public.subscriptions
     where user_id = payer and not is_duplicate and status not in ('incomplete', 'incomplete_expired')
     order by started_at desc, id desc limit 1),
  orders_paid as not materialized (
    select o.*, least(o.period_end, o.cut_at) as until from public.orders o
     where o.status = 'completed' and coalesce(o.dispute_state, 'won') = 'won' and o.period_end is not null),
  paid as (
    -- An order that carries a family in other hands now is its buyer's alone.
    select case when exists (
                  select from public.subscriptions s
                    join public.family_plans p on p.id = s.transfer_plan_id and p.primary_user_id = s.user_id
                   where s.covered_by = o.id and s.user_id <> payer and not s.is_duplicate)
                then 'individual' else o.subscription_type end as subscription_type,
           o.billing_cycle, o.period_start as starts_at, o.until,
           case when o.cut_at < o.period_end then 0 * o.grace_days else o.grace_days end as grace
      from orders_paid o where o.user_id = payer
    union all
    -- Served without a charge: no longer than the subscription lives; and a plan that was handed over to whoever pays it
    -- now, no longer than the paid order reaches that covers it.
    select l.subscription_type, l.billing_cycle, l.started_at,
           least(l.free_until, c.until, case l.ended_by when 'choice' then l.ended_at end), null
      from latest l left join orders_paid c on c.id = l.covered_by
     where l.free_until is not null and (l.transfer_plan_id is null or (c.id is not null and exists (
             select from public.family_plans p where p.id = l.transfer_plan_id and p.primary_user_id = payer)))
    union all
    select l.subscription_type, l.billing_cycle, l.started_at,
           least(l.credit_until, case l.ended_by when 'choice' then l.ended_at end), null
      from latest l where l.credit_until is not null),
  through as (
    select p.subscription_type, (array_agg(p.billing_cycle order by p.until desc))[1] as billing_cycle,
           min(p.starts_at) as starts_at, max(p.until) as until, (array_agg(p.grace order by p.until desc nulls last))[1] as grace
      from paid p group by p.subscription_type)
  select t.subscription_type, t.billing_cycle, t.starts_at, t.until,
         t.until + case
           when t.grace is not null and not coalesce(l.live, false) then make_interval(days => t.grace)
           when not coalesce(l.ends_at is null and l.live or l.ended_by = 'failure', false) then interval '0'
           when l.credit_until is not null or exists (
                  select from orders_paid o where o.user_id = payer
                     -- one that came without the provider counts for whatever follows it
                     and coalesce(o.provider_subscription_id, l.provider_subscription_id) = l.provider_subscription_id)
             then make_interval(days => l.grace_days)
           when l.live and not exists (
                  select from public.orders o where o.provider_subscription_id = l.provider_subscription_id
                     and o.status = 'pending' and o.waits_for = 'card')
             then interval '1 day'
           else interval '0' end,
         case when t.grace is not null and not coalesce(l.live, false) then 'prepaid'
              when l.id is null then 'paid'
              when l.status = 'canceled' then case l.ended_by when 'failure' then 'failed' else 'ended' end
              when l.ends_at is not null or l.status = 'paused' then 'ending'
              when l.failed_at is not null then 'failed'
              else 'renewing' end
    from through t left join latest l on l.subscription_type = t.subscription_type
  union all
  -- A payment the bank asked back opened the club until then, and no day longer.
  select o.subscription_type, o.billing_cycle, o.period_start, d.until, d.until,
         case o.dispute_state when 'open' then 'disputed' else 'lost' end
    from public.orders o cross join lateral (select least(o.disputed_at, o.period_end, o.cut_at)) d (until)
   where o.user_id = payer and o.status = 'completed' and o.dispute_state in ('open', 'lost') and o.period_end is not null
$$;
alter function paid_coverage owner to portal_definer;
revoke all on function paid_coverage from public;
grant execute on function paid_coverage to portal_worker;
