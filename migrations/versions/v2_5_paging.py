"""v2.5: the list of meetings is read in the order of its pages, without sorting.

Revision ID: v2.5_paging
Revises: v2.4_lapse
"""

from portal.database.migration import run

revision = "v2.5_paging"
down_revision = "v2.4_lapse"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("drop index idx_meetings_date; create index idx_meetings_date on meetings (starts_at, id) include (status)")


def downgrade() -> None:
    run("drop index idx_meetings_date; create index idx_meetings_date on meetings (starts_at, status)")
