"""v2.8: what comes back by mail.

Revision ID: v2.8_inbox
Revises: v2.8_feeds
"""

from portal.database.migration import close, run

revision = "v2.8_inbox"
down_revision = "v2.8_feeds"
branch_labels = None
depends_on = None

TABLES = """
-- What became of each message of the mailbox that replies and bounces come to. Its text is not kept.
create table inbox_messages (
  id uuid constraint pk_inbox_messages primary key default new_id(),
  -- Which message of which mailbox it was (RFC 3501 2.3.1.1).
  mailbox text not null,
  uidvalidity bigint not null,
  uid bigint not null,
  kind text not null constraint check_kind check (kind in ('bounce', 'reply', 'automatic', 'own', 'letter', 'unreadable')),
  -- A sentence for admins; none while a reply waits to be applied.
  outcome text,
  applied boolean not null default false,
  sender text,
  received_at timestamptz not null,
  user_id uuid constraint fk_inbox_messages_user_id_users references users on delete set null,
  meeting_id uuid constraint fk_inbox_messages_meeting_id_meetings references meetings on delete set null,
  -- A calendar object and the token it was sent to, until it was applied; and which version it was (RFC 5546 2.1.5).
  token text,
  calendar text,
  may_answer boolean not null default false,
  sequence integer,
  stamped_at timestamptz,
  constraint uq_inbox_messages_uid unique (mailbox, uidvalidity, uid),
  constraint check_waiting check ((calendar is null) = (outcome is not null))
);
create index ix_inbox_messages_received_at on inbox_messages (received_at desc, id desc);
create index ix_inbox_messages_user_id on inbox_messages (user_id, meeting_id);
create index ix_inbox_messages_meeting_id on inbox_messages (meeting_id);
"""


def upgrade() -> None:
    run(TABLES)
    close("inbox_messages")


def downgrade() -> None:
    run("drop table inbox_messages")
