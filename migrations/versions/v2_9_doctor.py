"""v2.9: runs of dry runs are named by the job's own name, with its point and underscores.

Revision ID: v2.9_doctor
Revises: v2.9_watch
"""

from portal.database.migration import run

revision = "v2.9_doctor"
down_revision = "v2.9_watch"
branch_labels = None
depends_on = None

WIDER = """
alter table runs drop constraint check_run_name;
alter table runs add constraint check_run_name check (name ~ '^[a-z][a-z_. ]*$');
"""

AS_BEFORE = """
delete from runs where name !~ '^[a-z][a-z ]*$';
alter table runs drop constraint check_run_name;
alter table runs add constraint check_run_name check (name ~ '^[a-z][a-z ]*$');
"""


def upgrade() -> None:
    run(WIDER)


def downgrade() -> None:
    run(AS_BEFORE)
