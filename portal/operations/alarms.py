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

DAY = timedelta(days=1)
NO_CHECK, NO_PROOF = timedelta(hours=36), timedelta(days=9)
NEARLY_ALL = 0.8
"""Of the connections the server allows."""


class Facts(NamedTuple):
    """How everything stands, as the alarms look at it."""

    worked_on: bool
    checked_at: datetime | None
    checked_well: bool | None
    checked_said: str | None
    broken: int
    tried_well: bool | None
    tried_said: str | None
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
FACTS = Query(
    Facts,
    text("""
with jobs as materialized (select * from queue_standing()), backup as (select * from backups where deleted_at is null)
select coalesce(worker_heartbeat() > now() - interval '2 minutes', false) as worked_on,
       checked.began_at as checked_at, checked.well as checked_well, checked.said as checked_said,
       (select count(*) from jsonb_object_keys(
          case jsonb_typeof(checked.details) when 'object' then checked.details end)) as broken,
       tried.well as tried_well, tried.said as tried_said,
       (select max(made_at) from backup) as newest, (select min(made_at) from backup) as oldest,
       proof.proved, proof.proof, proof.proved_at,
       (select array_agg(task order by task) from jobs where failed_at > now() - interval '1 day') as failed,
       (select cast(coalesce(sum(late), 0) as integer) from jobs) as late,
       mail.waiting, mail.waiting_since, mail.failed as mails_failed,
       (select coalesce(sum(timeouts), 0) from pool_timings where timed_out_at > now() - interval '1 day') as in_vain,
       (select sum(numbackends) from pg_catalog.pg_stat_database) as used,
       cast(current_setting('max_connections') as integer) as allowed
  from mail_standing(:mails_since) mail
  left join lateral (select * from runs where name = 'check' and ended_at is not null order by began_at desc limit 1) checked on true
  left join lateral (select * from runs where name = 'backup' and ended_at is not null order by began_at desc limit 1) tried on true
  left join lateral (select * from backup where proved_at is not null order by proved_at desc limit 1) proof on true
"""),
)


class Alarm(NamedTuple):
    """Something that is not as it should be; `bad` if it cannot wait."""

    bad: bool
    words: str


def alarms(db: Session, settings: Settings) -> list[Alarm]:
    """Everything that wants a look now. Ask as an admin."""
    facts = FACTS.one(db, mails_since=clock.now() - DAY)
    found = [
        *_of_money(settings),
        *_of_rooms(settings),
        *_of_work(facts),
        *_of_check(facts),
        *_of_backups(facts, settings),
        *_of_connections(facts),
    ]
    return sorted(found, key=lambda alarm: not alarm.bad)


def _of_money(settings: Settings) -> Iterator[Alarm]:
    if settings.stripe_url and not settings.sandbox:
        yield Alarm(False, f"Nobody really pays: STRIPE_URL is {settings.stripe_url}, which is not the real Stripe")


def _of_rooms(settings: Settings) -> Iterator[Alarm]:
    if settings.sandbox:
        return
    if settings.zoom_url:
        yield Alarm(False, f"Nobody really meets on Zoom: ZOOM_URL is {settings.zoom_url}, which is not the real one")
    if settings.google_url:
        yield Alarm(False, f"Nobody really meets on Google Meet: GOOGLE_URL is {settings.google_url}, not the real one")


def _of_check(facts: Facts) -> Iterator[Alarm]:
    if facts.checked_well is False:
        found = f"found {_many(facts.broken, 'broken promise')}" if facts.broken else f"failed: {facts.checked_said}"
        yield Alarm(True, f"The nightly check {found}")
    if facts.checked_at and _age(facts.checked_at) > NO_CHECK:
        yield Alarm(False, f"The nightly check has not run for {_days(facts.checked_at)}")


def _of_backups(facts: Facts, settings: Settings) -> Iterator[Alarm]:
    # Who answers browsers need not know where backups are kept: what counts is that they are made.
    if facts.tried_well is False:
        yield Alarm(True, f"The last backup failed: {facts.tried_said}")
    if facts.newest is None:
        if not settings.sandbox or settings.backups is not None:
            yield Alarm(False, "No backup has been made yet")
        return
    if _age(facts.newest) > TOO_OLD:
        yield Alarm(True, f"The newest backup is {_days(facts.newest)} old")
    if facts.proved is False:
        yield Alarm(True, f"A backup could not be brought back: {facts.proof}")
    unproved = facts.proved_at or facts.oldest or facts.newest
    if _age(unproved) > NO_PROOF:
        yield Alarm(False, f"No backup was brought back for {_days(unproved)}")


def _of_work(facts: Facts) -> Iterator[Alarm]:
    if not facts.worked_on:
        yield Alarm(True, "Nobody works on mail and jobs: the worker is not running")
    if facts.failed:
        yield Alarm(True, f"Jobs failed for good in the last day: {', '.join(facts.failed)}")
    if facts.late:
        yield Alarm(True, f"More than ten minutes late: {_many(facts.late, 'job')}")
    if facts.waiting_since and clock.now() - facts.waiting_since > timedelta(hours=1):
        yield Alarm(True, f"Waiting for an hour or longer: {_many(facts.waiting, 'mail')}")
    if facts.mails_failed:
        yield Alarm(False, f"Not sent in the last day, and given up: {_many(facts.mails_failed, 'mail')}")


def _of_connections(facts: Facts) -> Iterator[Alarm]:
    if facts.in_vain:
        yield Alarm(False, f"Waited for in vain in the last day: {_many(facts.in_vain, 'connection')}")
    if facts.used > NEARLY_ALL * facts.allowed:
        yield Alarm(False, f"{facts.used} of {facts.allowed} connections are taken")


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _age(moment: datetime) -> timedelta:
    return datetime.now(UTC) - moment


def _days(moment: datetime) -> str:
    hours = int(_age(moment) / timedelta(hours=1))
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"
