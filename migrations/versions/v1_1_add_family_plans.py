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
create trigger touch before update on family_plans for each row execute function touch();

alter table users
  add family_plan_id uuid constraint fk_users_family_plan_id_family_plans references family_plans deferrable initially deferred,
  add family_role text constraint check_family_role check (family_role in ('primary', 'member')),
  add constraint check_family_both check ((family_plan_id is null) = (family_role is null));
create index idx_users_family_plan on users (family_plan_id, family_role);
create unique index uq_users_one_primary on users (family_plan_id) where family_role = 'primary';

-- Who is primary stands in two places; at commit they must agree, and an active plan has one.
create function check_primary() returns trigger language plpgsql as $$
begin
  if exists (
    select from public.family_plans p
      left join public.users u on u.id = p.primary_user_id and u.family_plan_id = p.id and u.family_role = 'primary'
     where p.is_active and u.id is null
       and p.id in (select v from unnest(case tg_table_name
             when 'family_plans' then array[(to_jsonb(new) ->> 'id')::uuid]
             else array[(to_jsonb(new) ->> 'family_plan_id')::uuid, (to_jsonb(old) ->> 'family_plan_id')::uuid]
           end) v))
  then raise exception 'a plan has exactly one primary, and it is its payer'
         using errcode = 'check_violation', constraint = 'check_primary_agrees';
  end if;
  return null;
end $$;
create constraint trigger check_primary after insert or update of primary_user_id, is_active on family_plans
  deferrable initially deferred for each row execute function check_primary();
create constraint trigger check_primary after update of family_plan_id, family_role on users
  deferrable initially deferred for each row execute function check_primary();

-- The counter, kept by the same statement that seats or unseats somebody: the check on it is the last word.
create function count_members() returns trigger language plpgsql as $$
declare
  was uuid := case when tg_op <> 'INSERT' then old.family_plan_id end;
  is_now uuid := case when tg_op <> 'DELETE' then new.family_plan_id end;
begin
  if was is distinct from is_now then
    update public.family_plans set current_members = current_members - 1 where id = was;
    update public.family_plans set current_members = current_members + 1 where id = is_now;
  end if;
  return null;
end $$;
create trigger count_members after insert or delete or update of family_plan_id on users
  for each row execute function count_members();

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
create trigger touch before update on orders for each row execute function touch();
create index ix_orders_user_id on orders (user_id, created_at desc, id desc);

-- Readable, unique under parallel checkouts, with a check digit against typing slips; gaps occur and are normal.
create function next_order_number(at timestamptz) returns text language sql volatile as $$
  select format('GO-%s-%s-%s', extract(year from at), lpad(n::text, 5, '0'),
                (10 - (select sum((case when i % 2 = 0 then 3 else 1 end) * d::int)
                         from regexp_split_to_table(n::text, '') with ordinality as t (d, i)) % 10) % 10)
    from nextval('public.order_numbers') as n
$$;

-- A document stays what it is: neither changed afterwards nor made unpaid and then changed.
create function freeze_paid_order() returns trigger language plpgsql as $$
begin
  if old.completed_at is not null and (new.completed_at is null or exists (
       select from unnest(array['amount', 'amount_minor', 'currency', 'user_id', 'order_number', 'subscription_type',
                                'billing_cycle']) as kept
        where to_jsonb(old) ->> kept <> coalesce(to_jsonb(new) ->> kept, ''))) then
    raise exception 'a paid order keeps its amount, currency, number, plan and buyer'
      using errcode = 'check_violation', constraint = 'check_paid_order_frozen';
  end if;
  return new;
end $$;
create trigger freeze_paid_order before update on orders for each row execute function freeze_paid_order();
"""

DOWN = """
drop table orders;
drop sequence order_numbers;
drop function next_order_number(timestamptz), freeze_paid_order();
drop trigger count_members on users;
drop trigger check_primary on users;
alter table users drop family_plan_id, drop family_role;
drop table family_plans;
drop function check_primary(), count_members();
"""


def upgrade() -> None:
    run(UP)


def downgrade() -> None:
    run(DOWN)
