"""v1.0 users and meetings: who is here, what happens when, who answered.

Revisions carry tables and data. Functions, triggers, views, policies and grants stand in files and come with the newest
revision (see portal/database/objects.py); only what a table's own definition calls is made here.

Revision ID: v1.0
Revises:
"""

from alembic import op

from portal.database.migration import run

revision = "v1.0"
down_revision = None
branch_labels = None
depends_on = None

# Ids grow with time (version 7), so that bulk inserts stay fast. PostgreSQL 18 has its own function.
NEW_ID_18 = "create function new_id() returns uuid language sql volatile parallel safe as 'select uuidv7()'"
NEW_ID = """
create function new_id() returns uuid language sql volatile parallel safe as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
              placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
              from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid
$$
"""

TABLES = """
create table users (
  id uuid constraint pk_users primary key default new_id(),
  email text not null constraint check_email_shape check (email ~ '^[^[:cntrl:][:space:]@]+@[^[:cntrl:][:space:]@]+$' and char_length(email) <= 254),
  -- Looked up by equality: text = text is leakproof, so row policies leave the index usable; lower(x) is not.
  -- Kept by a trigger: were it generated, every update of a person would hold off whoever refers to that person,
  -- since beside a BEFORE trigger PostgreSQL takes a generated key for changed.
  email_key text not null constraint uq_users_email_key unique,
  first_name text constraint check_first_name check (char_length(first_name) between 1 and 80 and first_name !~ '[[:cntrl:]]'),
  last_name text constraint check_last_name check (char_length(last_name) between 1 and 80 and last_name !~ '[[:cntrl:]]'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  is_active boolean not null default true,
  is_admin boolean not null default false,
  subscription_status text not null default 'inactive'
    constraint check_subscription_status check (subscription_status in ('active', 'inactive', 'pending')),
  subscription_type text constraint check_subscription_type check (subscription_type in ('individual', 'family')),
  subscription_expiry timestamptz,
  timezone text not null default 'UTC',
  preferred_meeting_time time not null default '21:00',
  last_login_at timestamptz,
  email_verified boolean not null default false,
  -- Free of now(): a check that reads the clock freezes rows and breaks restores.
  constraint check_active_subscription check (subscription_status <> 'active' or subscription_expiry is not null)
);

create table meetings (
  id uuid constraint pk_meetings primary key default new_id(),
  title text not null
    constraint check_title check (char_length(title) between 1 and 120 and title = btrim(title) and title !~ '[[:cntrl:]]'),
  description text constraint check_description check (char_length(description) <= 5000),
  scheduled_date date not null,
  start_time time not null,
  duration integer not null default 60 constraint check_meeting_duration check (duration > 0 and duration <= 480),
  timezone text not null default 'UTC',
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  platform text not null default 'google-meet' constraint check_platform check (platform in ('google-meet', 'zoom')),
  meeting_link text,
  meeting_id text,
  max_attendees integer default 50 constraint check_max_attendees check (max_attendees > 0),
  status text not null default 'scheduled'
    constraint check_meeting_status check (status in ('scheduled', 'active', 'completed', 'cancelled')),
  is_recurring boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  created_by uuid constraint fk_meetings_created_by_users references users on delete set null,
  attendee_count integer not null default 0,
  actual_duration integer constraint check_actual_duration check (actual_duration >= 0)
);

create index idx_meetings_date on meetings (starts_at, status);
create index idx_meetings_active on meetings (starts_at) where status = 'scheduled';
create index ix_meetings_created_by on meetings (created_by);

create table meeting_attendances (
  id uuid constraint pk_meeting_attendances primary key default new_id(),
  meeting_id uuid not null constraint fk_meeting_attendances_meeting_id_meetings references meetings on delete cascade,
  user_id uuid not null constraint fk_meeting_attendances_user_id_users references users on delete cascade,
  status text not null default 'invited'
    constraint check_attendance_status check (status in ('invited', 'accepted', 'declined', 'attended', 'no_show')),
  invited_at timestamptz not null default now(),
  responded_at timestamptz,
  joined_at timestamptz,
  left_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint uq_meeting_attendances_meeting_id unique (meeting_id, user_id),
  constraint check_left_after_joined check (left_at >= joined_at)
);
create index ix_meeting_attendances_user_id on meeting_attendances (user_id, meeting_id);
"""


def upgrade() -> None:
    bind = op.get_bind()
    native = bind.dialect.server_version_info[0] >= 18
    run(NEW_ID_18 if native else NEW_ID)
    run(TABLES)


def downgrade() -> None:
    run("drop table meeting_attendances, meetings, users; drop function new_id()")
