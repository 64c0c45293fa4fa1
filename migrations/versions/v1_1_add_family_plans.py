"""v1.1 family plans and orders: one payer, several people, and what was paid.

Revision ID: v1.1
Revises: v1.0
"""

from portal.database.migration import run

revision = "v1.1"
down_revision = "v1.0"
branch_labels = None
depends_on = None

UP = """
create table family_plans (
  id uuid constraint pk_family_plans primary key default new_id(),
  primary_user_id uuid not null
    constraint fk_family_plans_primary_user_id_users references users deferrable initially deferred,
  plan_name text constraint check_plan_name check (char_length(plan_name) between 1 and 80 and plan_name !~ '[[:cntrl:]]'),
  max_members integer not null default 6,
  current_members integer not null default 0,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  subscription_expiry timestamptz,
  billing_cycle text constraint check_plan_billing_cycle check (billing_cycle in ('monthly', 'yearly')),
  -- The primary is one of the six.
  constraint check_member_limits check (current_members >= 0 and current_members <= max_members)
);
-- A former primary may start a second plan, so unique only among the active ones.
create unique index uq_family_plans_primary_user_id on family_plans (primary_user_id) where is_active;
create index ix_family_plans_primary_user_id on family_plans (primary_user_id);

alter table users
  add family_plan_id uuid constraint fk_users_family_plan_id_family_plans references family_plans deferrable initially deferred,
  add family_role text constraint check_family_role check (family_role in ('primary', 'member')),
  add constraint check_family_both check ((family_plan_id is null) = (family_role is null));
create index idx_users_family_plan on users (family_plan_id, family_role);
create unique index uq_users_one_primary on users (family_plan_id) where family_role = 'primary';

create sequence order_numbers;
create table orders (
  id uuid constraint pk_orders primary key default new_id(),
  user_id uuid not null constraint fk_orders_user_id_users references users on delete restrict,
  order_number text not null constraint uq_orders_order_number unique,
  status text not null default 'pending'
    constraint check_order_status check (status in ('pending', 'completed', 'failed', 'refunded')),
  amount numeric(10, 2) not null constraint check_order_amount check (amount > 0),
  currency char(3) not null default 'USD' constraint check_currency check (currency ~ '^[A-Z]{3}$'),
  subscription_type text not null
    constraint check_order_subscription_type check (subscription_type in ('individual', 'family')),
  billing_cycle text not null constraint check_order_billing_cycle check (billing_cycle in ('monthly', 'yearly')),
  payment_method text,
  payment_provider text,
  transaction_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  completed_at timestamptz,
  constraint check_completed_at check ((status in ('completed', 'refunded')) = (completed_at is not null)),
  constraint uq_orders_payment_provider unique (payment_provider, transaction_id)
);
create index ix_orders_user_id on orders (user_id, created_at desc, id desc);

"""

DOWN = """
drop table orders;
drop sequence order_numbers;
alter table users drop family_plan_id, drop family_role;
drop table family_plans;
"""


def upgrade() -> None:
    run(UP)


def downgrade() -> None:
    run(DOWN)
