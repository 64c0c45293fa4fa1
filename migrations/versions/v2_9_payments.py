"""v2.9: orders paid outside of the portal, and clubs that are free.

Revision ID: v2.9_payments
Revises: v2.9_outbox
"""

from portal.database.migration import rewrite, run

revision = "v2.9_payments"
down_revision = "v2.9_outbox"
branch_labels = None
depends_on = None

UP = """
alter table orders
  -- What the bank's statement calls the money that came, and the money that was sent back.
  add reference text,
  add return_reference text,
  -- Days it counts beyond its period, fixed when it was marked as paid. Null for what the provider charged.
  add grace_days integer constraint check_order_grace_days check (grace_days between 0 and 90),
  add constraint check_reference check (reference is null or completed_at is not null),
  add constraint check_return_reference check (return_reference is null or refunded_amount > 0);
-- Orders that do not renew by themselves, for the reminders before they end.
create index ix_orders_prepaid_until on orders (period_end) where status = 'completed' and grace_days is not null;
alter table access_grants drop constraint check_grant_kind,
  add constraint check_grant_kind check (kind in ('welcome', 'complimentary', 'offline', 'gift', 'free'));
create unique index uq_access_grants_one_free on access_grants (user_id) where kind = 'free';
"""

DOWN = """
drop index uq_access_grants_one_free;
alter table access_grants drop constraint check_grant_kind,
  add constraint check_grant_kind check (kind in ('welcome', 'complimentary', 'offline', 'gift'));
drop index ix_orders_prepaid_until;
alter table orders drop constraint check_return_reference, drop constraint check_reference,
  drop grace_days, drop return_reference, drop reference;
"""


def upgrade() -> None:
    run(UP)


def downgrade() -> None:
    rewrite("update access_grants set kind = 'gift' where kind = 'free'", "access_grants")
    run(DOWN)
