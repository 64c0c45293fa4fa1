"""Housekeeping: what only accumulates is deleted in small steps, each its own transaction."""

from procrastinate import JobContext
from procrastinate.jobs import Status
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.jobs import job, queue

BATCH = 5000

# What goes when. Never anything a person paid or promised.
OLD = {
    "one-time tokens": "delete from one_time_tokens where id in (select id from one_time_tokens where expires_at < :at - interval '1 day' limit :batch)",
    "rate limits": "delete from rate_limits where key in (select key from rate_limits where expires_at < now() limit :batch)",
    "ended sign-ins": "delete from sign_ins where id in (select id from sign_ins where ended_at < :at - interval '90 days' or seen_at < :at - interval '90 days' limit :batch)",
    "unconfirmed sign-ups": "delete from users where id in (select id from users where not email_verified and created_at < :at - interval '7 days' limit :batch)",
    "log rows": """delete from system_logs where id in (select id from system_logs
        where timestamp < :at - case when category = 'security' then interval '730 days' when level = 'error' then interval '365 days'
                                     else interval '90 days' end limit :batch)""",
    "done jobs": "delete from procrastinate_jobs where id in (select id from procrastinate_jobs where status in ('succeeded', 'cancelled') and (select max(at) from procrastinate_events e where e.job_id = procrastinate_jobs.id) < now() - interval '2 days' limit :batch)",
}


@job("operations.tidy", cron="23 3 * * *", lock="operations.tidy")
def tidy(db: Session) -> None:
    """Delete what its time is over for, a batch at a time."""
    for what, statement in OLD.items():
        gone = 0
        while True:
            count = db.execute(text(statement), {"at": clock.now(), "batch": BATCH}).rowcount  # type: ignore[attr-defined]
            gone += count
            db.commit()
            if count < BATCH:
                break
        if gone:
            audit.record(db, "operations.tidied", f"Deleted {gone} {what}", category="cron")


@queue.periodic(cron="* * * * *")
@queue.task(name="operations.rescue", pass_context=True)  # no lock: a rescue that died must not stop the next
async def rescue(_context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate's own form
    """Jobs of a worker that died are done by another; the third time it takes a worker with it, a job has failed."""
    for stalled in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=30):
        if stalled.attempts >= 3:
            await queue.job_manager.finish_job(stalled, status=Status.FAILED, delete_job=False)
        else:
            await queue.job_manager.retry_job(stalled)
