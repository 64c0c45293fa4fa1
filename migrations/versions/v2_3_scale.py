"""v2.3: what a club of a million asks by.

Revision ID: v2.3_scale
Revises: v2.2_families
"""

from portal.database.migration import run

revision = "v2.3_scale"
down_revision = "v2.2_families"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("""
      create index ix_users_email_begins on users (email_key text_pattern_ops);
      create index ix_users_access_until on users (access_until) where is_active;
      create index ix_users_created_at on users (created_at);
    """)


def downgrade() -> None:
    run("drop index ix_users_email_begins, ix_users_access_until, ix_users_created_at")
