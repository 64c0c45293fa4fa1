-- What a payer has paid for, by kind of plan: until when, and until when it counts with the days of grace.
-- Grace is for what renews by itself, or ended because the renewal failed; never for what somebody ended.
create function paid_coverage(payer uuid)
returns table (
  subscription_type text, billing_cycle text, starts_at timestamptz, paid_until timestamptz,
  counts_until timestamptz, phase text
) language sql stable security definer set search_path = '' as $$
  with latest as (
    select * from public.subscriptions
     where user_id = payer and not twin and status not in ('incomplete', 'incomplete_expired')
     order by started_at desc, id desc limit 1),
  paid as (
    select o.subscription_type, o.billing_cycle, o.period_start as starts_at, least(o.period_end, o.cut_at) as until
      from public.orders o
     where o.user_id = payer and o.status = 'completed' and coalesce(o.dispute_state, 'won') = 'won'
       and o.period_end is not null
    union all
    -- Served without a charge: no longer than the subscription lives, and a plan that was handed over to whoever pays it now.
    select l.subscription_type, l.billing_cycle, l.started_at,
           case l.ended_by when 'choice' then least(l.free_until, l.ended_at) else l.free_until end
      from latest l
     where l.free_until is not null and (l.transfer_plan_id is null or exists (
             select from public.family_plans p where p.id = l.transfer_plan_id and p.primary_user_id = payer))),
  through as (
    select p.subscription_type, (array_agg(p.billing_cycle order by p.until desc))[1] as billing_cycle,
           min(p.starts_at) as starts_at, max(p.until) as until
      from paid p group by p.subscription_type)
  select t.subscription_type, t.billing_cycle, t.starts_at, t.until,
         t.until + case when l.ends_at is null and l.live
                          or l.ended_by = 'failure' then make_interval(days => l.grace_days) else interval '0' end,
         case when l.id is null then 'paid'
              when l.status = 'canceled' then case l.ended_by when 'failure' then 'failed' else 'ended' end
              when l.ends_at is not null then 'ending'
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
