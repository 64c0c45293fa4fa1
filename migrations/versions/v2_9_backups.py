"""v2.9: the backups there are, what was in each when it was made, and whether it was brought back to life.

Revision ID: v2.9_backups
Revises: v2.9_runs
"""

from portal.database.migration import close, run

revision = "v2.9_backups"
down_revision = "v2.9_runs"
branch_labels = None
depends_on = None

UP = """
create table backups (
  id uuid constraint pk_backups primary key default new_id(),
  file text not null constraint uq_backups_file unique constraint check_backup_file check (file ~ '^[a-z0-9-]+[.]dump$'),
  made_at timestamptz not null default clock_timestamp(),
  -- What the club's clock said; the demo's may be ahead.
  club_at timestamptz not null,
  bytes bigint not null constraint check_backup_bytes check (bytes > 0),
  sha256 text not null constraint check_backup_sha256 check (sha256 ~ '^[0-9a-f]{64}$'),
  revision text not null,
  -- How many rows each table had, in the snapshot that was dumped.
  row_counts jsonb not null,
  proved_at timestamptz,
  proved boolean,
  proof text,
  deleted_at timestamptz,
  constraint check_backup_proved check ((proved_at is null) = (proved is null))
);
create index ix_backups_made_at on backups (made_at desc);
"""


def upgrade() -> None:
    run(UP)
    close("backups")
    run("grant select on backups to portal_admin")
    run("create policy everything on backups for select to portal_admin using (true)")


def downgrade() -> None:
    run("drop table backups")
