"""v1.2 security and cross-domain: row policies, private meetings, where an attendance came from.

Who is asking is part of the transaction: `app.user_id` and the role, both set for this transaction only.

Revision ID: v1.2
Revises: v1.1
"""

from portal.database.migration import WEB, close, definer, run

revision = "v1.2"
down_revision = "v1.1"
branch_labels = None
depends_on = None

IDENTITY = f"""
create schema auth;
grant usage on schema auth to portal_web, portal_worker, {WEB}, portal_definer;
grant usage on schema public to portal_web, portal_worker, {WEB}, portal_definer;
grant create on schema auth, public to portal_definer;

-- After its transaction the setting reads as an empty string, and that means nobody.
create function auth.uid() returns uuid language sql stable parallel safe as $$
  select nullif(current_setting('app.user_id', true), '')::uuid
$$;

-- A policy on users that asked users would recurse; this function looks past the policies, for one's own row only.
create function auth.family_plan_id() returns uuid language sql stable as $$
  select family_plan_id from public.users where id = auth.uid()
$$;
"""  # noqa: S608 - names of our own roles

DOMAINS = """
alter table meetings add is_private boolean not null default true;
alter table meeting_attendances
  add email_domain text,
  add is_external_domain boolean not null default false;
create index idx_attendance_domain on meeting_attendances (is_external_domain, email_domain);

-- Fixed when the person is invited; a bulk invitation brings the domain along and skips this.
create function note_domain() returns trigger language plpgsql as $$
begin
  select split_part(email_key, '@', 2) into new.email_domain from public.users where id = new.user_id;
  return new;
end $$;
create trigger note_domain before insert on meeting_attendances
  for each row when (new.email_domain is null) execute function note_domain();
"""

POLICIES = """
grant select on users to portal_member, portal_admin;
-- An admin is a member too, and changes no more of anybody than of themselves.
grant update (first_name, last_name, timezone, preferred_meeting_time) on users to portal_member, portal_admin;
create policy own on users for select to portal_member using (id = (select auth.uid()));
create policy own_change on users for update to portal_member, portal_admin
  using (id = (select auth.uid())) with check (id = (select auth.uid()));
create policy everybody on users for select to portal_admin using (true);

grant select on family_plans to portal_member, portal_admin;
grant update (plan_name) on family_plans to portal_member, portal_admin;
create policy own on family_plans for select to portal_member using (id = (select auth.family_plan_id()));
create policy own_change on family_plans for update to portal_member, portal_admin
  using (primary_user_id = (select auth.uid())) with check (primary_user_id = (select auth.uid()));
create policy everybody on family_plans for select to portal_admin using (true);

-- The room's address (meeting_link, meeting_id) is granted to nobody who answers a browser.
grant select (id, title, description, scheduled_date, start_time, duration, timezone, starts_at, ends_at, platform,
              max_attendees, status, is_recurring, created_at, updated_at, created_by, attendee_count, actual_duration,
              is_private)
  on meetings to portal_member, portal_admin;
grant insert (id, title, description, scheduled_date, start_time, duration, timezone, platform, max_attendees,
              is_private, is_recurring, created_by)
  on meetings to portal_admin;
grant update (title, description, scheduled_date, start_time, duration, timezone, platform, max_attendees, is_private,
              status)
  on meetings to portal_admin;
create policy open_or_invited on meetings for select to portal_member
  using (not is_private or exists (select from meeting_attendances a
                                    where a.meeting_id = meetings.id and a.user_id = (select auth.uid())));
create policy everything on meetings for select to portal_admin using (true);
create policy plan_meeting on meetings for insert to portal_admin with check (true);
create policy change_meeting on meetings for update to portal_admin using (true) with check (true);

grant select on meeting_attendances to portal_member, portal_admin;
create policy own on meeting_attendances for select to portal_member using (user_id = (select auth.uid()));
create policy everybody on meeting_attendances for select to portal_admin using (true);

grant select on orders to portal_member, portal_admin;
create policy own on orders for select to portal_member using (user_id = (select auth.uid()));
create policy everybody on orders for select to portal_admin using (true);
grant usage on sequence order_numbers to portal_worker, portal_definer;

create policy owner_moves on alembic_version using (true) with check (true);
alter table alembic_version enable row level security;
alter table alembic_version force row level security;
grant select on alembic_version to portal_web, portal_worker;
"""

TABLES = ("users", "family_plans", "meetings", "meeting_attendances", "orders")


def upgrade() -> None:
    run(IDENTITY)
    run(DOMAINS)
    close(*TABLES)
    run(POLICIES)
    definer("auth.family_plan_id()", to="portal_member")
    definer("check_primary()", "count_members()", "note_domain()")


def downgrade() -> None:
    run(
        "drop policy owner_moves on alembic_version; alter table alembic_version no force row level security;"
        "alter table alembic_version disable row level security;"
        "revoke all on alembic_version from portal_web, portal_worker;"
    )
    for table in TABLES:
        run(f"""
          do $$ declare p record; begin
            for p in select polname from pg_policy where polrelid = '{table}'::regclass
            loop execute format('drop policy %I on {table}', p.polname); end loop;
          end $$;
          alter table {table} no force row level security;
          alter table {table} disable row level security;
          revoke all on {table} from portal_worker, portal_definer, {WEB};
        """)  # noqa: S608 - names of our own tables
    run("""
      revoke all on sequence order_numbers from portal_worker, portal_definer;
      drop trigger note_domain on meeting_attendances;
      drop function note_domain(), auth.family_plan_id(), auth.uid();
      alter table meeting_attendances drop email_domain, drop is_external_domain;
      alter table meetings drop is_private;
    """)
    # The triggers go back to the owner's own rights before the schemas are closed to the definer.
    for function in ("check_primary()", "count_members()"):
        run(f"""
          alter function {function} security invoker;
          alter function {function} reset search_path;
          alter function {function} owner to portal_owner;
        """)
    run(f"""
      revoke all on schema public from portal_web, portal_worker, {WEB}, portal_definer;
      drop schema auth;
    """)
