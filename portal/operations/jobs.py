"""Housekeeping: what only accumulates is deleted or shortened in small steps, each its own transaction."""

from procrastinate import JobContext
from procrastinate.jobs import Status
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.jobs import job, queue

BATCH = 5000


def whole(address: str) -> str:
    """SQL: whether this network address is one machine's."""
    return f"masklen({address}) = case family({address}) when 4 then 32 else 128 end"


def network(address: str) -> str:
    """SQL: the network this address is in, as coarse as a household's or an office's."""
    return f"network(set_masklen({address}, case family({address}) when 4 then 24 else 48 end))::inet"


# What goes when. Never anything a person paid or promised.
OLD = {
    "Deleted {} one-time tokens": "delete from one_time_tokens where id in (select id from one_time_tokens where expires_at < :at - interval '1 day' limit :batch)",
    "Deleted {} rate limits": "delete from rate_limits where key in (select key from rate_limits where expires_at < now() limit :batch)",
    "Deleted {} ended sign-ins": """delete from sign_ins where id in (select id from sign_ins
        where ended_at < :at - interval '90 days' or seen_at < :at - case when waits then interval '1 day' else interval '90 days' end limit :batch)""",
    "Deleted {} unconfirmed sign-ups": "delete from users where id in (select id from users where not email_verified and created_at < :at - interval '7 days' limit :batch)",
    "Deleted {} mails": "delete from mails where id in (select id from mails where created_at < :at - interval '365 days' and state <> 'queued' limit :batch)",
    "Deleted {} log rows": """delete from system_logs where id in (select id from system_logs
        where timestamp < :at - case when category = 'security' then interval '730 days' when level = 'error' then interval '365 days'
                                     else interval '90 days' end limit :batch)""",
    "Deleted {} done jobs": """delete from procrastinate_jobs where id in (select id from procrastinate_jobs j
        where status in ('succeeded', 'cancelled', 'failed') and (select max(at) from procrastinate_events e where e.job_id = j.id)
              < now() - case status when 'failed' then interval '90 days' else interval '2 days' end limit :batch)""",
    # A household's network is enough to explain a row of last month; which machine in it is not kept.
    "Shortened {} network addresses in the log": f"""update system_logs set ip_address = {network('ip_address')} where id in (select id from system_logs
        where timestamp < :at - interval '30 days' and {whole('ip_address')} limit :batch)""",  # noqa: S608 - constants of this file
    "Shortened {} network addresses of sign-ins": f"""update sign_ins set network = {network('network')} where id in (select id from sign_ins
        where least(ended_at, seen_at) < :at - interval '30 days' and {whole('network')} limit :batch)""",  # noqa: S608
}  # fmt: skip


@job("operations.tidy", cron="23 3 * * *", lock="operations.tidy")
def tidy(db: Session) -> None:
    """Delete or shorten what its time is over for, a batch at a time."""
    for said, statement in OLD.items():
        gone = 0
        while True:
            count = db.execute(text(statement), {"at": clock.now(), "batch": BATCH}).rowcount  # type: ignore[attr-defined]
            gone += count
            db.commit()
            if count < BATCH:
                break
        if gone:
            audit.record(db, "operations.tidied", said.format(gone), category="cron")


@queue.periodic(cron="* * * * *")
@queue.task(name="operations.rescue", pass_context=True)  # no lock: a rescue that died must not stop the next
async def rescue(_context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate's own form
    """Jobs of a worker that died are done by another; the third time it takes a worker with it, a job has failed."""
    for stalled in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=30):
        if stalled.attempts >= 3:
            await queue.job_manager.finish_job(stalled, status=Status.FAILED, delete_job=False)
        else:
            await queue.job_manager.retry_job(stalled)
