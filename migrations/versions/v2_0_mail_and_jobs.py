"""v2.0, last part: the outbox, the sandbox mailbox and the job queue, so that mail and work leave with the change.

Revision ID: v2.0
Revises: v2.0_attendance
"""

from alembic import op
from procrastinate.schema import SchemaManager

from portal.database.migration import WEB, close, definer, run

revision = "v2.0"
down_revision = "v2.0_attendance"
branch_labels = None
depends_on = None

UP = """
create table mails (
  id uuid constraint pk_mails primary key default new_id(),
  kind text not null,
  -- One mail of a kind per occasion, however often the occasion is noticed.
  occasion text constraint uq_mails_occasion unique,
  user_id uuid constraint fk_mails_user_id_users references users on delete set null,
  recipient text not null constraint check_recipient check (recipient !~ '[[:cntrl:][:space:]]'),
  subject text not null constraint check_subject check (subject !~ '[[:cntrl:]]'),
  text text,
  html text,
  -- Bodies that open something (links, codes) are forgotten once sent.
  secret boolean not null default false,
  state text not null default 'queued' constraint check_mail_state check (state in ('queued', 'sent', 'failed', 'dropped')),
  attempts integer not null default 0,
  failure text,
  created_at timestamptz not null,
  sent_at timestamptz
);
create index ix_mails_user_id on mails (user_id, created_at desc);
create index ix_mails_queued on mails (created_at) where state = 'queued';

create table sandbox_mails (
  id uuid constraint pk_sandbox_mails primary key,
  recipient text not null,
  subject text not null,
  text text not null,
  html text,
  received_at timestamptz not null
);
create index ix_sandbox_mails_received_at on sandbox_mails (received_at desc, id desc);
create index ix_sandbox_mails_recipient on sandbox_mails (recipient, received_at desc);
"""

POLICIES = f"""
grant insert on mails to {WEB};
create policy write on mails for insert to {WEB} with check (state = 'queued');
grant select on sandbox_mails to {WEB};
create policy demo on sandbox_mails for select to {WEB} using (true);

-- Least rights to enqueue: write a job, see nothing of it but its id and key.
grant insert on procrastinate_jobs, procrastinate_events to {WEB};
grant select (id, queueing_lock) on procrastinate_jobs to {WEB};
grant usage on sequence procrastinate_jobs_id_seq, procrastinate_events_id_seq to {WEB}, portal_worker, portal_definer;
grant usage on sequence procrastinate_periodic_defers_id_seq, procrastinate_workers_id_seq to portal_worker;
create policy enqueue on procrastinate_jobs for insert to {WEB} with check (status = 'todo');
create policy own_key on procrastinate_jobs for select to {WEB} using (true);
-- A worker that leaves lets go of its jobs by a foreign key, which writes the event as the tables' owner.
create policy cascades on procrastinate_events for insert to portal_owner with check (true);
create policy enqueue on procrastinate_events for insert to {WEB} with check (true);

-- Is anybody working? Readiness asks before anybody is known.
create function worker_heartbeat() returns timestamptz language sql stable as $$
  select max(last_heartbeat) from public.procrastinate_workers
$$;
"""  # noqa: S608 - names of our own roles

JOB_TABLES = ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers", "procrastinate_workers")


def upgrade() -> None:
    run(UP)
    # The package's own schema, statement for statement, past SQLAlchemy's reading of % and colons.
    op.get_bind().connection.cursor().execute(SchemaManager.get_schema())
    close("mails", "sandbox_mails", *JOB_TABLES)
    run(POLICIES)
    definer("worker_heartbeat()", to="portal_web, portal_worker, portal_admin")


def downgrade() -> None:
    run("drop function worker_heartbeat()")
    run("drop table sandbox_mails, mails")
    run("""
      drop table procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers cascade;
      do $$ declare f record; begin
        for f in select oid::regprocedure as name from pg_proc
                  where pronamespace = 'public'::regnamespace and proname like 'procrastinate\\_%'
        loop execute format('drop function %s cascade', f.name); end loop;
      end $$;
      drop type procrastinate_job_to_defer_v1, procrastinate_job_status, procrastinate_job_event_type;
    """)
