"""v2.9: reminders, digests and daily invitations.

Revision ID: v2.9_digests
Revises: v2.9_answers
"""

from portal.database.migration import close, run

revision = "v2.9_digests"
down_revision = "v2.9_answers"
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
