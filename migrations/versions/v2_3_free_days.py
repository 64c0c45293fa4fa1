"""v2.3: free days are given to an address once; a hand-over is free only as far as a paid order reaches.

Revision ID: v2.3_free_days
Revises: v2.2_doors
"""

from portal.database.migration import close, rewrite, run

revision = "v2.3_free_days"
down_revision = "v2.2_doors"
branch_labels = None
depends_on = None

UP = """
-- The addresses that had the club's free days: a keyed hash of each, and whose it is until the account is closed.
create table free_days (
  mark bytea constraint pk_free_days primary key constraint check_mark check (octet_length(mark) = 32),
  user_id uuid constraint fk_free_days_user_id_users references users on delete cascade,
  kept_until timestamptz,
  constraint check_kept check ((user_id is null) = (kept_until is not null))
);
create index ix_free_days_user_id on free_days (user_id);

-- When the first payment is due, unless at once, and the paid order that covers the time until then.
alter table checkouts
  add starts_at timestamptz,
  add covered_by uuid constraint fk_checkouts_covered_by_orders references orders on delete set null;
create index ix_checkouts_covered_by on checkouts (covered_by);
-- free_until is a time for which nothing was asked; credit_until one for which credit was taken.
alter table subscriptions
  add covered_by uuid constraint fk_subscriptions_covered_by_orders references orders on delete set null,
  add credit_until timestamptz;
create index ix_subscriptions_covered_by on subscriptions (covered_by);
"""

# What is on its way begins when it was said to; a hand-over rests on the order of whoever paid the plan before.
BEFORE = """
update checkouts c set starts_at = g.ends_at from access_grants g
 where c.state = 'open' and c.transfer_plan_id is null and g.user_id = c.user_id and g.kind = 'welcome'
   and g.ends_at > c.created_at + interval '3 days';
update subscriptions s set covered_by = (
  select o.id from orders o join family_memberships m on m.user_id = o.user_id and m.plan_id = s.transfer_plan_id
   where o.user_id <> s.user_id and o.subscription_type = 'family' and o.status = 'completed'
     and o.period_end > s.free_until - interval '1 hour' order by o.period_end limit 1)
 where s.transfer_plan_id is not null and s.free_until is not null;
update subscriptions s set credit_until = free_until, free_until = null
 where free_until is not null and status <> 'trialing' and transfer_plan_id is null and not exists (
       select from access_grants g where g.user_id = s.user_id and g.kind = 'welcome'
          and abs(extract(epoch from g.ends_at - s.free_until)) < 60)
"""


SEEN = ("access_grants", "checkouts", "family_memberships", "orders", "subscriptions")


def upgrade() -> None:
    run(UP)
    close("free_days")
    rewrite(BEFORE, *SEEN)


def downgrade() -> None:
    rewrite("update subscriptions set free_until = greatest(free_until, credit_until)", "subscriptions")
    run("""
      alter table subscriptions drop covered_by, drop credit_until;
      alter table checkouts drop starts_at, drop covered_by;
      drop table free_days;
    """)
