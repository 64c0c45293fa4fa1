"""v2.9: what the schedule did, how long it took and how it ended; and how the queue and the outbox stand, for admins.

Revision ID: v2.9_runs
Revises: v2.8_domains
"""

from portal.database.migration import close, definer, run

revision = "v2.9_runs"
down_revision = "v2.8_families"
branch_labels = None
depends_on = None

RUNS = """
-- Times are the machine's, as the queue's are: the demo's clock may be ahead.
create table runs (
  id uuid constraint pk_runs primary key default new_id(),
  name text not null constraint check_run_name check (name ~ '^[a-z][a-z ]*$'),
  began_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  well boolean,
  said text,
  details jsonb,
  constraint check_run_ended check ((ended_at is null) = (well is null) and ended_at >= began_at)
);
create index ix_runs_name on runs (name, began_at desc);
"""

# Who answers browsers reads neither jobs nor mails; an admin is told how many.
STANDING = """
create index ix_mails_failed on mails (created_at) where state = 'failed';

create function queue_standing() returns table (
  task text, waiting bigint, late bigint, doing bigint, failed bigint, failed_at timestamptz
) language sql stable as $$
  select j.task_name, count(*) filter (where j.status = 'todo'),
         count(*) filter (where j.status = 'todo' and coalesce(j.scheduled_at, e.first) < now() - interval '10 minutes'),
         count(*) filter (where j.status = 'doing'),
         count(*) filter (where j.status = 'failed' and e.last > now() - interval '7 days'),
         max(e.last) filter (where j.status = 'failed')
    from public.procrastinate_jobs j
   cross join lateral (select min(at) as first, max(at) as last from public.procrastinate_events where job_id = j.id) e
   where j.status in ('todo', 'doing', 'failed')
   group by j.task_name
$$;

create function mail_standing(since timestamptz) returns table (
  waiting bigint, waiting_since timestamptz, failed bigint, failure text
) language sql stable as $$
  select count(*) filter (where state = 'queued'), min(created_at) filter (where state = 'queued'),
         count(*) filter (where state = 'failed'), max(failure) filter (where state = 'failed')
    from (select state, created_at, failure from public.mails where state = 'queued'
          union all
          select state, created_at, failure from public.mails where state = 'failed' and created_at > since) m
$$;
"""


def upgrade() -> None:
    run(RUNS)
    close("runs")
    run("grant select on runs to portal_admin; create policy everything on runs for select to portal_admin using (true)")
    run(STANDING)
    definer("queue_standing()", "mail_standing(timestamptz)", to="portal_admin, portal_worker")


def downgrade() -> None:
    run("drop function mail_standing(timestamptz), queue_standing()")
    run("drop index ix_mails_failed")
    run("drop table runs")
