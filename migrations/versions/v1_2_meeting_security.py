"""v1.2 security and cross-domain: closed tables, private meetings, where an attendance came from.

Who is asking is part of the transaction: `app.user_id` and the role, both set for this transaction only. Tables are
closed here (row security, forced); what opens them a crack are the policies.

Revision ID: v1.2
Revises: v1.1
"""

from portal.database.migration import WEB, close, run

revision = "v1.2"
down_revision = "v1.1"
branch_labels = None
depends_on = None

TABLES = ("users", "family_plans", "meetings", "meeting_attendances", "orders", "alembic_version")

UP = f"""
create schema auth;
grant usage on schema auth, public to portal_web, portal_worker, {WEB}, portal_definer;
grant create on schema auth, public to portal_definer;

alter table meetings add is_private boolean not null default true;
alter table meeting_attendances
  add email_domain text,
  add is_external_domain boolean not null default false;
update meeting_attendances a set email_domain = split_part(u.email_key, '@', 2) from users u where u.id = a.user_id;
create index idx_attendance_domain on meeting_attendances (is_external_domain, email_domain);

create policy owner_moves on alembic_version using (true) with check (true);
grant select on alembic_version to portal_web, portal_worker;
"""  # noqa: S608 - names of our own roles

DOWN = f"""
drop policy owner_moves on alembic_version;
revoke all on alembic_version from portal_web, portal_worker;
alter table meeting_attendances drop email_domain, drop is_external_domain;
alter table meetings drop is_private;
drop schema auth;
revoke all on schema public from portal_web, portal_worker, {WEB}, portal_definer;
"""


def upgrade() -> None:
    run(UP)
    close(*TABLES)


def downgrade() -> None:
    for table in TABLES:
        run(f"alter table {table} no force row level security, disable row level security")
    run(DOWN)
