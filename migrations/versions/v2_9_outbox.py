"""v2.9: messages to groups, and the outbox read.

Revision ID: v2.9_outbox
Revises: v2.9_moving
"""

from portal.database.migration import close, run

revision = "v2.9_outbox"
down_revision = "v2.9_moving"
branch_labels = None
depends_on = None

TABLES = """
-- Messages to a group: of one meeting, or of the whole club.
create table announcements (
  id uuid constraint pk_announcements primary key default new_id(),
  meeting_id uuid constraint fk_announcements_meeting_id_meetings references meetings on delete cascade,
  -- Who gets it, worked out anew for each batch that is written.
  audience text not null constraint check_audience check (audience in ('coming', 'waiting', 'unanswered', 'members', 'ending')),
  -- Of those whose access ends: within how many days.
  days integer constraint check_days check (days between 1 and 365),
  -- An admin's own words. A host's message has the club's subject: nothing a member typed stands in one.
  subject text constraint check_announcement_subject check (subject !~ '[[:cntrl:]]' and length(subject) <= 150),
  body text not null constraint check_announcement_body check (length(body) <= 5000),
  written_by uuid constraint fk_announcements_written_by_users references users on delete set null,
  -- Whether it was an admin who wrote, whose right does not hang on the meeting.
  by_admin boolean not null,
  state text not null default 'leaving'
    constraint check_announcement_state check (state in ('leaving', 'sending', 'sent', 'taken-back', 'stopped')),
  -- Why it was stopped, if nobody pressed the button.
  reason text,
  written_at timestamptz not null,
  leaves_at timestamptz not null,
  ended_at timestamptz,
  -- How far the writing has come: people are written to in the order of their ids.
  reached_user_id uuid,
  constraint check_subject_of_admin check ((subject is not null) = by_admin),
  constraint check_group check ((meeting_id is null) = (audience in ('members', 'ending'))),
  constraint check_group_days check ((days is null) = (audience <> 'ending'))
);
create index ix_announcements_meeting_id on announcements (meeting_id, written_at desc);
create index ix_announcements_written_by on announcements (written_by);
create index ix_announcements_unfinished on announcements (leaves_at) where state in ('leaving', 'sending');
create index ix_announcements_written_at on announcements (written_at desc, id desc) where meeting_id is null;

alter table mails
  -- The message to a group it is a part of.
  add announcement_id uuid constraint fk_mails_announcement_id_announcements references announcements on delete set null,
  -- The mail it sends once more.
  add again_of uuid constraint fk_mails_again_of_mails references mails on delete set null;
create index ix_mails_announcement_id on mails (announcement_id, state);
create index ix_mails_again_of on mails (again_of);
-- The outbox as admins read it, newest first.
create index ix_mails_created_at on mails (created_at desc, id desc);
create index ix_mails_kind on mails (kind, created_at desc, id desc);
create index ix_mails_recipient on mails (lower(recipient), created_at desc);
create index ix_mails_dropped on mails (created_at) where state = 'dropped';
"""


def upgrade() -> None:
    run(TABLES)
    close("announcements")


def downgrade() -> None:
    run("""
    drop index ix_mails_created_at, ix_mails_kind, ix_mails_recipient, ix_mails_dropped;
    alter table mails drop announcement_id, drop again_of;
    drop table announcements;
    """)
