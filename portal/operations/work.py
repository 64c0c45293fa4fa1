"""The worker: jobs, mail and schedule, until SIGTERM or Ctrl-C; what it was doing then is finished first.

A database that goes away, or is a standby, is waited for. The worker ends by itself only if it could not begin, and never with status 0.
"""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import suppress

import procrastinate
import psycopg
from flask import Flask
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from portal import jobs
from portal.database.driver import PATIENCE_WITH_NETWORK
from portal.operations.start import begin, refuse_deaf

AT_ONCE = 4
"""Jobs at once, each in a thread with a connection of its own; the queue itself has as many more."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two tries to reach a database that went away."""

logger = logging.getLogger(__name__)


def work(app: Flask, conninfo: str) -> None:
    """Work with `app` (made with the worker's login) on the queue behind `conninfo`, which no pooler stands before.

    Raises `Problem` if it cannot begin.
    """
    begin(app, "portal_worker")
    refuse_deaf(conninfo, "QUEUE_DATABASE_URL")
    jobs.load(sandbox=app.config["SETTINGS"].sandbox)
    jobs.serve(app)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_told_once)
    params = {**PATIENCE_WITH_NETWORK, **conninfo_to_dict(conninfo), "target_session_attrs": "read-write"}
    asyncio.run(_keep_working(make_conninfo(**params)))


async def _keep_working(conninfo: str) -> None:
    """Work until asked to stop; when the database goes away, begin anew as soon as it is back."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set():
        error = await _until(stop, _work(conninfo))
        if not stop.is_set():
            logger.warning("The database went away%s; work goes on when it is back", _first_line(error))
            if await _is_back(conninfo, stop):
                logger.warning("The database is back; work goes on")


async def _work(conninfo: str) -> None:
    connector = procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=AT_ONCE, timeout=5)
    with jobs.queue.replace_connector(connector) as queue:
        async with queue.open_async():
            # Who waited for another of the same customer is noticed by looking, not by being told.
            await queue.run_worker_async(
                concurrency=AT_ONCE,
                fetch_job_polling_interval=1,
                shutdown_graceful_timeout=8,
                install_signal_handlers=False,
            )


async def _until(stop: asyncio.Event, work: Coroutine[None, None, None]) -> BaseException | None:
    """Do `work` until it ends or everybody is asked to stop; then it is let finish what it began. Its error, if any."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not working.done():
        working.cancel()
    (result,) = await asyncio.gather(working, return_exceptions=True)
    if isinstance(result, Exception) and not _is_of_the_connection(result):
        raise result
    return result


async def _is_back(conninfo: str, stop: asyncio.Event) -> bool:
    """Wait for the database; False if asked to stop meanwhile."""
    pause = SHORTEST_PAUSE
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()
                return False
        with suppress(psycopg.OperationalError):
            async with await psycopg.AsyncConnection.connect(conninfo):
                return True
        pause = min(pause * 2, LONGEST_PAUSE)


def _is_of_the_connection(error: BaseException | None) -> bool:
    """Whether something failed for want of a database, in psycopg's words or the queue's."""
    while error is not None:
        if isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction):
            return True
        error = error.__cause__
    return False


def _told_once(record: logging.LogRecord) -> bool:
    """That the database is away is told by us; the queue and its pool tell it for every task and try, with tracebacks."""
    if record.name.startswith("procrastinate") and record.exc_info and _is_of_the_connection(record.exc_info[1]):
        record.exc_info = None
        return hasattr(record, "job")
    return record.name != "psycopg.pool"


def _first_line(error: BaseException | None) -> str:
    reason = error.__cause__ or error if error else None
    return f" ({str(reason).strip().splitlines()[0]})" if reason and str(reason).strip() else ""
