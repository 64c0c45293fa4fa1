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
select 1;
"""


def upgrade() -> None:
    run(TABLES)
    close()


def downgrade() -> None:
    run("select 1")
