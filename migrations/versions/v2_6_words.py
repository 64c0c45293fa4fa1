"""v2.6: columns by what they hold: a duplicate subscription, the outcome of a run, a difference from the provider.

Revision ID: v2.6_words
Revises: v2.6_rooms
"""

from portal.database.migration import run

revision = "v2.6_words"
down_revision = "v2.6_rooms"
branch_labels = None
depends_on = None

RENAMED = (("subscriptions", "twin", "is_duplicate"), ("runs", "said", "outcome"), ("drifts", "said", "difference"))


def upgrade() -> None:
    run("".join(f"alter table {table} rename {old} to {new};" for table, old, new in RENAMED))


def downgrade() -> None:
    run("".join(f"alter table {table} rename {new} to {old};" for table, old, new in RENAMED))
