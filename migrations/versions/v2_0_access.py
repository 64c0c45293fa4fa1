"""v2.0, second part: who has access until when, projected from facts.

The facts are paid orders with the period they pay for, days given by the club, and a family's payer. The columns on
users and family_plans are their projection, written by `project_access` and by nothing else; access itself is always
`access_until` compared with the moment, so it ends by time even when no job runs.

Revision ID: v2.0_access
Revises: v2.0_accounts
"""

from portal.database.migration import close, definer, rewrite, run

revision = "v2.0_access"
down_revision = "v2.0_accounts"
branch_labels = None
depends_on = None

UP = """
alter table orders
  alter amount type numeric(12, 3),
  add amount_minor bigint,
  add refunded_amount numeric(12, 3) not null default 0,
  add disputed_at timestamptz,
  add period_start timestamptz,
  add period_end timestamptz,
  add provider_invoice_id text constraint uq_orders_provider_invoice_id unique,
  add provider_payment_id text,
  add provider_subscription_id text;

-- Lists of people are in this order and searched by its beginning; bytewise, so that one index serves both.
alter table users add name_key text collate "C" not null generated always as (
  lower(coalesce(first_name || ' ', '') || coalesce(last_name || ' ', '') || email)) stored;
create index ix_users_name_key on users (name_key, id);

create table access_grants (
  id uuid constraint pk_access_grants primary key default new_id(),
  user_id uuid not null constraint fk_access_grants_user_id_users references users on delete cascade,
  kind text not null constraint check_grant_kind check (kind in ('welcome', 'complimentary', 'offline', 'gift')),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reason text,
  granted_by uuid constraint fk_access_grants_granted_by_users references users on delete set null,
  created_at timestamptz not null default now(),
  constraint check_grant_period check (ends_at > starts_at)
);
create index ix_access_grants_user_id on access_grants (user_id);
create index ix_access_grants_granted_by on access_grants (granted_by);
create unique index uq_access_grants_one_welcome on access_grants (user_id) where kind = 'welcome';
"""

# What version 1 knew of an order: it was paid at a moment, for a cycle, in one piece.
OLD_ORDERS = """
update orders set
  amount_minor = round(amount * case
    when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF',
                      'XOF', 'XPF') then 1
    when currency in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 1000
    else 100 end),
  refunded_amount = case when status = 'refunded' then amount else 0 end,
  period_start = case when status = 'completed' then completed_at end,
  period_end = case when status = 'completed'
                    then completed_at + case billing_cycle when 'yearly' then interval '1 year' else interval '1 month' end end
"""

# Access that no order explains is kept as a gift, or the next projection would end it.
OLD_ACCESS = """
insert into access_grants (user_id, kind, starts_at, ends_at, reason)
select id, 'complimentary', created_at, subscription_expiry, 'carried over from the first version' from users u
 where subscription_status = 'active' and subscription_expiry > created_at
   and not exists (select from orders o where o.user_id = u.id and o.period_end >= subscription_expiry)
"""

ORDER_TRUTHS = """
alter table orders
  alter amount_minor set not null,
  add constraint check_amount_minor check (amount_minor > 0),
  add constraint check_refunded_amount check (refunded_amount between 0 and amount),
  add constraint check_refunded_whole check ((status = 'refunded') = (refunded_amount = amount)),
  add constraint check_period check (period_end > period_start);
"""

POLICIES = """
grant select on access_grants to portal_member, portal_admin;
create policy own on access_grants for select to portal_member using (user_id = (select auth.uid()));
create policy everybody on access_grants for select to portal_admin using (true);
"""

PROJECT_ACCESS = """
-- Rewrites the projection for a payer and everybody the payer's plan covers.
-- Holds the payer's row first: of two payments at once the second must see what the first one brought.
create function project_access(payer uuid, at timestamptz) returns void language sql as $$
  select from public.users where id = payer for no key update;
  with paid as (
    select max(period_end) as until,
           max(billing_cycle) filter (where subscription_type = 'family' and period_end > at) as cycle
      from public.orders
     where user_id = payer and status = 'completed' and disputed_at is null),
  plan as (
    update public.family_plans p
       set subscription_expiry = paid.until, billing_cycle = coalesce(paid.cycle, p.billing_cycle)
      from paid where p.primary_user_id = payer and p.is_active
    returning p.id),
  covered as (
    select u.id, u.family_role, exists (select from plan where plan.id = u.family_plan_id) as by_plan
      from public.users u
     where u.id = payer or u.family_plan_id in (select id from plan)),
  sources as (
    select c.id,
           (select max(o.period_end) from public.orders o
             where o.user_id = c.id and o.status = 'completed' and o.disputed_at is null) as own_until,
           case when c.by_plan then (select until from paid) end as family_until,
           (select max(g.ends_at) from public.access_grants g where g.user_id = c.id and g.starts_at <= at) as grant_until,
           exists (select from public.orders o where o.user_id = c.id and o.status = 'pending') as waits
      from covered c),
  verdict as (
    select id, greatest(own_until, family_until, grant_until) as until,
           family_until is not null and family_until >= greatest(own_until, grant_until, family_until) as through_family, waits
      from sources)
  update public.users u
     set subscription_status = case when v.until > at then 'active' when v.waits then 'pending' else 'inactive' end,
         subscription_type = case when v.until is null then null when v.through_family then 'family' else 'individual' end,
         subscription_expiry = v.until,
         access_until = v.until
    from verdict v where u.id = v.id
$$;
"""

FUNCTIONS = """
-- Is this person let in at this moment? The one rule for pages, actions and functions.
create function entitled(person uuid, at timestamptz) returns boolean language sql stable as $$
  select exists (select from public.users
                  where id = person and is_active and email_verified and access_until > at)
$$;

-- The days a new person gets from the club, once, when the address is confirmed; a month at most.
create function welcome(person uuid, days integer, at timestamptz) returns void language sql as $$
  insert into public.access_grants (user_id, kind, starts_at, ends_at, reason)
  select person, 'welcome', at, at + make_interval(days => least(days, 31)), 'the first days are on the club'
   where days > 0 and exists (select from public.users where id = person and email_verified)
  on conflict do nothing;
  select public.project_access(person, at)
$$;

-- A member's own family: names for all, addresses for the primary. Nothing else of anybody's life.
create function family_people() returns table (
  user_id uuid, first_name text, last_name text, email text, family_role text, family_joined_at timestamptz)
language sql stable as $$
  select u.id, u.first_name, u.last_name,
         case when me.family_role = 'primary' or u.id = me.id then u.email end, u.family_role, u.family_joined_at
    from public.users me join public.users u on u.family_plan_id = me.family_plan_id
   where me.id = auth.uid()
   order by u.family_role desc, u.family_joined_at
$$;
"""

SIGNATURES = {
    "entitled(uuid, timestamptz)": "portal_worker",
    "project_access(uuid, timestamptz)": "portal_worker",
    "welcome(uuid, integer, timestamptz)": "portal_anonymous, portal_worker",
    "family_people()": "portal_member, portal_admin",
}


def upgrade() -> None:
    run(UP)
    close("access_grants")
    rewrite(OLD_ORDERS)
    rewrite(OLD_ACCESS)
    run(ORDER_TRUTHS)
    run(POLICIES)
    run(PROJECT_ACCESS)
    run(FUNCTIONS)
    for signature, callers in SIGNATURES.items():
        definer(signature, to=callers)


def downgrade() -> None:
    run("drop function " + ", ".join(SIGNATURES))
    run("""
      drop table access_grants;
      alter table users drop name_key;
      alter table orders
        drop amount_minor, drop refunded_amount, drop disputed_at, drop period_start, drop period_end,
        drop provider_invoice_id, drop provider_payment_id, drop provider_subscription_id,
        alter amount type numeric(10, 2);
    """)
