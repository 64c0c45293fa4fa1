"""What an operator should know without asking: each alarm a sentence, the bad ones first."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock
from portal.config import Settings
from portal.database.query import Query
from portal.operations.backup import TOO_OLD
from portal.sentences import listed, ngettext

DAY = timedelta(days=1)
NO_CHECK, NO_PROOF = timedelta(hours=36), timedelta(days=9)
NEARLY_ALL = 0.8
"""Of the connections the server allows."""


class Readings(NamedTuple):
    """How everything stands, as the alarms look at it."""

    worked_on: bool
    checked_at: datetime | None
    checked_well: bool | None
    checked_outcome: str | None
    broken: int
    tried_well: bool | None
    tried_outcome: str | None
    newest: datetime | None
    oldest: datetime | None
    proved: bool | None
    proof: str | None
    proved_at: datetime | None
    failed: list[str] | None
    late: int
    waiting: int
    waiting_since: datetime | None
    mails_failed: int
    in_vain: int
    used: int
    allowed: int


# Everything in one question, since it is asked for every look at Today.
READINGS = Query(
    Readings,
    text("""
with jobs as materialized (select * from queue_status()), backup as (select * from backups where deleted_at is null)
select coalesce(worker_heartbeat() > now() - interval '2 minutes', false) as worked_on,
       checked.began_at as checked_at, checked.well as checked_well, checked.outcome as checked_outcome,
       (select count(*) from jsonb_object_keys(
          case jsonb_typeof(checked.details) when 'object' then checked.details end)) as broken,
       tried.well as tried_well, tried.outcome as tried_outcome,
       (select max(made_at) from backup) as newest, (select min(made_at) from backup) as oldest,
       proof.proved, proof.proof, proof.proved_at,
       (select array_agg(task order by task) from jobs where failed_at > now() - interval '1 day') as failed,
       (select cast(coalesce(sum(late), 0) as integer) from jobs) as late,
       mail.waiting, mail.waiting_since, mail.failed as mails_failed,
       (select coalesce(sum(timeouts), 0) from pool_timings where timed_out_at > now() - interval '1 day') as in_vain,
       (select sum(numbackends) from pg_catalog.pg_stat_database) as used,
       cast(current_setting('max_connections') as integer) as allowed
  from mail_status(:mails_since) mail
  left join lateral (select * from runs where name = 'check' and ended_at is not null order by began_at desc limit 1) checked on true
  left join lateral (select * from runs where name = 'backup' and ended_at is not null order by began_at desc limit 1) tried on true
  left join lateral (select * from backup where proved_at is not null order by proved_at desc limit 1) proof on true
"""),
)


class Alarm(NamedTuple):
    """Something that is not as it should be; `bad` if it cannot wait. One alarm keeps its name when its numbers change."""

    bad: bool
    words: str
    name: str


def alarms(db: Session, settings: Settings) -> list[Alarm]:
    """Everything that wants a look now. Ask as an admin."""
    readings = READINGS.one(db, mails_since=clock.now() - DAY)
    found = [
        *_of_money(settings),
        *_of_rooms(settings),
        *_of_work(readings),
        *_of_check(readings),
        *_of_backups(readings, settings),
        *_of_connections(readings),
    ]
    return sorted(found, key=lambda alarm: not alarm.bad)


def _of_money(settings: Settings) -> Iterator[Alarm]:
    if settings.stripe_url and not settings.sandbox:
        yield Alarm(
            False,
            f"Nobody really pays: STRIPE_URL is {settings.stripe_url}, which is not the real Stripe",
            "free-of-charge",
        )


def _of_rooms(settings: Settings) -> Iterator[Alarm]:
    if settings.sandbox:
        return
    if settings.zoom_url:
        yield Alarm(
            False,
            f"Nobody really meets on Zoom: ZOOM_URL is {settings.zoom_url}, which is not the real one",
            "zoom-stand-in",
        )
    if settings.google_url:
        yield Alarm(
            False,
            f"Nobody really meets on Google Meet: GOOGLE_URL is {settings.google_url}, not the real one",
            "google-stand-in",
        )


def _of_check(readings: Readings) -> Iterator[Alarm]:
    if readings.checked_well is False:
        found = ngettext(
            "The nightly check found %(num)s broken promise",
            "The nightly check found %(num)s broken promises",
            readings.broken,
        )
        yield Alarm(
            True, found if readings.broken else f"The nightly check failed: {readings.checked_outcome}", "check-broken"
        )
    if readings.checked_at and _age(readings.checked_at) > NO_CHECK:
        yield Alarm(False, f"The nightly check has not run for {_days(readings.checked_at)}", "check-missing")


def _of_backups(readings: Readings, settings: Settings) -> Iterator[Alarm]:
    # Who answers browsers need not know where backups are kept: what counts is that they are made.
    if readings.tried_well is False:
        yield Alarm(True, f"The last backup failed: {readings.tried_outcome}", "backup-failed")
    if readings.newest is None:
        if not settings.sandbox or settings.backups is not None:
            yield Alarm(False, "No backup has been made yet", "backup-none")
        return
    if _age(readings.newest) > TOO_OLD:
        yield Alarm(True, f"The newest backup is {_days(readings.newest)} old", "backup-old")
    if readings.proved is False:
        yield Alarm(True, f"A backup could not be restored: {readings.proof}", "proof-failed")
    unproved = readings.proved_at or readings.oldest or readings.newest
    if _age(unproved) > NO_PROOF:
        yield Alarm(False, f"No backup has been restored on trial for {_days(unproved)}", "proof-missing")


def _of_work(readings: Readings) -> Iterator[Alarm]:
    if not readings.worked_on:
        yield Alarm(True, "Mails and jobs are not being worked on: the worker is not running", "worker")
    if readings.failed:
        yield Alarm(True, f"Failed for good in the last day: {listed(readings.failed)}", "jobs-failed")
    if readings.late:
        late = ngettext(
            "%(num)s job is more than ten minutes late", "%(num)s jobs are more than ten minutes late", readings.late
        )
        yield Alarm(True, late, "jobs-late")
    if readings.waiting_since and clock.now() - readings.waiting_since > timedelta(hours=1):
        waiting = ngettext(
            "%(num)s mail is waiting, for an hour or longer",
            "%(num)s mails are waiting, the oldest for an hour or longer",
            readings.waiting,
        )
        yield Alarm(True, waiting, "mails-waiting")
    if readings.mails_failed:
        failed = ngettext(
            "%(num)s mail could not be sent in the last day and was given up",
            "%(num)s mails could not be sent in the last day and were given up",
            readings.mails_failed,
        )
        yield Alarm(False, failed, "mails-failed")


def _of_connections(readings: Readings) -> Iterator[Alarm]:
    if readings.in_vain:
        in_vain = ngettext(
            "%(num)s request got no database connection in time in the last day",
            "%(num)s requests got no database connection in time in the last day",
            readings.in_vain,
        )
        yield Alarm(False, in_vain, "pool")
    if readings.used > NEARLY_ALL * readings.allowed:
        yield Alarm(False, f"{readings.used} of {readings.allowed} connections are taken", "connections")


def _age(moment: datetime) -> timedelta:
    return datetime.now(UTC) - moment


def _days(moment: datetime) -> str:
    hours = int(_age(moment) / timedelta(hours=1))
    if hours < 48:
        return ngettext("%(num)s hour", "%(num)s hours", hours)
    return ngettext("%(num)s day", "%(num)s days", hours // 24)
