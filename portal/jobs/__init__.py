"""Work that leaves with the change: enqueued in the caller's transaction, done by the worker after its commit.

A `job` is a function with a name: `tell_host.enqueue(db, meeting_id=…)` leaves it to the worker, with arguments mypy
knows. It is one transaction, or a short one for each thing of a long list (`portal.database.transactions`), and safe to
repeat. What it notes in the log goes by the reference of the request that left it.

An `event` says what happened in a package without knowing who cares: `moved.publish(db, meeting_id=…)` enqueues every job
that subscribed to it, in the same transaction. So a package never names a job of one above it.
"""

import importlib
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, Generic, ParamSpec, get_type_hints
from uuid import UUID

import procrastinate
from flask import Flask
from procrastinate import RetryStrategy
from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from portal.database.identity import WORKER
from portal.database.transactions import transaction
from portal.jobs import runs
from portal.problems import Problem
from portal.reference import carry, reference

P = ParamSpec("P")

PACKAGES = (
    "mail",
    "accounts",
    "billing",
    "families",
    "meetings",
    "rooms",
    "attendance",
    "calendar",
    "notifications",
    "operations",
    "moving",
)
"""Whose `jobs.py` there is, besides the demo's."""

AGAIN = RetryStrategy(
    max_attempts=5, exponential_wait=3, retry_exceptions=(OperationalError, InterfaceError, InternalError, PoolTimeout)
)
"""What the database could not do just now (a deadlock, a row held too long, a connection lost) is done after 3 seconds, 9,
27 and so on, within six minutes; while there is no database at all nothing is tried. A defect fails at once."""

queue = procrastinate.App(connector=procrastinate.PsycopgConnector())
"""Knows every task by name. Only the worker opens it."""

_desk = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
"""Where jobs are handed in, by web and worker alike: never opened, it writes over the caller's own connection."""

# What procrastinate's own batch_defer calls; made of thousands of values in Python it takes longer than to write them.
ENQUEUE_EACH = text("""
select procrastinate_defer_jobs_v1(array_agg(row(
         'default', :task, cast(:priority as integer), replace(cast(:lock as text), '{' || cast(:name as text) || '}', value), null,
         jsonb_build_object(cast(:name as text), value) || :carried, null
       )::procrastinate_job_to_defer_v1 order by number))
  from unnest(cast(:values as text[])) with ordinality as v (value, number)
having count(*) > 0
""")

_app: Flask | None = None


def _real_time() -> datetime:
    return datetime.now(UTC)


_queue_time: Callable[[], datetime] = _real_time


def queue_time() -> datetime:
    """The time by which is due what has to wait: the real one, which PostgreSQL goes by, whatever the club's clock says."""
    return _queue_time()


def load(*, sandbox: bool = False) -> None:
    """Import every package's jobs: whoever publishes must know who subscribed, and the worker what it may be asked for.

    Those of the `sandbox` subscribe to nothing, and only the worker of a demo keeps their hours.
    """
    for package in (*PACKAGES, "sandbox") if sandbox else PACKAGES:
        importlib.import_module(f"portal.{package}.jobs")


def serve(app: Flask, queue_time: Callable[[], datetime] = _real_time) -> None:
    """Run jobs with `app` (made with the worker's login). What is due later is so by `queue_time`: the real time, which
    PostgreSQL goes by, unless whoever empties the queue goes by another.
    """
    global _app, _queue_time
    _app, _queue_time = app, queue_time


@dataclass(frozen=True)
class Job(Generic[P]):
    """A function the worker calls later, with the session first: committed when it returns, rolled back if it raises."""

    name: str
    function: Callable[Concatenate[Session, P], None]
    lock: str | None = None
    after: timedelta | None = None
    cron: str | None = None
    dry_run: bool = False

    @property
    def summary(self) -> str:
        """What it does: the first sentence of its docstring."""
        return " ".join(inspect.cleandoc(self.function.__doc__ or "").partition("\n\n")[0].split()).partition(". ")[0]

    def set(self, *, after: timedelta) -> "Job[P]":
        """The same job, due so long after the commit."""
        return replace(self, after=after)

    def enqueue(self, session: Session, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Put the job in the queue within the caller's transaction: gone with a rollback."""
        bound = inspect.signature(self.function).bind(session, *args, **kwargs)
        arguments = {name: _to_json(value) for name, value in list(bound.arguments.items())[1:]}
        task = _desk.configure_task(
            self.name,
            allow_unknown=True,
            connection=session.connection().connection.driver_connection,
            lock=self.lock.format(**arguments) if self.lock else None,
            # The queue's clock is the real one, the demo's may be ahead.
            schedule_at=queue_time() + self.after if self.after else None,
        )
        carried = {"reference": reference()} if reference() else {}
        task.defer(**arguments, **carried)

    def enqueue_each(
        self, session: Session, name: str, values: Sequence[UUID | str], *, can_wait: bool = False
    ) -> None:
        """Put the job in the queue once for each value of its one argument, by one statement, in the caller's transaction.

        Those that `can_wait` are done when nothing else is due.
        """
        carried = {"reference": reference()} if reference() else {}
        session.execute(
            ENQUEUE_EACH,
            {
                "task": self.name,
                "priority": -1 if can_wait else 0,
                "name": name,
                "lock": self.lock,
                "values": [str(value) for value in values],
                "carried": Jsonb(carried),
            },
        )

    def work(self, timestamp: int | None = None, reference: str = "", **arguments: Any) -> None:  # noqa: ARG002
        """What the worker calls: one transaction as the worker's login. `timestamp` is the schedule's own.

        Of a job on the schedule the last run is kept, in that transaction; that it failed, in one of its own.
        """
        assert _app is not None, "jobs.serve(app) first"  # noqa: S101
        hints = get_type_hints(self.function)
        known: dict[str, Any] = {name: _from_json(value, hints.get(name)) for name, value in arguments.items()}
        began_at = datetime.now(UTC)
        try:
            with transaction(_app, WORKER) as session:
                carry(reference)
                self.function(session, **known)  # type: ignore[call-arg] # what enqueue took is what arrives
                if self.cron:
                    runs.keep_last(session, self.name, began_at)
        except Exception as error:
            if self.cron:
                self._keep_failure(_app, began_at, str(error) if isinstance(error, Problem) else type(error).__name__)
            raise

    def _keep_failure(self, app: Flask, began_at: datetime, outcome: str) -> None:
        with suppress(SQLAlchemyError), transaction(app, WORKER) as session:
            runs.keep_last(session, self.name, began_at, outcome)


@dataclass(frozen=True)
class Event(Generic[P]):
    """Something that happens in a package, and the jobs of packages above it (or its own) that follow from it."""

    name: str
    subscribers: list[Job[P]] = field(default_factory=list)

    def publish(self, session: Session, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Enqueue whatever follows, within the caller's transaction."""
        for subscriber in self.subscribers:
            subscriber.enqueue(session, *args, **kwargs)

    def publish_each(self, session: Session, name: str, values: Sequence[UUID | str]) -> None:
        """Enqueue whatever follows from each of many, told by its one argument, when nothing else is due."""
        for subscriber in self.subscribers:
            subscriber.enqueue_each(session, name, values, can_wait=True)

    def subscribe(self, job: Job[P]) -> Job[P]:
        """Have a job follow whenever this happens: a decorator above `@job`. Its arguments are the event's."""
        self.subscribers.append(job)
        return job


SCHEDULE: dict[str, Job[...]] = {}
"""Every job the clock calls, by its name."""

EVENTS: dict[str, Event[...]] = {}
"""Every event by its name, for the test that lists who subscribed to what."""


def event(happens: Callable[P, None]) -> Event[P]:
    """An event, declared by a function without a body: its arguments, and in the docstring what happened."""
    made: Event[P] = Event(f"{happens.__module__.split('.')[1]}.{happens.__name__}")
    EVENTS[made.name] = made
    return made


def job(
    name: str,
    *,
    cron: str | None = None,
    retry: RetryStrategy | None = AGAIN,
    lock: str | None = None,
    dry_run: bool = False,
) -> Callable[[Callable[Concatenate[Session, P], None]], Job[P]]:
    """Make a function a job.

    With `cron` it is also called by the clock, at most once a tick however many workers there are. A `lock` keeps two of
    a kind from running at once, or two about the same thing, as "customer:{customer_id}" does with an argument of the
    job's. procrastinate's queueing_lock does not go with row security, which hides the key it reads.

    With `dry_run` an admin can ask what it would do now: it is done and taken back. So it asks nobody outside, and all it
    does goes through its session.
    """

    def wrap(function: Callable[Concatenate[Session, P], None]) -> Job[P]:
        made = Job(name, function, lock, cron=cron, dry_run=dry_run)
        task = queue.task(name=name, retry=retry or False, lock=lock)(made.work)
        if cron is not None:
            queue.periodic(cron=cron)(task)
            SCHEDULE[name] = made
        return made

    return wrap


def _to_json(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _from_json(value: Any, kind: Any) -> Any:
    return UUID(value) if kind in (UUID, UUID | None) and value is not None else value
