"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from portal.database.migration import run

revision = "${up_revision}"
down_revision = ${'"' + down_revision + '"' if down_revision else None}
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("")  # a new table is shut by close("its_name") until its policies are made


def downgrade() -> None:
    run("")
