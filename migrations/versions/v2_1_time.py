"""v2.1: a meeting's instant is written by whoever plans it; the club's clock knows whether it is a sandbox's.

The database keeps to what it can know of time: how long a meeting is, that no zone is further than 15 hours from UTC, and
what a zone's name looks like. Which instant a wall clock shows is the portal's to say, by the zone rules it was shipped
with (docs/decisions/time.md).

Revision ID: v2.1_time
Revises: v2.0
"""

from portal.database.migration import run

revision = "v2.1_time"
down_revision = "v2.0"
branch_labels = None
depends_on = None

ZONE = "check (timezone ~ '^([A-Z][A-Za-z]+(/[A-Za-z_-]+)+|Etc/GMT[+-][0-9]|Etc/GMT[+]1[0-2]|Etc/GMT-1[0-4]|UTC)$')"
UP = f"""
alter table meetings
  add constraint check_start_near_wall_time check (
    (scheduled_date + start_time) - (starts_at at time zone 'UTC') between interval '-15 hours' and interval '15 hours'),
  add constraint check_ends_after_duration check (ends_at - starts_at = make_interval(mins => duration)),
  add constraint check_zone_name {ZONE};
alter table users add constraint check_zone_name {ZONE};
alter table meeting_series add constraint check_zone_name {ZONE};

alter table club_clock
  -- Where time stands still while a rehearsal looks at it; else it goes on, `ahead` of the real one.
  add stands_at timestamptz,
  add is_sandbox boolean not null default false;
-- For move_club_clock, which asks is_sandbox first; that one only the owner writes.
grant update (ahead) on club_clock to portal_definer;
"""
DOWN = """
revoke update (ahead) on club_clock from portal_definer;
alter table club_clock drop stands_at, drop is_sandbox;
alter table meetings drop constraint check_start_near_wall_time, drop constraint check_ends_after_duration,
  drop constraint check_zone_name;
alter table users drop constraint check_zone_name;
alter table meeting_series drop constraint check_zone_name;
"""


def upgrade() -> None:
    run(UP)


def downgrade() -> None:
    run(DOWN)
