"""v2.9: messages to groups, and the outbox read.

Revision ID: v2.9_outbox
Revises: v2.9_digests
"""

from portal.database.migration import close, run

revision = "v2.9_outbox"
down_revision = "v2.9_digests"
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
