"""v2.9: how long pages take.

Revision ID: v2.9_watch
Revises: v2.9_runs
"""

from portal.database.migration import close, run

revision = "v2.9_watch"
down_revision = "v2.9_runs"
branch_labels = None
depends_on = None

TABLES = """
-- How many requests of a route were ever answered with a status, and how long that took. These only grow.
create table request_timings (
  route text not null,
  status integer not null,
  requests bigint not null,
  total_ms double precision not null,
  constraint pk_request_timings primary key (route, status)
);
"""


def upgrade() -> None:
    run(TABLES)
    close("request_timings")


def downgrade() -> None:
    run("drop table request_timings")
