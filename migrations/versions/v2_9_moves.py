"""v2.9: moving in and out by the browser.

Revision ID: v2.9_moves
Revises: v2.9_letters
"""

from portal.database.migration import close, run

revision = "v2.9_moves"
down_revision = "v2.9_letters"
branch_labels = None
depends_on = None

TABLES = """
-- A file of people an admin uploaded, or an archive one had made, and how far the worker is with it. Gone after a day.
create table moves (
  id uuid constraint pk_moves primary key default new_id(),
  admin_id uuid not null constraint fk_moves_admin_id_users references users on delete cascade,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  step text not null constraint check_step check (step in ('file', 'check', 'take', 'export')),
  state text not null constraint check_state check (state in ('done', 'running', 'failed')),
  format text not null,
  file_name text not null default '',
  bytes bigint not null default 0,
  done bigint not null default 0,
  total bigint not null default 0,
  options jsonb not null default '{}',
  report jsonb,
  failure text
);
create index ix_moves_admin_id on moves (admin_id, created_at);
create index ix_moves_created_at on moves (created_at);

-- The file, the report on it and the archive, a piece a row: web and worker need not see one disk.
create table move_parts (
  move_id uuid not null constraint fk_move_parts_move_id_moves references moves on delete cascade,
  kind text not null constraint check_part_kind check (kind in ('file', 'report', 'archive')),
  number integer not null,
  content bytea not null constraint check_part_content check (octet_length(content) between 1 and 4000000),
  constraint pk_move_parts primary key (move_id, kind, number)
);
-- Archives are compressed already.
alter table move_parts alter content set storage external;
"""


def upgrade() -> None:
    run(TABLES)
    close("moves", "move_parts")


def downgrade() -> None:
    run("drop table move_parts; drop table moves")
