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
select 1;
"""


def upgrade() -> None:
    run(TABLES)
    close()


def downgrade() -> None:
    run("select 1")
