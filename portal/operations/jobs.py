"""Housekeeping: what only accumulates is deleted or shortened in small steps; tables are measured, checked and backed up.

Each run is noted with how long it took and what came of it, and shown under Admin, Operations. What is large is done in
the club's night, or at the next hour if the night was missed; `at_once`, whenever an admin wants it.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg
from flask import current_app
from procrastinate import JobContext
from procrastinate.jobs import Status
from psycopg import sql
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.audit.redaction import struck
from portal.config import Settings
from portal.database.transactions import in_batches
from portal.jobs import SCHEDULE, job, queue
from portal.jobs.runs import is_due, last_ended, noted
from portal.operations import backup, dry_run, proof, telling
from portal.operations.alarms import alarms
from portal.operations.check import findings
from portal.operations.models import Backup
from portal.problems import Problem
from portal.sentences import ngettext
from portal.setting_values import plain_url

BATCH = 5000
DAY, WEEK = timedelta(days=1), timedelta(days=7)


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
    "Deleted {} unconfirmed sign-ups": """delete from users where id in (select id from users u where not email_verified and created_at < :at - interval '7 days'
        and not exists (select from one_time_tokens t where t.user_id = u.id and t.expires_at > :at and t.used_at is null) limit :batch)""",
    "Forgot {} former addresses": "delete from former_addresses where id in (select id from former_addresses where until < :at - interval '30 days' limit :batch)",
    "Forgot {} addresses of old invitations": """update family_memberships set email = null where id in (select id from family_memberships
        where state in ('declined', 'expired', 'revoked') and ended_at < :at - interval '90 days' and email is not null limit :batch)""",
    "Forgot {} addresses that had their free days": """delete from free_days where mark in (select mark from free_days
        where kept_until < :at limit :batch)""",
    "Forgot {} people in rooms whom nobody knew": """delete from participants where id in (select p.id from participants p
        join meetings m on m.id = p.meeting_id where p.user_id is null and m.ends_at < :at - interval '90 days' limit :batch)""",
    "Deleted {} feeds of closed accounts": """delete from calendar_feeds where id in (select f.id from calendar_feeds f
        join users u on u.id = f.user_id where u.closed_at < :at - interval '90 days' limit :batch)""",
    "Forgot {} calendar entries of old meetings": """delete from calendar_entries where token in (select e.token from calendar_entries e
        join meetings m on m.id = e.meeting_id where m.ends_at < :at - interval '90 days' limit :batch)""",
    "Forgot {} notes to hosts": """update meeting_attendances set note = null where id in (select a.id from meeting_attendances a
        join meetings m on m.id = a.meeting_id where a.note is not null and m.ends_at < :at - interval '90 days' limit :batch)""",
    "Deleted {} messages of platforms": "delete from room_events where id in (select id from room_events where received_at < :at - interval '90 days' limit :batch)",
    "Forgot {} addresses that mails came back from": """delete from unreachable_addresses where address_key in (select address_key
        from unreachable_addresses where last_at < :at - interval '365 days' limit :batch)""",
    "Deleted {} messages to groups": "delete from announcements where id in (select id from announcements where written_at < :at - interval '365 days' limit :batch)",
    "Deleted {} notes of what came back by mail": "delete from inbox_messages where id in (select id from inbox_messages where received_at < :at - interval '90 days' limit :batch)",
    "Deleted {} mails": "delete from mails where id in (select id from mails where created_at < :at - interval '365 days' and state <> 'queued' limit :batch)",
    "Deleted {} log rows": """delete from system_logs where id in (select id from system_logs
        where timestamp < :at - case when category = 'security' then interval '730 days' when level = 'error' then interval '365 days'
                                     else interval '90 days' end limit :batch)""",
    "Deleted {} done jobs": """delete from procrastinate_jobs where id in (select id from procrastinate_jobs j
        where status in ('succeeded', 'cancelled', 'failed') and (select max(at) from procrastinate_events e where e.job_id = j.id)
              < now() - case status when 'failed' then interval '90 days' else interval '2 days' end limit :batch)""",
    "Deleted {} runs": "delete from runs where id in (select id from runs where began_at < now() - interval '400 days' limit :batch)",
    "Deleted {} notes of backups": "delete from backups where id in (select id from backups where deleted_at < now() - interval '400 days' limit :batch)",
    "Deleted {} sizes of tables": "delete from table_sizes where (day, name) in (select day, name from table_sizes where day < now() - interval '400 days' limit :batch)",
    "Deleted {} timings of statements": """delete from statement_timings where (day, statement) in (select day, statement from statement_timings
        where day < now() - interval '35 days' limit :batch)""",
    "Deleted {} timings of the pool": "delete from pool_timings where day in (select day from pool_timings where day < now() - interval '400 days' limit :batch)",
    # A household's network is enough to explain a row of last month; which machine in it is not kept.
    "Shortened {} network addresses in the log": f"""update system_logs set ip_address = {network("ip_address")} where id in (select id from system_logs
        where timestamp < :at - interval '30 days' and {whole("ip_address")} limit :batch)""",  # noqa: S608 - constants of this file
    "Shortened {} network addresses of sign-ins": f"""update sign_ins set network = {network("network")} where id in (select id from sign_ins
        where least(ended_at, seen_at) < :at - interval '30 days' and {whole("network")} limit :batch)""",  # noqa: S608
}


@job("operations.tidy", cron="23 3 * * *", lock="operations.tidy", dry_run=True)
def tidy(db: Session) -> None:
    """Delete or shorten what its time is over for, a batch at a time."""
    with noted(db, "tidying") as run:
        done = [message.format(gone) for message, statement in OLD.items() if (gone := _in_batches(db, statement))]
        for message in done:
            audit.record(db, "operations.tidied", message, category="cron")
        run.outcome = f"{'; '.join(done)}." if done else "Nothing was old enough."


def _in_batches(db: Session, statement: str) -> int:
    return in_batches(db, lambda: int(db.execute(text(statement), {"at": clock.now(), "batch": BATCH}).rowcount))  # type: ignore[attr-defined]


# Autovacuum looks at a table again when a tenth of it has changed: too late for one that grows by a little every day and
# is asked for its newest rows, and never for one that was filled once.
STALE = """
select relname from pg_catalog.pg_stat_user_tables
 where schemaname = 'public' and (n_mod_since_analyze > greatest(0.02 * n_live_tup, 100)
       or (n_live_tup > 0 and coalesce(last_analyze, last_autoanalyze) is null))
 order by relname
"""


@job("operations.analyse", cron="29 * * * *", lock="operations.analyse")
def analyse(db: Session, at_once: bool = False) -> None:
    """Once a week, statistics of the tables that autovacuum has not got to, where the worker is given the owner's login."""
    settings = _settings()
    due = at_once or is_due(last_ended(db, "statistics"), WEEK, settings.club_timezone)
    if settings.owner_url and due:
        with noted(db, "statistics") as run:
            run.outcome = analysed(settings)


def analysed(settings: Settings) -> str:
    """Bring the planner's statistics up to date as the tables' owner; a sentence on which."""
    with psycopg.connect(plain_url(settings.owner_url), autocommit=True) as owner:
        tables = [name for (name,) in owner.execute(STALE)]
        for name in tables:
            owner.execute(sql.SQL("analyze {}").format(sql.Identifier("public", name)))
    few = ", ".join(tables) if len(tables) < 6 else f"{len(tables)} tables"
    return f"Brought up to date: {few}." if tables else "Autovacuum had seen to every table."


SIZES = text("""
insert into table_sizes (day, name, estimated_rows, table_bytes, index_bytes)
select :today, c.relname, coalesce(s.n_live_tup, 0), pg_table_size(c.oid), pg_indexes_size(c.oid)
  from pg_catalog.pg_class c left join pg_catalog.pg_stat_user_tables s on s.relid = c.oid
 where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
    on conflict (day, name) do update
   set estimated_rows = excluded.estimated_rows, table_bytes = excluded.table_bytes, index_bytes = excluded.index_bytes
""")


@job("operations.measure", cron="5 * * * *", lock="operations.measure")
def measure(db: Session) -> None:
    """How big every table is, kept once a day: the last measure of a day counts."""
    db.execute(SIZES, {"today": datetime.now(UTC).date()})


@job("operations.check", cron="37 * * * *", lock="operations.check")
def check(db: Session, at_once: bool = False) -> None:
    """Every night, every promise of the data is counted."""
    if at_once or is_due(last_ended(db, "check"), DAY, _settings().club_timezone):
        with noted(db, "check") as run:
            found = list(findings(db, at_rest=True))
            run.details = {each.promise: each.broken for each in found if each.broken}
            run.well = not run.details
            run.outcome = f"{len(found)} promises were counted, {len(run.details) or 'none'} broken."


@job("operations.back_up", cron="41 * * * *", lock="operations.backup")
def back_up(db: Session, at_once: bool = False) -> None:
    """Every night a backup, where the worker is given a folder for them and the login that reads everything."""
    settings = _settings()
    last = db.scalar(select(func.max(Backup.made_at)))
    due = at_once or is_due(last, DAY, settings.club_timezone)
    if settings.backups and settings.backup_url and due:
        with suppress(Problem), noted(db, "backup") as run:
            run.outcome = f"{backup.back_up(db, settings).in_words}."


@job("operations.prove", cron="53 * * * *", lock="operations.backup")
def prove(db: Session, at_once: bool = False) -> None:
    """Every week the newest backup is brought back to life, in a database of its own, where the worker has every login."""
    settings = _settings()
    every_login = all([settings.owner_url, settings.backup_url, settings.database_url])
    any_there = db.scalar(select(Backup.id).where(Backup.deleted_at.is_(None)).limit(1))
    due = at_once or is_due(last_ended(db, "proof"), WEEK, settings.club_timezone)
    if settings.backups and every_login and any_there and due:
        with suppress(Problem), noted(db, "proof") as run:
            run.outcome = proof.prove(db, settings)


@job("operations.tell_alarms", cron="*/5 * * * *", lock="operations.tell_alarms")
def tell_alarms(db: Session) -> None:
    """Write to the operator which alarms began and which are over."""
    settings = _settings()
    if settings.operator_email:
        telling.tell(db, settings, alarms(db, settings))


@job("operations.dry_run", lock="{name}")
def try_out(db: Session, name: str) -> None:
    """What the job `name` would do now is noted, and none of it done; not while the clock has it done."""
    if SCHEDULE[name].dry_run:
        dry_run.dry_run(db, SCHEDULE[name])


@job("operations.examine", lock="operations.examine")
def examine(db: Session) -> None:
    """An admin wants everything tried that the worker's settings name: what was found is kept, a sentence each."""
    from portal.operations import doctor  # who answers browsers needs none of what it asks with

    with noted(db, "doctor") as run:
        found = list(doctor.examine(_settings()))
        ill = sum(finding.well is False for finding in found)
        run.well = not ill
        run.outcome = (
            ngettext("%(num)s part needs mending.", "%(num)s parts need mending.", ill)
            if ill
            else "Everything is well."
        )
        run.details = {"findings": [struck(finding._asdict()) for finding in found]}


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


@queue.periodic(cron="* * * * *")
@queue.task(name="operations.rescue", pass_context=True)  # no lock: a rescue that died must not stop the next
async def rescue(_context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate's own form
    """Jobs of a worker that died are done by another; the third time it takes a worker with it, a job has failed."""
    for stalled in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=30):
        if stalled.attempts >= 3:
            await queue.job_manager.finish_job(stalled, status=Status.FAILED, delete_job=False)
        else:
            await queue.job_manager.retry_job(stalled)
