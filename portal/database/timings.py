"""How long pages and the database take to answer and how long one waits for a connection, counted in each process.

What was counted is written down once a minute, added up over all processes by day. Only texts of statements are kept,
never what was put into them.
"""

import bisect
import threading
import time
from datetime import UTC, datetime
from typing import Any

import psycopg
from flask import Flask, Response, g, request
from flask.signals import request_finished, request_started
from flask_sqlalchemy import SQLAlchemy
from psycopg.types.json import Jsonb
from sqlalchemy import PoolProxiedConnection, QueuePool, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Milliseconds; a wait is counted at the first step that is not shorter, the longest ones beyond the last."""
EVERY = 60.0  # seconds
MOST_STATEMENTS = 500
LONGEST_STATEMENT = 600

NOTE = text("select note_timings(:today, :statements, :pool, :requests)")


class Counts:
    """What this process counted since it was last written down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since = time.monotonic()
        self._forget()

    def _forget(self) -> None:
        self._statements: dict[object, list[float]] = {}
        self._requests: dict[tuple[str, int], list[float]] = {}
        self._waits = [0] * (len(STEPS) + 1)
        self._taken, self._waited, self._timeouts = 0, 0.0, 0
        self._timed_out_at: datetime | None = None

    def count_statement(self, statement: object, seconds: float) -> None:
        """A statement was answered, or failed, after so long."""
        if not isinstance(statement, str | bytes):
            return  # put together from pieces: only the operator's commands do that
        with self._lock:
            count = self._statements.get(statement)
            if count is None:
                if len(self._statements) >= MOST_STATEMENTS:
                    return
                count = self._statements[statement] = [0, 0.0, 0.0]
            count[0] += 1
            count[1] += seconds
            count[2] = max(count[2], seconds)

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """A request of this route was answered with this status after so long."""
        with self._lock:
            count = self._requests.setdefault((route, status), [0, 0.0])
            count[0] += 1
            count[1] += seconds

    def waited(self, seconds: float, *, in_vain: bool) -> None:
        """Somebody got a connection, or gave up, after so long."""
        with self._lock:
            self._waits[bisect.bisect_left(STEPS, seconds * 1000)] += 1
            self._taken += 1
            self._waited += seconds
            if in_vain:
                self._timeouts += 1
                self._timed_out_at = datetime.now(UTC)

    def due(self) -> dict[str, object] | None:
        """Once a minute everything, to be written down, and the counting begins anew."""
        if time.monotonic() - self._since < EVERY:
            return None
        with self._lock:
            self._since = time.monotonic()
            statements = [
                {"statement": _plain(statement), "calls": calls, "total_ms": total * 1000, "most_ms": most * 1000}
                for statement, (calls, total, most) in self._statements.items()
            ]
            requests = [
                {"route": route, "status": status, "requests": number, "total_ms": total * 1000}
                for (route, status), (number, total) in self._requests.items()
            ]
            pool = {
                "taken": self._taken,
                "waited_ms": self._waited * 1000,
                "waits": self._waits,
                "timeouts": self._timeouts,
                "timed_out_at": self._timed_out_at and self._timed_out_at.isoformat(),
            }
            self._forget()
        return {
            "today": datetime.now(UTC).date(),
            "statements": Jsonb(statements),
            "pool": Jsonb(pool),
            "requests": Jsonb(requests),
        }


def _plain(statement: object) -> str:
    words = statement.decode() if isinstance(statement, bytes) else str(statement)
    return " ".join(words.split())[:LONGEST_STATEMENT]


counts = Counts()


class TimedCursor(psycopg.Cursor[object]):
    """psycopg's cursor, with a stopwatch."""

    def execute(self, query: Any, *args: Any, **options: Any) -> Any:  # psycopg's own signature
        """As psycopg does."""
        began = time.perf_counter()
        try:
            return super().execute(query, *args, **options)
        finally:
            counts.count_statement(query, time.perf_counter() - began)


class TimedPool(QueuePool):
    """SQLAlchemy's pool, with a stopwatch. Opening a connection that is not there yet is part of the wait."""

    def connect(self) -> PoolProxiedConnection:
        """As SQLAlchemy does."""
        began, in_vain = time.perf_counter(), False
        try:
            return super().connect()
        except PoolTimeout:
            in_vain = True
            raise
        finally:
            counts.waited(time.perf_counter() - began, in_vain=in_vain)


def _began(_app: Flask, **_more: object) -> None:
    g.timed_from = time.perf_counter()


def _finished(_app: Flask, response: Response, **_more: object) -> None:
    route = request.url_rule.rule if request.url_rule else "no such address"
    counts.count_request(route, response.status_code, time.perf_counter() - g.timed_from)


def keep(app: Flask, db: SQLAlchemy) -> None:
    """Let `app` write down once a minute what was counted, after whatever it was doing."""
    request_started.connect(_began, app)
    request_finished.connect(_finished, app)

    @app.teardown_appcontext
    def write(_error: BaseException | None) -> None:
        if (counted := counts.due()) is not None:
            db.session.remove()  # whoever asked has their answer; nobody holds two connections
            try:
                with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.execute(NOTE, counted)
            except SQLAlchemyError as error:
                app.logger.warning("Timings of a minute are lost: %s", type(error).__name__)
