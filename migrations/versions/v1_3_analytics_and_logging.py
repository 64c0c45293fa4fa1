"""v1.3 analytics and logging: what happened, and the two views that count.

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

-- Each row asks for its own attendances, so a filtered read never counts the whole club; and the views obey the
-- policies of whoever reads them.
create view meeting_statistics with (security_invoker = true) as
select m.id, m.title, m.scheduled_date, m.status,
       s.invited_count, s.attended_count, s.external_attendees, s.avg_duration
  from meetings m
 cross join lateral (
   select count(*) as invited_count,
          count(*) filter (where a.status = 'attended') as attended_count,
          count(*) filter (where a.status = 'attended' and a.is_external_domain) as external_attendees,
          avg(a.join_duration) as avg_duration
     from meeting_attendances a where a.meeting_id = m.id) s;

create view user_engagement with (security_invoker = true) as
select u.id, u.email, u.subscription_status,
       s.meetings_invited, s.meetings_attended, s.avg_meeting_duration, s.last_meeting_attended
  from users u
 cross join lateral (
   select count(*) as meetings_invited,
          count(*) filter (where a.status = 'attended') as meetings_attended,
          avg(a.join_duration) as avg_meeting_duration,
          max(a.joined_at) as last_meeting_attended
     from meeting_attendances a where a.user_id = u.id) s;

grant select on meeting_statistics to portal_admin, portal_worker;
grant select on user_engagement to portal_admin, portal_worker;
"""

POLICIES = """
-- Written by everybody, in their own name; read by admins; changed by nobody.
grant insert on system_logs to portal_anonymous, portal_member, portal_admin;
revoke update on system_logs from portal_worker;
create policy write_own on system_logs for insert to portal_anonymous, portal_member, portal_admin
  with check (user_id is not distinct from (select auth.uid()));
grant select on system_logs to portal_admin;
create policy everything on system_logs for select to portal_admin using (true);
"""

DOWN = """
drop view user_engagement, meeting_statistics;
drop index idx_users_subscription;
drop table system_logs;
alter table meeting_attendances drop join_duration, drop device_type;
"""


def upgrade() -> None:
    run(UP)
    close("system_logs")
    run(POLICIES)


def downgrade() -> None:
    run(DOWN)
