"""v1.3 analytics and logging: what happened, how long somebody stayed, by what.

Revision ID: v1.3
Revises: v1.2
"""

from portal.database.migration import close, run

revision = "v1.3"
down_revision = "v1.2"
branch_labels = None
depends_on = None

UP = """
alter table meeting_attendances
  add join_duration integer constraint check_join_duration check (join_duration >= 0),
  add device_type text constraint check_device_type check (device_type in ('desktop', 'mobile', 'tablet', 'unknown'));

-- No foreign keys on purpose: a log outlives what it describes.
create table system_logs (
  id uuid constraint pk_system_logs primary key default new_id(),
  level text not null constraint check_log_level check (level in ('info', 'warn', 'error', 'debug')),
  message text not null constraint check_message check (char_length(message) <= 2000),
  category text not null constraint check_log_category
    check (category in ('meeting', 'user', 'security', 'cron', 'api', 'billing', 'email')),
  user_id uuid,
  subject_id uuid,
  meeting_id uuid,
  operation text,
  ip_address inet,
  user_agent text constraint check_user_agent check (char_length(user_agent) <= 400),
  request_id text,
  metadata jsonb,
  timestamp timestamptz not null default now()
);
create index idx_system_logs_timestamp on system_logs (timestamp desc, id desc);
create index idx_system_logs_category on system_logs (category, level, timestamp desc);
create index ix_system_logs_user_id on system_logs (user_id, timestamp desc);
create index ix_system_logs_request_id on system_logs (request_id);

create index idx_users_subscription on users (subscription_status, subscription_expiry)
  where subscription_status in ('active', 'pending');
"""

DOWN = """
drop index idx_users_subscription;
drop table system_logs;
alter table meeting_attendances drop join_duration, drop device_type;
"""


def upgrade() -> None:
    run(UP)
    close("system_logs")


def downgrade() -> None:
    run(DOWN)
