"""v2.8: what was mailed to a person's calendar, and what is yet to be.

Revision ID: v2.8_calendar
Revises: v2.7_mail
"""

from portal.database.migration import close, run

revision = "v2.8_calendar"
down_revision = "v2.7_mail"
branch_labels = None
depends_on = None

TABLES = """
-- A person's entry of a meeting, as the mails put it into their calendar.
create table calendar_entries (
  meeting_id uuid not null constraint fk_calendar_entries_meeting_id_meetings references meetings on delete cascade,
  user_id uuid not null constraint fk_calendar_entries_user_id_users references users on delete cascade,
  -- Names this entry in the address that replies go to; constant, and guessed by nobody.
  token text not null constraint uq_calendar_entries_token unique constraint check_token check (token ~ '^[a-z2-7]{26}$'),
  -- Higher with every REQUEST or CANCEL (RFC 5546 2.1.4).
  sequence integer not null default 0,
  -- The last that was mailed, and what it said.
  method text constraint check_method check (method in ('REQUEST', 'CANCEL')),
  starts_at timestamptz,
  ends_at timestamptz,
  title text,
  mailed_at timestamptz,
  constraint pk_calendar_entries primary key (meeting_id, user_id)
);
create index ix_calendar_entries_user_id on calendar_entries (user_id);
"""


def upgrade() -> None:
    run(TABLES)
    close("calendar_entries")


def downgrade() -> None:
    run("drop table calendar_entries")
