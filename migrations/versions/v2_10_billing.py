"""v2.10: what an open bill waits for, and a payment its bank asked back is a reason that is told.

Revision ID: v2.10_billing
Revises: v2.10_hand_over
"""

import runpy
from pathlib import Path

from portal.database.migration import definer, rewrite, run

revision = "v2.10_billing"
down_revision = "v2.10_hand_over"
branch_labels = None
depends_on = None

UP = """
-- An open bill that was tried: its payer has to bring another card, or to confirm it with the bank.
alter table orders add waits_for text constraint check_waits_for check (waits_for in ('card', 'confirmation'));
"""

BEFORE = runpy.run_path(str(Path(__file__).with_name("v2_6_live.py")))["PAID_COVERAGE"]
DISPUTED = """
  union all
  -- A payment the bank asked back opened the club until then, and no day longer.
  select o.subscription_type, o.billing_cycle, o.period_start, d.until, d.until,
         case o.dispute_state when 'open' then 'disputed' else 'lost' end
    from public.orders o cross join lateral (select least(o.disputed_at, o.period_end, o.cut_at)) d (until)
   where o.user_id = payer and o.status = 'completed' and o.dispute_state in ('open', 'lost') and o.period_end is not null
$$;
"""
PAID_COVERAGE = BEFORE.rstrip().removesuffix("$$;").rstrip() + DISPUTED

WAITING = """
update public.orders o set waits_for = 'card' from public.subscriptions s
 where s.provider_subscription_id = o.provider_subscription_id and s.live and s.failed_at is not null and o.status = 'pending'
"""

AGAIN = """
select public.project_access(user_id, now())
  from (select distinct user_id from public.orders where dispute_state in ('open', 'lost') order by user_id) disputed
"""


def _cover(function: str) -> None:
    run(function)
    definer("paid_coverage(uuid)", to="portal_worker")
    rewrite(AGAIN)


def upgrade() -> None:
    run(UP)
    rewrite(WAITING)
    _cover(PAID_COVERAGE)


def downgrade() -> None:
    _cover(BEFORE)
    run("alter table orders drop waits_for")
