"""v2.8: personal calendar feeds.

Revision ID: v2.8_feeds
Revises: v2.8_calendar
"""

from portal.database.migration import close, run

revision = "v2.8_feeds"
down_revision = "v2.8_calendar"
branch_labels = None
depends_on = None

TABLES = """
-- An address at which a calendar program reads somebody's meetings; whoever knows it may read them.
create table calendar_feeds (
  id uuid constraint pk_calendar_feeds primary key default new_id(),
  user_id uuid not null constraint fk_calendar_feeds_user_id_users references users on delete cascade,
  -- What its owner tells it by; empty once the account is closed.
  name text not null constraint check_name check (char_length(name) <= 60),
  -- What the person said something to or was invited to by name, or all that they may see.
  shows text not null constraint check_shows check (shows in ('mine', 'everything')),
  -- SHA-256 of the random part of the address.
  token_hash bytea not null constraint uq_calendar_feeds_token_hash unique,
  created_at timestamptz not null default now()
);
create index ix_calendar_feeds_user_id on calendar_feeds (user_id, created_at);
"""


def upgrade() -> None:
    run(TABLES)
    close("calendar_feeds")


def downgrade() -> None:
    run("drop table calendar_feeds")
