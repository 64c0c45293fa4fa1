"""v2.6: what an order was bought at, what came in, and which of the provider's events still wait.

Revision ID: v2.6_orders
Revises: v2.6_order_numbers
"""

from portal.database.migration import definer, rewrite, run

revision = "v2.6_orders"
down_revision = "v2.6_order_numbers"
branch_labels = None
depends_on = None

UP = """
alter table orders add provider_price_id text;
create index ix_orders_provider_payment_id on orders (provider_payment_id);
create index ix_orders_completed_at on orders (completed_at);
create index ix_orders_disputed_at on orders (disputed_at) where dispute_state = 'open';

-- What came in and was not given back: the one sum of all pages about money. A payment in dispute counts when it is won.
create view income with (security_invoker = true) as
select user_id, currency, completed_at, amount - refunded_amount as kept
  from orders where completed_at is not null and coalesce(dispute_state, 'won') = 'won';
grant select on income to portal_admin;

create index ix_provider_events_waiting on provider_events (customer_id) where handled_at is null;
"""

# An event about nobody is done when it is noted; it would be counted as waiting for ever.
ABOUT_NOBODY = """
  update provider_events set handled_at = received_at, outcome = 'about nobody'
   where handled_at is null and customer_id is null and body #>> '{data,object,payment_intent}' is null
"""

NOTE = """
-- A delivery of the provider's is noted once; one about nobody is done with that. Anybody may knock; the signature was
-- checked at the door.
create or replace function note_provider_event(event text, its_kind text, customer text, said jsonb, created timestamptz, at timestamptz)
returns boolean language sql as $$
  with noted as (
    insert into public.provider_events (id, kind, customer_id, body, created_at, received_at, handled_at, outcome)
    select event, its_kind, customer, said, created, at, case when nobody then at end, case when nobody then 'about nobody' end
      from (select customer is null and said #>> '{data,object,payment_intent}' is null) n (nobody)
    on conflict do nothing returning id)
  select exists (select from noted)
$$;
"""
NOTE_BEFORE = """
create or replace function note_provider_event(event text, its_kind text, customer text, said jsonb, created timestamptz, at timestamptz)
returns boolean language sql as $$
  with noted as (
    insert into public.provider_events (id, kind, customer_id, body, created_at, received_at)
    values (event, its_kind, customer, said, created, at) on conflict do nothing returning id)
  select exists (select from noted)
$$;
"""

FREEZE = """
-- A document stays what it is: neither changed afterwards nor made unpaid and then changed.
create or replace function freeze_paid_order() returns trigger language plpgsql as $$
begin
  if old.completed_at is not null and (new.completed_at is null or exists (
       select from unnest(array['amount', 'amount_minor', 'currency', 'user_id', 'order_number', 'subscription_type',
                                'billing_cycle', 'provider_price_id']) as kept
        where to_jsonb(old) ->> kept <> coalesce(to_jsonb(new) ->> kept, ''))) then
    raise exception 'a paid order keeps its amount, currency, number, plan, price and buyer'
      using errcode = 'check_violation', constraint = 'check_paid_order_frozen';
  end if;
  return new;
end $$;
"""
FREEZE_BEFORE = FREEZE.replace(", 'provider_price_id'", "").replace("plan, price and", "plan and")

SIGNATURE = "note_provider_event(text, text, text, jsonb, timestamptz, timestamptz)"


def upgrade() -> None:
    run(UP)
    rewrite(ABOUT_NOBODY)
    run(NOTE)
    definer(SIGNATURE, to="portal_anonymous")
    run(FREEZE)


def downgrade() -> None:
    run(FREEZE_BEFORE)
    run(NOTE_BEFORE)
    definer(SIGNATURE, to="portal_anonymous")
    run("""
      drop index ix_provider_events_waiting;
      drop view income;
      drop index ix_orders_provider_payment_id, ix_orders_completed_at, ix_orders_disputed_at;
      alter table orders drop provider_price_id;
    """)
