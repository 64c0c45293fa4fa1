"""v2.9: standing answers and notes to the host.

Revision ID: v2.9_answers
Revises: v2.8_inbox
"""

from portal.database.migration import close, run

revision = "v2.9_answers"
down_revision = "v2.8_inbox"
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
