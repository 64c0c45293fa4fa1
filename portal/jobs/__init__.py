"""Work that leaves with the change: enqueued in the caller's transaction, done by the worker after its commit.

A `job` is a function with a name: `tell_host.enqueue(db, meeting_id=…)` leaves it to the worker, with arguments mypy
knows. It is one transaction, or a short one for each thing of a long list (`each`), and safe to repeat. What it notes in
the log goes by the reference of the request that left it.

An `event` says what happened in a package without knowing who cares: `moved.publish(db, meeting_id=…)` enqueues every job
that subscribed to it, in the same transaction. So a package never names a job of one above it.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, get_type_hints
from uuid import UUID

import procrastinate
from flask import Flask
from procrastinate import RetryStrategy
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.reference import carry, reference

P = ParamSpec("P")

Thing = TypeVar("Thing")

AGAIN = RetryStrategy(
    max_attempts=5, exponential_wait=3, retry_exceptions=(OperationalError, InterfaceError, InternalError, PoolTimeout)
)
"""What the database could not do just now (a deadlock, a row held too long, a connection lost) is done after 3 seconds, 9,
27 and so on, within six minutes; while there is no database at all nothing is tried. A defect fails at once."""

queue = procrastinate.App(connector=procrastinate.PsycopgConnector())
"""Knows every task by name. Only the worker opens it."""

_desk = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
"""Where jobs are handed in, by web and worker alike: never opened, it writes over the caller's own connection."""

_app: Flask | None = None


def serve(app: Flask) -> None:
    """Run jobs with `app` (made with the worker's login)."""
    global _app
    _app = app


@dataclass(frozen=True)
class Job(Generic[P]):
    """A function the worker calls later, with the session first: committed when it returns, rolled back if it raises."""

    name: str
    function: Callable[Concatenate[Session, P], None]
    after: timedelta | None = None
    one_at_a_time: str | None = None

    def set(self, after: timedelta | None = None, *, one_at_a_time: str | None = None) -> "Job[P]":
        """The same job, due `after` the commit; those that name the same thing in `one_at_a_time` run one after the other."""
        return replace(self, after=after, one_at_a_time=one_at_a_time)

    def enqueue(self, session: Session, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Put the job in the queue within the caller's transaction: gone with a rollback."""
        given = inspect.signature(self.function).bind(session, *args, **kwargs)
        arguments = dict(list(given.arguments.items())[1:])
        connection = session.connection().connection.driver_connection
        # The queue's clock is the real one, the demo's may be ahead.
        due = datetime.now(UTC) + self.after if self.after else None
        task = _desk.configure_task(
            self.name, allow_unknown=True, connection=connection, lock=self.one_at_a_time, schedule_at=due
        )
        carried = {"reference": reference()} if reference() else {}
        task.defer(**{name: _to_json(value) for name, value in arguments.items()}, **carried)

    def work(self, timestamp: int | None = None, reference: str = "", **arguments: Any) -> None:  # noqa: ARG002
        """What the worker calls: one transaction as the worker's login. `timestamp` is the schedule's own."""
        assert _app is not None, "jobs.serve(app) first"  # noqa: S101
        hints = get_type_hints(self.function)
        known: dict[str, Any] = {key: _from_json(value, hints.get(key)) for key, value in arguments.items()}
        with _app.app_context():
            carry(reference)
            act_as(db.session(), WORKER)
            self.function(db.session(), **known)  # type: ignore[call-arg] # what enqueue took is what arrives
            db.session.commit()


@dataclass(frozen=True)
class Event(Generic[P]):
    """Something that happens in a package, and the jobs of other packages (or its own) that follow from it."""

    name: str
    subscribers: list[Job[P]] = field(default_factory=list)

    def publish(self, session: Session, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Enqueue whatever follows, within the caller's transaction."""
        for subscriber in self.subscribers:
            subscriber.enqueue(session, *args, **kwargs)

    def subscribe(
        self, name: str, *, retry: RetryStrategy | None = AGAIN
    ) -> Callable[[Callable[Concatenate[Session, P], None]], Job[P]]:
        """Make a function the job `name` that follows whenever this happens; its arguments are the event's."""

        def wrap(function: Callable[Concatenate[Session, P], None]) -> Job[P]:
            subscriber: Job[P] = job(name, retry=retry)(function)
            self.subscribers.append(subscriber)
            return subscriber

        return wrap


def event(happens: Callable[P, None]) -> Event[P]:
    """An event, declared by a function without a body: its arguments, and in the docstring what happened."""
    event: Event[P] = Event(f"{happens.__module__.split('.')[1]}.{happens.__name__}")
    EVENTS[event.name] = event
    return event


EVENTS: dict[str, Event[...]] = {}
"""Every event by its name, for the test that lists who subscribed to what."""


def job(
    name: str, *, cron: str | None = None, retry: RetryStrategy | None = AGAIN, lock: str | None = None
) -> Callable[[Callable[Concatenate[Session, P], None]], Job[P]]:
    """Make a function a job.

    With `cron` it is also called by the clock, at most once a tick however many workers there are. A `lock` keeps two of
    a kind from running at once; procrastinate's queueing_lock does not go with row security, which hides the key it reads.
    """

    def wrap(function: Callable[Concatenate[Session, P], None]) -> Job[P]:
        made = Job(name, function)
        task = queue.task(name=name, retry=retry or False, lock=lock)(made.work)
        if cron is not None:
            queue.periodic(cron=cron)(task)
        return made

    return wrap


def _to_json(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return [_to_json(item) for item in value] if isinstance(value, list) else value


def _from_json(value: Any, kind: Any) -> Any:
    if kind in (UUID, UUID | None) and value is not None:
        return UUID(value)
    return [UUID(item) for item in value] if kind == list[UUID] else value


def each(session: Session, things: Iterable[Thing]) -> Iterator[Thing]:
    """One thing of a long list after the other, what was done for each kept before the next: so nobody's rows are held
    until all are done, and a job that is stopped goes on where it was.
    """
    for thing in things:
        yield thing
        session.commit()


def enqueue(
    session: Session,
    name: str,
    after: timedelta | None = None,
    /,
    *,
    one_at_a_time: str | None = None,
    **arguments: Any,
) -> None:
    """Put the job `name` in the queue within the caller's transaction: gone with a rollback, due at its commit or `after`.

    Jobs that name the same thing in `one_at_a_time` are done one after the other.
    """
    connection = session.connection().connection.driver_connection
    due = datetime.now(UTC) + after if after else None  # the queue's clock is the real one, the demo's may be ahead
    task = _desk.configure_task(name, allow_unknown=True, connection=connection, lock=one_at_a_time, schedule_at=due)
    carried = {"reference": reference()} if reference() else {}
    task.defer(**arguments, **carried)
