"""v2.12: functions, views, policies and grants come from files; the club has a clock the database can read.

Revision ID: v2.12_objects
Revises: v2.11_news
"""

from portal.database import objects
from portal.database.migration import WEB, run

revision = "v2.12_objects"
down_revision = "v2.11_news"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for file in reversed(objects.files()):
        run(file.undo)
    run(f"""
    create table database_objects (
      path text constraint pk_database_objects primary key,
      position integer not null,
      digest text not null,
      undo text not null
    );
    create table club_clock (
      singleton boolean constraint pk_club_clock primary key default true constraint check_singleton check (singleton),
      ahead interval not null default '0'
    );
    insert into club_clock default values;
    alter table database_objects enable row level security;
    alter table database_objects force row level security;
    create policy owner_remembers on database_objects to portal_owner using (true) with check (true);
    alter table club_clock enable row level security;
    alter table club_clock force row level security;
    create policy owner_sets on club_clock to portal_owner using (true) with check (true);
    create policy everybody_reads on club_clock for select to {WEB}, portal_web, portal_worker using (true);
    grant select on club_clock to {WEB}, portal_web, portal_worker, portal_definer;
    """)


def downgrade() -> None:
    run("drop table club_clock, database_objects")
