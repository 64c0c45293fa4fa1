"""v2.0 the full meeting management system.

Accounts with passwords, second factors and sign-ins; answers with a waitlist and presence in intervals; series;
subscriptions, checkouts and what gives access; families with invitations; outbox and job queue; backups and figures.

Revision ID: v2.0
Revises: v1.3
"""

from alembic import op
from procrastinate.schema import SchemaManager

from portal.database.migration import WEB, close, rewrite, run

revision = "v2.0"
down_revision = "v1.3"
branch_labels = None
depends_on = None

# --- accounts --------------------------------------------------------------------------------------------------------

ACCOUNTS = """
alter table users
  add access_until timestamptz,
  add closed_at timestamptz,
  add family_joined_at timestamptz,
  -- Each person's own switches, off until they say so.
  add shares_attendance boolean not null default false,
  add family_may_answer boolean not null default false,
  -- Lists of people are in this order and searched by its beginning; bytewise, so that one index serves both.
  add name_key text collate "C" not null generated always as (
    lower(coalesce(first_name || ' ', '') || coalesce(last_name || ' ', '') || email)) stored;
create index ix_users_name_key on users (name_key, id);
create index ix_users_email_begins on users (email_key text_pattern_ops);
create index ix_users_access_until on users (access_until) where is_active;
create index ix_users_created_at on users (created_at);

create table credentials (
  user_id uuid constraint pk_credentials primary key
    constraint fk_credentials_user_id_users references users on delete cascade,
  password_hash text not null,
  changed_at timestamptz not null
);

create table second_factors (
  user_id uuid constraint pk_second_factors primary key
    constraint fk_second_factors_user_id_users references users on delete cascade,
  secret text,
  -- The newest half-minute a code was accepted for: no code is accepted twice, nor an older one after a newer.
  last_step bigint not null default 0,
  set_up_at timestamptz,
  -- What the next app was shown; it becomes the secret by the first code that fits.
  pending text,
  constraint check_set_up check ((secret is null) = (set_up_at is null)),
  constraint check_some_secret check (secret is not null or pending is not null)
);

create table recovery_codes (
  user_id uuid not null constraint fk_recovery_codes_user_id_users references users on delete cascade,
  slot integer not null constraint check_slot check (slot between 0 and 9),
  code_hash text not null,
  used_at timestamptz,
  constraint pk_recovery_codes primary key (user_id, slot)
);

create table sign_ins (
  id uuid constraint pk_sign_ins primary key default new_id(),
  user_id uuid not null constraint fk_sign_ins_user_id_users references users on delete cascade,
  key_hash bytea not null constraint uq_sign_ins_key_hash unique,
  device text not null,
  network inet,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  ended_at timestamptz,
  -- For its second factor; and when that was given.
  waits boolean not null default false,
  proved_at timestamptz,
  constraint check_waits check (not (waits and proved_at is not null))
);
create index ix_sign_ins_user_id on sign_ins (user_id, seen_at desc);

create table one_time_tokens (
  id uuid constraint pk_one_time_tokens primary key default new_id(),
  user_id uuid not null constraint fk_one_time_tokens_user_id_users references users on delete cascade,
  purpose text not null constraint check_token_purpose check (purpose in ('verify', 'reset', 'address')),
  token_hash bytea not null constraint uq_one_time_tokens_token_hash unique,
  code_hash bytea not null,
  wrong_codes integer not null default 0,
  -- What the person who asked for this token typed: it becomes true only through this very token.
  payload jsonb not null default '{}',
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index ix_one_time_tokens_user_id on one_time_tokens (user_id, purpose);

create unlogged table rate_limits (
  key text constraint pk_rate_limits primary key,
  hits integer not null,
  expires_at timestamptz not null
);
"""

# --- money and access ------------------------------------------------------------------------------------------------

MONEY = """
alter table orders
  alter amount type numeric(12, 3),
  add amount_minor bigint,
  add refunded_amount numeric(12, 3) not null default 0,
  add disputed_at timestamptz,
  add dispute_state text constraint check_dispute_state check (dispute_state in ('open', 'won', 'lost')),
  add period_start timestamptz,
  add period_end timestamptz,
  add cut_at timestamptz,
  add next_try_at timestamptz,
  -- An open invoice that was tried: its payer has to bring another card, or to confirm it with the bank.
  add waits_for text constraint check_waits_for check (waits_for in ('card', 'confirmation')),
  add invoice_number text,
  add provider_invoice_id text constraint uq_orders_provider_invoice_id unique,
  add provider_payment_id text,
  add provider_subscription_id text,
  add provider_price_id text;
create index ix_orders_provider_payment_id on orders (provider_payment_id);
create index ix_orders_completed_at on orders (completed_at);
create index ix_orders_disputed_at on orders (disputed_at) where dispute_state = 'open';

create table order_number_key (
  only_one boolean constraint pk_order_number_key primary key default true constraint check_only_one check (only_one),
  key uuid not null default gen_random_uuid()
);

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
  -- It charges, or would: and of these a person has one.
  live boolean not null generated always as
    (status in ('trialing', 'active', 'past_due', 'unpaid') and not twin) stored,
  constraint check_ended check ((status = 'canceled') = (ended_at is not null))
);
create index ix_subscriptions_user_id on subscriptions (user_id, started_at desc);
create index ix_subscriptions_transfer_plan_id on subscriptions (transfer_plan_id);
create index ix_subscriptions_renews_at on subscriptions (renews_at) where live;
create unique index uq_subscriptions_one_live on subscriptions (user_id) where live;

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
create index ix_provider_events_waiting on provider_events (customer_id) where handled_at is null;

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

# What version 1 knew of an order: it was paid at a moment, for a cycle, in one piece. Access that no order explains is
# kept as a gift, or the next projection would end it.
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
                    then completed_at + case billing_cycle when 'yearly' then interval '1 year' else interval '1 month' end end;
update users set access_until = subscription_expiry where subscription_status = 'active';
insert into access_grants (user_id, kind, starts_at, ends_at, reason)
select id, 'complimentary', created_at, subscription_expiry, 'carried over from the first version' from users u
 where subscription_status = 'active' and subscription_expiry > created_at
   and not exists (select from orders o where o.user_id = u.id and o.period_end >= subscription_expiry);
set constraints all immediate;
set constraints all deferred
"""

ORDER_TRUTHS = """
alter table orders
  alter amount_minor set not null,
  add constraint check_amount_minor check (amount_minor > 0),
  add constraint check_refunded_amount check (refunded_amount between 0 and amount),
  add constraint check_refunded_whole check ((status = 'refunded') = (refunded_amount = amount)),
  add constraint check_period check (period_end > period_start),
  add constraint check_disputed check ((disputed_at is null) = (dispute_state is null));
"""

# --- families --------------------------------------------------------------------------------------------------------

FAMILIES = """
create table family_memberships (
  id uuid constraint pk_family_memberships primary key default new_id(),
  plan_id uuid not null constraint fk_family_memberships_plan_id_family_plans references family_plans,
  -- Who it is, from acceptance on.
  user_id uuid constraint fk_family_memberships_user_id_users references users on delete cascade,
  role text not null default 'member' constraint check_membership_role check (role in ('primary', 'member')),
  state text not null constraint check_membership_state check (state in (
    'invited', 'active', 'left', 'removed', 'ended', 'declined', 'expired', 'revoked')),
  -- Where the invitation went; null for who never needed one.
  email text constraint check_membership_email check (email !~ '[[:cntrl:][:space:]]'),
  token_hash bytea constraint uq_family_memberships_token_hash unique,
  sent_at timestamptz[] not null default '{}',
  expires_at timestamptz,
  joined_at timestamptz,
  ended_at timestamptz,
  constraint check_invited check (
    state <> 'invited' or (email is not null and token_hash is not null and expires_at is not null and role = 'member')),
  constraint check_seated check (
    state not in ('active', 'left', 'removed', 'ended') or (user_id is not null and joined_at is not null)),
  constraint check_membership_over check ((state in ('invited', 'active')) = (ended_at is null))
);
create index ix_family_memberships_plan_id on family_memberships (plan_id, state);
create index ix_family_memberships_user_id on family_memberships (user_id);
create index ix_family_memberships_expires_at on family_memberships (expires_at) where state = 'invited';
create unique index uq_family_memberships_one_active on family_memberships (user_id) where state = 'active';
create unique index uq_family_memberships_one_invitation on family_memberships (plan_id, lower(email)) where state = 'invited';

alter table family_plans
  add access_until timestamptz,
  add invited_members integer not null default 0,
  add transfer_to uuid constraint fk_family_plans_transfer_to_users references users,
  add transfer_proposed_at timestamptz,
  -- The paid-through date the primary let be the last.
  add ending_at timestamptz,
  add dissolved_at timestamptz,
  -- The date everybody was last told, and the end they were told of.
  add told_until timestamptz,
  add told_ending_at timestamptz,
  add constraint check_transfer check ((transfer_to is null) = (transfer_proposed_at is null)),
  drop constraint check_member_limits,
  -- The primary is one of the six, and an invitation holds its seat.
  add constraint check_member_limits check (
    current_members >= 0 and invited_members >= 0 and current_members + invited_members <= max_members);
create index ix_family_plans_transfer_to on family_plans (transfer_to);
"""

# Who was in a plan that had ended keeps the memory, not the seat.
OLD_FAMILIES = """
update users u set family_joined_at = p.created_at from family_plans p where p.id = u.family_plan_id;
insert into family_memberships (plan_id, user_id, role, state, joined_at, ended_at)
select p.id, u.id, u.family_role, case when p.is_active then 'active' else 'ended' end, u.family_joined_at,
       case when not p.is_active then greatest(p.updated_at, u.family_joined_at) end
  from users u join family_plans p on p.id = u.family_plan_id;
update users set family_plan_id = null, family_role = null, family_joined_at = null
 where family_plan_id in (select id from family_plans where not is_active);
update family_plans p
   set current_members = (select count(*) from users u where u.family_plan_id = p.id),
       told_until = subscription_expiry, dissolved_at = case when not is_active then updated_at end;
set constraints all immediate;
set constraints all deferred
"""

FAMILY_TRUTHS = """
alter table family_plans add constraint check_dissolved_empty
  check (is_active or (current_members = 0 and invited_members = 0));
"""

# --- meetings and attendance -----------------------------------------------------------------------------------------

ANSWERS = "'invited', 'accepted', 'declined', 'requested', 'rejected', 'waitlisted', 'offered', 'withdrawn'"

MEETINGS = f"""
create table meeting_series (
  id uuid constraint pk_meeting_series primary key default new_id(),
  title text not null
    constraint check_title check (char_length(title) between 1 and 120 and title = btrim(title) and title !~ '[[:cntrl:]]'),
  description text constraint check_description check (char_length(description) <= 5000),
  host_id uuid constraint fk_meeting_series_host_id_users references users on delete set null,
  repeats text not null constraint check_repeats check (repeats in ('daily', 'weekly', 'monthly-by-day', 'monthly-by-weekday')),
  -- Monday is 1, Sunday 7.
  weekdays smallint[] not null default '{{}}' constraint check_weekdays check (weekdays <@ '{{1,2,3,4,5,6,7}}'),
  -- A month without this day has its last one instead.
  month_day smallint constraint check_month_day check (month_day between 1 and 31),
  -- The first to fourth of its weekday in a month, or the last (-1).
  month_week smallint constraint check_month_week check (month_week in (1, 2, 3, 4, -1)),
  start_time time not null,
  timezone text not null,
  duration integer not null default 60 constraint check_series_duration check (duration > 0 and duration <= 480),
  platform text not null default 'google-meet' constraint check_platform check (platform in ('google-meet', 'zoom')),
  max_attendees integer default 50 constraint check_max_attendees check (max_attendees > 0),
  requires_approval boolean not null default false,
  is_private boolean not null default false,
  -- Only on days when nothing else is on: the club's daily meeting.
  only_if_free boolean not null default false,
  starts_on date not null,
  -- The last day it may be held. The day before the first: it was stopped before it began.
  ends_on date constraint check_series_period check (ends_on >= starts_on - 1),
  skipped date[] not null default '{{}}',
  revision integer not null default 0,
  created_by uuid constraint fk_meeting_series_created_by_users references users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint check_rule check (case repeats
    when 'daily' then weekdays = '{{}}' and month_day is null and month_week is null
    when 'weekly' then weekdays <> '{{}}' and month_day is null and month_week is null
    when 'monthly-by-day' then weekdays = '{{}}' and month_day is not null and month_week is null
    else cardinality(weekdays) = 1 and month_day is null and month_week is not null end),
  constraint one_daily_meeting exclude using gist (daterange(starts_on, ends_on + 1) with &&) where (only_if_free)
);
create index ix_meeting_series_host_id on meeting_series (host_id);
create index ix_meeting_series_created_by on meeting_series (created_by);

alter table meetings
  add host_id uuid constraint fk_meetings_host_id_users references users on delete set null,
  add host_name text constraint check_host_name check (char_length(host_name) <= 160),
  add requires_approval boolean not null default false,
  add provision_state text not null default 'none'
    constraint check_provision_state check (provision_state in ('none', 'requested', 'ready', 'failed', 'gone')),
  add origin text not null default 'admin' constraint check_origin check (origin in ('admin', 'series', 'daily-job')),
  add revision integer not null default 0,
  add cancellation_reason text constraint check_cancellation_reason check (char_length(cancellation_reason) <= 300),
  add archived_at timestamptz,
  add archived_from text constraint check_archived_from check (archived_from in ('completed', 'cancelled')),
  add seats_taken integer not null default 0,
  -- Those who had a seat when fewer were set: nobody is thrown out.
  add seats_kept integer not null default 0,
  add waiting_count integer not null default 0,
  add request_count integer not null default 0,
  -- How many could come, noted when it began: all with access, or its guests.
  add invited_count integer constraint check_invited_count check (invited_count >= 0),
  add series_id uuid constraint fk_meetings_series_id_meeting_series references meeting_series,
  -- The day of the series it stands for, also when it was moved to another.
  add series_date date,
  add changed_alone boolean not null default false,
  add constraint check_series check ((series_id is null) = (series_date is null)),
  add constraint uq_meetings_series_id unique (series_id, series_date),
  -- A flag nothing ever set becomes a fact.
  drop is_recurring,
  add is_recurring boolean not null generated always as (series_id is not null) stored,
  drop constraint check_meeting_status,
  add constraint check_meeting_status check (status in ('scheduled', 'active', 'completed', 'cancelled', 'archived')),
  add constraint check_archived check ((status = 'archived') = (archived_at is not null)),
  add constraint check_archived_as check ((status = 'archived') = (archived_from is not null)),
  add constraint check_archived_address check (status <> 'archived' or (meeting_link is null and meeting_id is null)),
  add constraint check_seats check (max_attendees is null or seats_taken <= greatest(max_attendees, seats_kept));
create index ix_meetings_host_id on meetings (host_id);
drop index idx_meetings_date;
create index idx_meetings_date on meetings (starts_at, id) include (status);

alter table meeting_attendances
  add answer text not null default 'invited' constraint check_answer check (answer in ({ANSWERS})),
  add outcome text constraint check_outcome check (outcome in ('attended', 'no_show')),
  add waiting_since timestamptz,
  add offer_expires_at timestamptz,
  add reason text constraint check_reason check (char_length(reason) <= 300),
  -- Those who were answered for together wait, are offered and take their places as one; how often the waitlist went past them.
  add party_id uuid,
  add party_skips integer not null default 0,
  add corrected_at timestamptz,
  add correction text constraint check_correction_length check (char_length(correction) <= 300),
  add constraint check_correction check ((corrected_at is null) = (correction is null)),
  add constraint check_waiting_since check ((answer = 'waitlisted') = (waiting_since is not null)),
  add constraint check_offer_expires check ((answer = 'offered') = (offer_expires_at is not null));

create table presences (
  id uuid constraint pk_presences primary key default new_id(),
  meeting_id uuid not null constraint fk_presences_meeting_id_meetings references meetings on delete cascade,
  user_id uuid not null constraint fk_presences_user_id_users references users on delete cascade,
  joined_at timestamptz not null,
  -- Set by the room page's heartbeat; who never had one is believed until the end of the meeting.
  seen_at timestamptz,
  left_at timestamptz constraint check_presence_order check (left_at >= joined_at),
  device_type text not null constraint check_presence_device check (device_type in ('desktop', 'mobile', 'tablet', 'unknown'))
);
create index ix_presences_meeting_id on presences (meeting_id, user_id);
create index ix_presences_user_id on presences (user_id);
create index ix_presences_open on presences (meeting_id) where left_at is null;

create table club_domains (
  domain text constraint pk_club_domains primary key
    constraint check_domain check (domain = lower(domain) and domain !~ '[@[:space:]]')
);
"""

# The old status was the answer until the meeting, and the outcome afterwards: who came or did not had said yes.
OLD_ANSWERS = """
update meeting_attendances set
  answer = case when status in ('attended', 'no_show') then 'accepted' else status end,
  outcome = case when status in ('attended', 'no_show') then status end;
update meetings m set
  seats_taken = n.taken, seats_kept = case when n.taken > m.max_attendees then n.taken else 0 end, attendee_count = n.came
  from (select meeting_id, count(*) filter (where answer = 'accepted') as taken, count(joined_at) as came
          from meeting_attendances group by meeting_id) n
 where m.id = n.meeting_id;
update meetings set cancellation_reason = 'called off' where status = 'cancelled'
"""

ANSWER_TRUTHS = f"""
alter table meetings
  add constraint check_cancelled_why check (status <> 'cancelled' or cancellation_reason is not null);
alter table meeting_attendances
  drop status,
  add status text not null generated always as (coalesce(outcome, answer)) stored
    constraint check_attendance_status check (status in ('attended', 'no_show', {ANSWERS}));
create index ix_meeting_attendances_waiting on meeting_attendances (meeting_id, waiting_since, id) where answer = 'waitlisted';
create index ix_meeting_attendances_offers on meeting_attendances (offer_expires_at) where answer = 'offered';
-- One meeting's numbers are read from this index alone, however many meetings there are.
create index ix_meeting_attendances_domains on meeting_attendances (meeting_id, email_domain)
  include (is_external_domain, answer, outcome, join_duration);
"""

# --- mail, jobs, operations ------------------------------------------------------------------------------------------

OPERATIONS = f"""
create table mails (
  id uuid constraint pk_mails primary key default new_id(),
  kind text not null,
  -- One mail of a kind per occasion, however often the occasion is noticed.
  occasion text constraint uq_mails_occasion unique,
  user_id uuid constraint fk_mails_user_id_users references users on delete set null,
  recipient text not null constraint check_recipient check (recipient !~ '[[:cntrl:][:space:]]'),
  subject text not null constraint check_subject check (subject !~ '[[:cntrl:]]'),
  text text,
  html text,
  -- Bodies that open something (links, codes) are forgotten once sent.
  secret boolean not null default false,
  state text not null default 'queued' constraint check_mail_state check (state in ('queued', 'sent', 'failed', 'dropped')),
  attempts integer not null default 0,
  failure text,
  created_at timestamptz not null,
  sent_at timestamptz
);
create index ix_mails_user_id on mails (user_id, created_at desc);
create index ix_mails_queued on mails (created_at) where state = 'queued';
create index ix_mails_failed on mails (created_at) where state = 'failed';

create table sandbox_mails (
  id uuid constraint pk_sandbox_mails primary key,
  recipient text not null,
  subject text not null,
  text text not null,
  html text,
  received_at timestamptz not null
);
create index ix_sandbox_mails_received_at on sandbox_mails (received_at desc, id desc);
create index ix_sandbox_mails_recipient on sandbox_mails (recipient, received_at desc);

-- Every run of something scheduled: when it began and ended, and how.
create table runs (
  id uuid constraint pk_runs primary key default new_id(),
  name text not null constraint check_run_name check (name ~ '^[a-z][a-z ]*$'),
  began_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  well boolean,
  said text,
  details jsonb,
  constraint check_run_ended check ((ended_at is null) = (well is null) and ended_at >= began_at)
);
create index ix_runs_name on runs (name, began_at desc);

create table backups (
  id uuid constraint pk_backups primary key default new_id(),
  file text not null constraint uq_backups_file unique constraint check_backup_file check (file ~ '^[a-z0-9-]+[.]dump$'),
  made_at timestamptz not null default clock_timestamp(),
  -- What the club's clock said; the demo's may be ahead.
  club_at timestamptz not null,
  bytes bigint not null constraint check_backup_bytes check (bytes > 0),
  sha256 text not null constraint check_backup_sha256 check (sha256 ~ '^[0-9a-f]{{64}}$'),
  revision text not null,
  -- How many rows each table had, in the snapshot that was dumped.
  row_counts jsonb not null,
  proved_at timestamptz,
  proved boolean,
  proof text,
  deleted_at timestamptz,
  constraint check_backup_proved check ((proved_at is null) = (proved is null))
);
create index ix_backups_made_at on backups (made_at desc);

-- Days are UTC's.
create table table_sizes (
  day date not null,
  name text not null,
  estimated_rows bigint not null,
  table_bytes bigint not null,
  index_bytes bigint not null,
  constraint pk_table_sizes primary key (day, name)
);

create table statement_timings (
  day date not null,
  statement text not null constraint check_statement check (char_length(statement) <= 600),
  calls bigint not null,
  total_ms double precision not null,
  most_ms double precision not null,
  constraint pk_statement_timings primary key (day, statement)
);

-- `waits` counts how often a connection was waited for how long; the steps are portal/database/timings.py's.
create table pool_timings (
  day date constraint pk_pool_timings primary key,
  taken bigint not null,
  waited_ms double precision not null,
  waits bigint[] not null,
  timeouts bigint not null,
  timed_out_at timestamptz
);
grant usage, create on schema public to portal_monitor;

-- Log rows whose network address is still whole, for the worker that shortens them; and the log read by whom it is about.
create index ix_system_logs_whole_address on system_logs (timestamp)
  where masklen(ip_address) = case family(ip_address) when 4 then 32 else 128 end;
create index ix_system_logs_subject_id on system_logs (subject_id, timestamp desc) where subject_id is not null;
create index ix_system_logs_meeting_id on system_logs (meeting_id, timestamp desc) where meeting_id is not null;
create index ix_system_logs_plan on system_logs ((metadata ->> 'plan_id')) where metadata ->> 'plan_id' is not null;

-- What was made from which file (portal/database/objects.py).
create table database_objects (
  path text constraint pk_database_objects primary key,
  position integer not null,
  digest text not null,
  undo text not null
);
create policy owner_remembers on database_objects to portal_owner using (true) with check (true);

-- How far ahead of the real time the club lives: nothing, but in a demo or a rehearsal.
create table club_clock (
  singleton boolean constraint pk_club_clock primary key default true constraint check_singleton check (singleton),
  ahead interval not null default '0'
);
insert into club_clock default values;
create policy owner_sets on club_clock to portal_owner using (true) with check (true);
create policy everybody_reads on club_clock for select to {WEB}, portal_web, portal_worker using (true);
grant select on club_clock to {WEB}, portal_web, portal_worker, portal_definer;
"""

QUEUE = ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers", "procrastinate_workers")
TABLES = (
    "credentials",
    "second_factors",
    "recovery_codes",
    "sign_ins",
    "one_time_tokens",
    "rate_limits",
    "order_number_key",
    "access_grants",
    "payers",
    "subscriptions",
    "checkouts",
    "provider_events",
    "drifts",
    "family_memberships",
    "meeting_series",
    "presences",
    "club_domains",
    "mails",
    "sandbox_mails",
    "runs",
    "backups",
    "table_sizes",
    "statement_timings",
    "pool_timings",
    "database_objects",
    "club_clock",
)


def upgrade() -> None:
    run(ACCOUNTS)
    run(MONEY)
    rewrite(OLD_ORDERS, "users", "orders")
    run(ORDER_TRUTHS)
    run(FAMILIES)
    rewrite(OLD_FAMILIES, "users", "family_plans")
    run(FAMILY_TRUTHS)
    run(MEETINGS)
    rewrite(OLD_ANSWERS, "meetings", "meeting_attendances")
    run(ANSWER_TRUTHS)
    run(OPERATIONS)
    # The package's own schema, statement for statement, past SQLAlchemy's reading of % and colons.
    op.get_bind().connection.cursor().execute(SchemaManager.get_schema())
    close(*TABLES, *QUEUE)


def downgrade() -> None:
    run("""
      alter table meeting_attendances add old_status text not null default 'invited'
        constraint check_old_status check (old_status in ('invited', 'accepted', 'declined', 'attended', 'no_show'))
    """)
    # Newer answers become the nearest old word; what is archived returns as it was.
    rewrite(
        """
        update meeting_attendances set old_status = case
          when outcome is not null then outcome when answer in ('accepted', 'declined') then answer else 'invited' end;
        update meetings set status = archived_from, archived_at = null, archived_from = null where status = 'archived'
        """,
        "meetings",
        "meeting_attendances",
    )
    run("""
      alter table meeting_attendances
        drop status, drop answer, drop outcome, drop waiting_since, drop offer_expires_at, drop reason, drop party_id,
        drop party_skips, drop corrected_at, drop correction;
      alter table meeting_attendances rename old_status to status;
      alter table meeting_attendances rename constraint check_old_status to check_attendance_status;
      alter table meetings
        drop constraint check_archived_address,
        drop constraint check_meeting_status,
        add constraint check_meeting_status check (status in ('scheduled', 'active', 'completed', 'cancelled')),
        drop host_id, drop host_name, drop requires_approval, drop provision_state, drop origin, drop revision,
        drop cancellation_reason, drop archived_at, drop archived_from, drop seats_taken, drop seats_kept,
        drop waiting_count, drop request_count, drop invited_count, drop series_date, drop changed_alone,
        drop is_recurring, drop series_id,
        add is_recurring boolean not null default false;
      drop index idx_meetings_date;
      create index idx_meetings_date on meetings (starts_at, status);
      drop index ix_system_logs_whole_address, ix_system_logs_subject_id, ix_system_logs_meeting_id, ix_system_logs_plan;
      alter table family_plans
        drop constraint check_member_limits, drop constraint check_dissolved_empty,
        drop access_until, drop invited_members, drop transfer_to, drop transfer_proposed_at, drop ending_at,
        drop dissolved_at, drop told_until, drop told_ending_at,
        add constraint check_member_limits check (current_members >= 0 and current_members <= max_members);
      alter table orders
        drop amount_minor, drop refunded_amount, drop disputed_at, drop dispute_state, drop period_start,
        drop period_end, drop cut_at, drop next_try_at, drop waits_for, drop invoice_number, drop provider_invoice_id,
        drop provider_payment_id, drop provider_subscription_id, drop provider_price_id,
        alter amount type numeric(10, 2);
      drop index ix_orders_completed_at;
      alter table users
        drop name_key, drop access_until, drop closed_at, drop family_joined_at, drop shares_attendance,
        drop family_may_answer;
      drop index ix_users_email_begins, ix_users_created_at;
      revoke all on schema public from portal_monitor;
    """)
    run(f"drop table {', '.join((*reversed(TABLES), *QUEUE))} cascade")
    run("""
      do $$ declare f record; begin
        for f in select oid::regprocedure as name from pg_proc
                  where pronamespace = 'public'::regnamespace and proname like 'procrastinate\\_%'
        loop execute format('drop function %s cascade', f.name); end loop;
      end $$;
      drop type procrastinate_job_to_defer_v1, procrastinate_job_status, procrastinate_job_event_type;
    """)
