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
-- The start that was said yes to: who said yes is asked again when the meeting moves far from it. Null: not known.
alter table meeting_attendances add agreed_to timestamptz;

-- A person's entry of a meeting, as the mails put it into their calendar.
create table calendar_entries (
  meeting_id uuid not null constraint fk_calendar_entries_meeting_id_meetings references meetings on delete cascade,
  user_id uuid not null constraint fk_calendar_entries_user_id_users references users on delete cascade,
  -- Names this entry in the address that replies go to; constant, and guessed by nobody.
  token text not null constraint uq_calendar_entries_token unique constraint check_token check (token ~ '^[a-z2-7]{26}$'),
  -- Higher with every REQUEST or CANCEL (RFC 5546 2.1.4).
  sequence integer not null default 0,
  -- The last that was mailed, and what the person's calendar knows by it, or by an answer sent from there (partstat).
  method text constraint check_method check (method in ('REQUEST', 'CANCEL')),
  partstat text constraint check_partstat check (partstat in ('NEEDS-ACTION', 'ACCEPTED', 'DECLINED')),
  starts_at timestamptz,
  ends_at timestamptz,
  title text,
  host_name text,
  mailed_at timestamptz,
  constraint pk_calendar_entries primary key (meeting_id, user_id)
);
create index ix_calendar_entries_user_id on calendar_entries (user_id);

-- What may have to be mailed to somebody's calendar, or, without a person, to all who have this meeting in theirs.
create table calendar_changes (
  id uuid constraint pk_calendar_changes primary key default new_id(),
  meeting_id uuid not null constraint fk_calendar_changes_meeting_id_meetings references meetings on delete cascade,
  user_id uuid constraint fk_calendar_changes_user_id_users references users on delete cascade,
  -- Of one transaction the same, so that an answer for many evenings is recognised.
  noted_at timestamptz not null default now(),
  -- Not one answer by hand, but one of many.
  by_rule boolean not null default false,
  due_at timestamptz not null,
  constraint uq_calendar_changes_meeting_id unique nulls not distinct (meeting_id, user_id)
);
create index ix_calendar_changes_user_id on calendar_changes (user_id);
create index ix_calendar_changes_due_at on calendar_changes (due_at);
"""


def upgrade() -> None:
    run(TABLES)
    close("calendar_entries", "calendar_changes")


def downgrade() -> None:
    run("""
    drop table calendar_changes, calendar_entries;
    alter table meeting_attendances drop agreed_to;
    """)
