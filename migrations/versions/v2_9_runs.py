"""v2.9: the last run of each job on the schedule, and the alarms the operator was told of.

Revision ID: v2.9_runs
Revises: v2.9_payments
"""

from portal.database.migration import close, run

revision = "v2.9_runs"
down_revision = "v2.9_payments"
branch_labels = None
depends_on = None

TABLES = """
-- A row a job, written over at the end of each run: most of them run every minute.
create table last_runs (
  name text not null,
  began_at timestamptz not null,
  ended_at timestamptz not null,
  well boolean not null,
  outcome text,
  constraint pk_last_runs primary key (name)
) with (fillfactor = 50);

-- Alarms that stand. `told_at` is null while the mail to the operator is still owed.
create table raised_alarms (
  name text not null,
  words text not null,
  is_bad boolean not null,
  began_at timestamptz not null,
  seen_at timestamptz not null,
  told_at timestamptz,
  constraint pk_raised_alarms primary key (name)
);
"""


def upgrade() -> None:
    run(TABLES)
    close("last_runs", "raised_alarms")


def downgrade() -> None:
    run("drop table raised_alarms, last_runs")
