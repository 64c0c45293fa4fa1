"""v2.9: mails to many that have no job each.

Revision ID: v2.9_letters
Revises: v2.9_doctor
"""

from portal.database.migration import rewrite, run

revision = "v2.9_letters"
down_revision = "v2.9_doctor"
branch_labels = None
depends_on = None

COLUMNS = """
-- When a mail without a job of its own is to leave, by the time of the queue; null: it has one, or needs none any more.
alter table mails add due_at timestamptz;
-- Whether it has waited for its turn among those to its domain.
alter table mails add has_turn boolean not null default false;
create index ix_mails_due_at on mails (due_at, id) where state = 'queued' and due_at is not null;
"""


def upgrade() -> None:
    run(COLUMNS)


def downgrade() -> None:
    # An older portal would neither send them nor know what they say.
    rewrite(
        "update mails set state = 'dropped', failure = 'The portal went back to an older version.'"
        " where state = 'queued' and text is null",
        "mails",
    )
    run("""
    drop index ix_mails_due_at;
    alter table mails drop due_at, drop has_turn;
    """)
