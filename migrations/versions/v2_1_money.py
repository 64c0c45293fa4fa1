"""v2.1: subscriptions paid through a provider, and access explained by its sources.

What the provider tells is kept as facts (subscriptions, orders, events); `access_sources` is the one rule that turns
facts and a moment into reasons, and `project_access` the one place that writes what follows from them.

Revision ID: v2.1_money
Revises: v2.0
"""

import runpy
from pathlib import Path

from portal.database.migration import close, definer, rewrite, run

revision = "v2.1_money"
down_revision = "v2.0"
branch_labels = None
depends_on = None

UP = """
-- Who pays at the provider. asked_at is when somebody last wanted the facts, fetched_at when the newest were asked for.
create table payers (
  customer_id text constraint pk_payers primary key,
  user_id uuid not null constraint fk_payers_user_id_users references users on delete restrict,
  asked_at timestamptz,
  fetched_at timestamptz,
  created_at timestamptz not null default now()
);
create index ix_payers_user_id on payers (user_id);

-- One row for each subscription of the provider's, as last fetched; amounts in the currency's smallest unit.
create table subscriptions (
  id uuid constraint pk_subscriptions primary key default new_id(),
  user_id uuid not null constraint fk_subscriptions_user_id_users references users on delete restrict,
  provider_subscription_id text not null constraint uq_subscriptions_provider_subscription_id unique,
  status text not null constraint check_subscription_status check (status in
    ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'canceled', 'paused')),
  subscription_type text not null
    constraint check_subscription_type check (subscription_type in ('individual', 'family')),
  billing_cycle text not null constraint check_subscription_billing_cycle check (billing_cycle in ('monthly', 'yearly')),
  amount_minor bigint not null,
  currency char(3) not null,
  started_at timestamptz not null,
  renews_at timestamptz,
  ends_at timestamptz,
  ended_at timestamptz,
  ended_by text constraint check_ended_by check (ended_by in ('choice', 'failure')),
  -- A second one of the same payer, ended and given back; it never counts.
  twin boolean not null default false,
  -- Served without a charge until then: a trial, or a period paid from credit.
  free_until timestamptz,
  grace_days integer not null constraint check_grace_days check (grace_days between 0 and 90),
  failed_at timestamptz,
  next_try_at timestamptz,
  next_type text,
  next_cycle text,
  next_amount_minor bigint,
  card text,
  card_expires text,
  transfer_plan_id uuid constraint fk_subscriptions_transfer_plan_id_family_plans references family_plans on delete set null,
  updated_at timestamptz not null default now(),
  constraint check_ended check ((status = 'canceled') = (ended_at is not null))
);
create index ix_subscriptions_user_id on subscriptions (user_id, started_at desc);
create index ix_subscriptions_transfer_plan_id on subscriptions (transfer_plan_id);
create index ix_subscriptions_renews_at on subscriptions (renews_at) where status in ('trialing', 'active', 'past_due', 'unpaid');
create unique index uq_subscriptions_one_live on subscriptions (user_id)
  where status in ('trialing', 'active', 'past_due', 'unpaid') and not twin;
create trigger touch before update on subscriptions for each row execute function touch();

alter table orders
  add dispute_state text constraint check_dispute_state check (dispute_state in ('open', 'won', 'lost')),
  add cut_at timestamptz,
  add invoice_number text,
  add next_try_at timestamptz,
  add constraint check_disputed check ((disputed_at is null) = (dispute_state is null));
alter table family_plans add access_until timestamptz;

-- A choice on its way to the provider's payment page. One open for each payer.
create table checkouts (
  id uuid constraint pk_checkouts primary key default new_id(),
  user_id uuid not null constraint fk_checkouts_user_id_users references users on delete cascade,
  order_id uuid not null constraint fk_checkouts_order_id_orders references orders on delete cascade,
  subscription_type text not null constraint check_checkout_type check (subscription_type in ('individual', 'family')),
  billing_cycle text not null constraint check_checkout_cycle check (billing_cycle in ('monthly', 'yearly')),
  transfer_plan_id uuid constraint fk_checkouts_transfer_plan_id_family_plans references family_plans on delete set null,
  state text not null default 'open' constraint check_checkout_state check (state in ('open', 'paid', 'expired')),
  customer_id text,
  session_id text constraint uq_checkouts_session_id unique,
  url text,
  expires_at timestamptz,
  created_at timestamptz not null
);
create unique index uq_checkouts_one_open on checkouts (user_id) where state = 'open';
create index ix_checkouts_user_id on checkouts (user_id, created_at desc);
create index ix_checkouts_order_id on checkouts (order_id);
create index ix_checkouts_transfer_plan_id on checkouts (transfer_plan_id);

-- What the provider said, word for word, kept for 90 days; the id for good.
create table provider_events (
  id text constraint pk_provider_events primary key,
  kind text not null,
  customer_id text,
  body jsonb,
  created_at timestamptz not null,
  received_at timestamptz not null,
  handled_at timestamptz,
  outcome text
);
create index ix_provider_events_customer_id on provider_events (customer_id, received_at desc);
create index ix_provider_events_received_at on provider_events (received_at);

-- Where the provider and the club disagree and asking again did not explain it.
create table drifts (
  id uuid constraint pk_drifts primary key default new_id(),
  kind text not null,
  provider_id text not null,
  user_id uuid constraint fk_drifts_user_id_users references users on delete cascade,
  said text not null,
  found_at timestamptz not null,
  resolved_at timestamptz
);
create unique index uq_drifts_open on drifts (kind, provider_id) where resolved_at is null;
create index ix_drifts_user_id on drifts (user_id);
"""

OLD_DISPUTES = "update orders set dispute_state = 'open' where disputed_at is not null"

POLICIES = """
grant select on payers, subscriptions, checkouts to portal_member, portal_admin;
grant update (asked_at) on payers to portal_member, portal_admin;
grant update (customer_id, session_id, url, expires_at) on checkouts to portal_member, portal_admin;
create policy own on payers for select to portal_member using (user_id = (select auth.uid()));
create policy ask on payers for update to portal_member using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy everybody on payers for select to portal_admin using (true);
create policy ask_for_anybody on payers for update to portal_admin using (true) with check (true);
create policy own on subscriptions for select to portal_member using (user_id = (select auth.uid()));
create policy everybody on subscriptions for select to portal_admin using (true);
create policy own on checkouts for select to portal_member using (user_id = (select auth.uid()));
create policy everybody on checkouts for select to portal_admin using (true);
create policy open on checkouts for update to portal_member, portal_admin
  using (user_id = (select auth.uid()) and state = 'open') with check (user_id = (select auth.uid()) and state = 'open');
grant select on provider_events, drifts to portal_admin;
create policy everybody on provider_events for select to portal_admin using (true);
create policy everybody on drifts for select to portal_admin using (true);
"""

FUNCTIONS = """
-- What a payer has paid for, by kind of plan: until when, and until when it counts with the days of grace.
-- Grace is for what renews by itself, or ended because the renewal failed; never for what somebody ended.
create function paid_coverage(payer uuid) returns table (
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
    select l.subscription_type, l.billing_cycle, l.started_at, l.free_until from latest l where l.free_until is not null),
  through as (
    select p.subscription_type, (array_agg(p.billing_cycle order by p.until desc))[1] as billing_cycle,
           min(p.starts_at) as starts_at, max(p.until) as until
      from paid p group by p.subscription_type)
  select t.subscription_type, t.billing_cycle, t.starts_at, t.until,
         t.until + case when l.ends_at is null and l.status in ('trialing', 'active', 'past_due', 'unpaid')
                          or l.ended_by = 'failure' then make_interval(days => l.grace_days) else interval '0' end,
         case when l.id is null then 'paid'
              when l.status = 'canceled' then case l.ended_by when 'failure' then 'failed' else 'ended' end
              when l.ends_at is not null then 'ending'
              when l.failed_at is not null then 'failed'
              else 'renewing' end
    from through t left join latest l on l.subscription_type = t.subscription_type
$$;

-- Why a person is let in: every source with the date it promises and the date it counts to.
create function access_sources(person uuid) returns table (
  source text, subscription_type text, starts_at timestamptz, promised_until timestamptz, counts_until timestamptz,
  phase text, payer uuid, reason text)
language sql stable as $$
  select 'own', c.subscription_type, c.starts_at, c.paid_until, c.counts_until, c.phase, person, null
    from public.paid_coverage(person) c
  union all
  select 'family', 'family', greatest(c.starts_at, u.family_joined_at), c.paid_until, c.counts_until, c.phase,
         p.primary_user_id, p.plan_name
    from public.users u
    join public.family_plans p on p.id = u.family_plan_id and p.is_active and p.primary_user_id <> u.id
    cross join lateral public.paid_coverage(p.primary_user_id) c
   where u.id = person and c.subscription_type = 'family'
  union all
  select g.kind, null, g.starts_at, g.ends_at, g.ends_at, 'given', g.granted_by, g.reason
    from public.access_grants g where g.user_id = person
$$;

-- The verdict: the latest date of the sources that have begun. What it says is the projection, and nothing else writes it.
create or replace function project_access(payer uuid, at timestamptz) returns void language sql as $$
  -- Everybody's rows first: of two changes at once the second must see what the first one brought. The payer's, then
  -- the plan's, then the others' in order: the order in which everybody who touches a family holds them.
  select from public.users where id = payer for no key update;
  select from public.family_plans where primary_user_id = payer and is_active order by id for no key update;
  select from public.users u
   where u.id <> payer and u.family_plan_id in (select id from public.family_plans where primary_user_id = payer and is_active)
   order by u.id for no key update;
  update public.family_plans p
     set subscription_expiry = c.paid_until, access_until = c.counts_until,
         billing_cycle = coalesce(c.billing_cycle, p.billing_cycle)
    from (select max(paid_until) as paid_until, max(counts_until) as counts_until, max(billing_cycle) as billing_cycle
            from public.paid_coverage(payer) where subscription_type = 'family') c
   where p.primary_user_id = payer and p.is_active;
  update public.users u
     set subscription_status = case when v.counts > at then 'active' when v.waits then 'pending' else 'inactive' end,
         subscription_type = case when v.promised is null then null
                                  when v.family >= v.promised then 'family' else 'individual' end,
         subscription_expiry = v.promised,
         access_until = v.counts
    from public.users c
    cross join lateral (
      select max(s.promised_until) as promised, max(s.counts_until) as counts,
             max(s.promised_until) filter (where s.subscription_type = 'family') as family,
             exists (select from public.orders o where o.user_id = c.id and o.status = 'pending') as waits
        from public.access_sources(c.id) s where s.phase <> 'given' or s.starts_at <= at) v
   where u.id = c.id
     and (c.id = payer or c.family_plan_id in (select id from public.family_plans where primary_user_id = payer and is_active))
$$;

-- The same reasons for the person's own eyes.
create function my_access_sources() returns table (
  source text, subscription_type text, starts_at timestamptz, promised_until timestamptz, counts_until timestamptz,
  phase text, payer_name text, reason text)
language sql stable as $$
  select s.source, s.subscription_type, s.starts_at, s.promised_until, s.counts_until, s.phase,
         case when s.source = 'family' then coalesce(u.first_name, 'The payer') end, s.reason
    from public.access_sources(auth.uid()) s left join public.users u on u.id = s.payer
$$;

-- A choice becomes a pending order and a checkout; an open one that was never sent to the provider is replaced.
create function open_checkout(wanted_type text, wanted_cycle text, minor bigint, price numeric, in_currency text,
                              transfer uuid, at timestamptz) returns uuid language plpgsql as $$
declare me uuid := auth.uid(); made uuid := public.new_id(); bought uuid := public.new_id();
begin
  perform from public.users where id = me and is_active and email_verified for no key update;
  if not found then return null; end if;
  update public.orders o set status = 'failed' from public.checkouts c
   where c.user_id = me and c.state = 'open' and c.order_id = o.id and o.status = 'pending';
  update public.checkouts set state = 'expired' where user_id = me and state = 'open';
  insert into public.orders (id, user_id, order_number, amount, amount_minor, currency, subscription_type, billing_cycle,
                             payment_provider, created_at)
  values (bought, me, public.next_order_number(at), price, minor, in_currency, wanted_type, wanted_cycle, 'stripe', at);
  insert into public.checkouts (id, user_id, order_id, subscription_type, billing_cycle, transfer_plan_id, created_at)
  values (made, me, bought, wanted_type, wanted_cycle, transfer, at);
  perform public.project_access(me, at);
  return made;
end $$;

-- A delivery of the provider's is noted once. Anybody may knock; the signature was checked at the door.
create function note_provider_event(event text, its_kind text, customer text, said jsonb, created timestamptz, at timestamptz)
returns boolean language sql as $$
  with noted as (
    insert into public.provider_events (id, kind, customer_id, body, created_at, received_at)
    values (event, its_kind, customer, said, created, at) on conflict do nothing returning id)
  select exists (select from noted)
$$;

-- Days given by an admin, with the reason and the giver.
create function give_access(person uuid, its_kind text, until timestamptz, why text, at timestamptz) returns void
language sql as $$
  insert into public.access_grants (user_id, kind, starts_at, ends_at, reason, granted_by)
  values (person, its_kind, at, until, why, auth.uid());
  select public.project_access(person, at)
$$;

-- What an order opened ends earlier than was paid; null takes the cut back.
create function cut_order(cut uuid, until timestamptz, at timestamptz) returns void language plpgsql as $$
declare buyer uuid;
begin
  update public.orders set cut_at = until where id = cut returning user_id into buyer;
  perform public.project_access(buyer, at);
end $$;
"""

SIGNATURES = {
    "paid_coverage(uuid)": "portal_worker",
    "access_sources(uuid)": "portal_worker, portal_admin",
    "my_access_sources()": "portal_member, portal_admin",
    "open_checkout(text, text, bigint, numeric, text, uuid, timestamptz)": "portal_member, portal_admin",
    "note_provider_event(text, text, text, jsonb, timestamptz, timestamptz)": "portal_anonymous",
    "give_access(uuid, text, timestamptz, text, timestamptz)": "portal_admin",
    "cut_order(uuid, timestamptz, timestamptz)": "portal_admin",
}
TABLES = ("payers", "subscriptions", "checkouts", "provider_events", "drifts")


BEFORE = runpy.run_path(str(Path(__file__).with_name("v2_0_access.py")))["PROJECT_ACCESS"]


def upgrade() -> None:
    run(UP)
    close(*TABLES)
    rewrite(OLD_DISPUTES)
    run(POLICIES)
    run(FUNCTIONS)
    for signature, callers in SIGNATURES.items():
        definer(signature, to=callers)
    definer("project_access(uuid, timestamptz)", to="portal_worker")


def downgrade() -> None:
    run("drop function " + ", ".join(SIGNATURES))
    run(BEFORE.replace("create function", "create or replace function"))
    definer("project_access(uuid, timestamptz)", to="portal_worker")
    run("drop table drifts, provider_events, checkouts, subscriptions, payers")
    run("""
      alter table family_plans drop access_until;
      alter table orders drop dispute_state, drop cut_at, drop invoice_number, drop next_try_at;
    """)
