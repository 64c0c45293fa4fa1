"""Work that leaves with the change: enqueued in the caller's transaction, done by the worker after its commit.

A job is a name, some ids and one call to an action; it is one transaction, or a short one for each thing of a long list
(`each`), and safe to repeat. What it notes in the log goes by the reference of the request that left it.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import procrastinate
from flask import Flask
from procrastinate import RetryStrategy
from procrastinate.tasks import Task
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.reference import carry, reference

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


def job(
    name: str, *, cron: str | None = None, retry: RetryStrategy = AGAIN, **options: Any
) -> Callable[[Callable[..., None]], Task[..., Any, Any]]:
    """Make a function a job: called with the session first, committed when it returns, rolled back if it raises.

    With `cron` it is also called by the clock, at most once a tick however many workers there are. A `lock` keeps two of
    a kind from running at once; procrastinate's queueing_lock does not go with row security, which hides the key it reads.
    """

    def wrap(function: Callable[..., None]) -> Task[..., Any, Any]:
        @functools.wraps(function)
        def run(
            timestamp: int | None = None,  # noqa: ARG001 - the schedule's own
            reference: str = "",
            **arguments: Any,
        ) -> None:
            assert _app is not None, "jobs.serve(app) first"  # noqa: S101
            with _app.app_context():
                carry(reference)
                act_as(db.session(), WORKER)
                function(db.session(), **arguments)
                db.session.commit()

        task: Task[..., Any, Any] = queue.task(name=name, retry=retry, **options)(run)  # type: ignore[no-untyped-call]
        if cron is not None:
            queue.periodic(cron=cron)(task)
        return task

    return wrap


def each(session: Session, things: Iterable[Thing]) -> Iterator[Thing]:
    """One thing of a long list after the other, what was done for each kept before the next: so nobody's rows are held
    until all are done, and a job that is stopped goes on where it was.
    """
    for thing in things:
        yield thing
        session.commit()


def enqueue(
    session: Session, name: str, after: timedelta | None = None, /, *, one_at_a_time: str | None = None, **arguments: Any
) -> None:
    """Put the job `name` in the queue within the caller's transaction: gone with a rollback, due at its commit or `after`.

    Jobs that name the same thing in `one_at_a_time` are done one after the other.
    """
    connection = session.connection().connection.driver_connection
    due = datetime.now(UTC) + after if after else None  # the queue's clock is the real one, the demo's may be ahead
    task = _desk.configure_task(name, allow_unknown=True, connection=connection, lock=one_at_a_time, schedule_at=due)
    carried = {"reference": reference()} if reference() else {}
    task.defer(**arguments, **carried)
