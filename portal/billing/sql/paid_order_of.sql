-- The paid order a family rests on, and until when it reaches: its payer's own, or, while that one took the family over and
-- paid nothing yet, the order that covers the hand-over. One order carries one family. No row when nothing is paid ahead.
-- Locks nothing; called by `open_checkout`.
create function paid_order_of(plan uuid, at timestamptz)
returns table (paid uuid, until timestamptz) language sql stable security definer set search_path = '' as $$
  select o.id, least(o.period_end, o.cut_at)
    from public.family_plans p
    join public.orders o on (o.user_id = p.primary_user_id and o.subscription_type = 'family') or o.id in (
         select s.covered_by from public.subscriptions s
          where s.user_id = p.primary_user_id and s.transfer_plan_id = p.id and s.live)
   where p.id = plan and o.status = 'completed' and coalesce(o.dispute_state, 'won') = 'won' and least(o.period_end, o.cut_at) > at
     and not exists (select from public.subscriptions s where s.covered_by = o.id and s.transfer_plan_id <> plan and not s.is_duplicate)
   order by 2 desc limit 1
$$;
alter function paid_order_of owner to portal_definer;
revoke all on function paid_order_of from public;
