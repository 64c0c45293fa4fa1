"""v2.10: the log is read by person, by meeting and by family, newest first.

Revision ID: v2.10_log
Revises: v2.9_monitoring
"""

from portal.database.migration import run

revision = "v2.10_log"
down_revision = "v2.9_monitoring"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("""
      create index ix_system_logs_subject_id on system_logs (subject_id, timestamp desc) where subject_id is not null;
      create index ix_system_logs_meeting_id on system_logs (meeting_id, timestamp desc) where meeting_id is not null;
      create index ix_system_logs_plan on system_logs ((metadata ->> 'plan_id')) where metadata ->> 'plan_id' is not null;
    """)


def downgrade() -> None:
    run("drop index ix_system_logs_subject_id, ix_system_logs_meeting_id, ix_system_logs_plan")
