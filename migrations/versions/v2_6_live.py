"""v2.6: one word for a subscription that charges, or would; and what costs nothing is served only while it is alive.

Revision ID: v2.6_live
Revises: v2.6_orders
"""

from portal.database.migration import definer, run

revision = "v2.6_live"
down_revision = "v2.6_orders"
branch_labels = None
depends_on = None

UP = """
-- It charges, or would: and of these a person has one.
alter table subscriptions add live boolean not null generated always as
  (status in ('trialing', 'active', 'past_due', 'unpaid') and not twin) stored;
drop index ix_subscriptions_renews_at, uq_subscriptions_one_live;
create index ix_subscriptions_renews_at on subscriptions (renews_at) where live;
create unique index uq_subscriptions_one_live on subscriptions (user_id) where live;
"""

DOWN = """
alter table subscriptions drop live;
create index ix_subscriptions_renews_at on subscriptions (renews_at) where status in ('trialing', 'active', 'past_due', 'unpaid');
create unique index uq_subscriptions_one_live on subscriptions (user_id)
  where status in ('trialing', 'active', 'past_due', 'unpaid') and not twin;
"""

PAID_COVERAGE = """
-- What a payer has paid for, by kind of plan: until when, and until when it counts with the days of grace.
-- Grace is for what renews by itself, or ended because the renewal failed; never for what somebody ended.
create or replace function paid_coverage(payer uuid) returns table (
  subscription_type text, billing_cycle text, starts_at timestamptz, paid_until timestamptz, counts_until timestamptz,
  phase text)
language sql stable as $$
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
$$;
"""

FREE = PAID_COVERAGE[PAID_COVERAGE.index("    -- Served") : PAID_COVERAGE.index("),\n  through")]
FREE_BEFORE = (
    "    select l.subscription_type, l.billing_cycle, l.started_at, l.free_until from latest l where l.free_until is not null"
)
BEFORE = PAID_COVERAGE.replace(FREE, FREE_BEFORE).replace(
    "and l.live\n", "and l.status in ('trialing', 'active', 'past_due', 'unpaid')\n"
)


def upgrade() -> None:
    run(UP)
    run(PAID_COVERAGE)
    definer("paid_coverage(uuid)", to="portal_worker")


def downgrade() -> None:
    run(BEFORE)
    definer("paid_coverage(uuid)", to="portal_worker")
    run(DOWN)
