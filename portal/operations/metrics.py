"""`/metrics`: the club in figures, in Prometheus' text format, for whoever has the token.

Everything is read from the database, where every process adds up what it counted once a minute: so any web process of any
host answers for all of them. It is asked at most every ten seconds; in between the last answer is given again.
"""

import hmac
import threading
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from flask import Blueprint, abort, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from portal.access import public
from portal.config import VERSION
from portal.database import db
from portal.database.driver import Statement
from portal.database.identity import apart

bp = Blueprint("metrics", __name__)

EVERY = 10.0
"""Seconds for which an answer is given again."""


class Figure(NamedTuple):
    """One figure; it has no value where nothing is known yet."""

    metric: str
    label: str
    value: float | None


class SlowStatement(NamedTuple):
    """A statement that the server counted: its number there, its text, how often it was asked, its mean in milliseconds."""

    queryid: int
    statement: str
    calls: int
    mean_ms: float


FIGURES = Statement(b"select metric, label, value from club_metrics()", Figure)
SLOW = Statement(b"select queryid, statement, calls, mean_ms from slow_statements()", SlowStatement)
SHORT = 120
"""Characters of a statement's text; its number tells it from another that begins alike."""

METRICS = {
    "worker_heartbeat_age_seconds": ("", "Since a worker was last heard from."),
    "jobs_waiting": ("task", "Jobs that wait."),
    "jobs_late": ("task", "Jobs that should have been done ten minutes ago."),
    "jobs_running": ("task", "Jobs that are being done."),
    "jobs_failed_in_a_week": ("task", "Jobs that failed for good within seven days."),
    "mails_waiting": ("", "Mails that wait."),
    "mails_waiting_age_seconds": ("", "How long the oldest waiting mail has waited."),
    "mails_failed_in_a_day": ("", "Mails that failed for good within a day."),
    "requests_total": ("status", "Requests that were answered."),
    "request_seconds_total": ("status", "Time their answers took."),
    "pool_taken_today": ("", "Connections taken from the pools since midnight UTC."),
    "pool_waited_seconds_today": ("", "Time they were waited for."),
    "pool_timeouts_today": ("", "Connections that were waited for in vain."),
    "run_age_seconds": ("task", "Since something on the schedule last ran to its end."),
    "run_well": ("task", "Whether what came of it was good news."),
    "backup_age_seconds": ("", "Age of the newest backup."),
    "table_bytes": ("table", "Size of a table with its indexes."),
    "connections": ("", "Connections the server has."),
    "connections_allowed": ("", "Connections the server allows."),
    "statement_seconds_in_a_week": ("statement", "Time the slowest statements of a week took; no values are in them."),
}
"""What each figure is told by, and what it means."""


class Figures:
    """A collector of Prometheus' library: figures as its metrics."""

    def __init__(self, figures: Iterable[Figure], slow: Iterable[SlowStatement]) -> None:
        self.figures, self.slow = list(figures), list(slow)

    def collect(self) -> Iterator[Metric]:
        """Each metric with all its figures."""
        about = GaugeMetricFamily("portal_version", "The version that answers.", labels=["version"])
        about.add_metric([VERSION], 1)
        yield about
        for name, (label, meaning) in METRICS.items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            metric = kind(f"portal_{name}", meaning, labels=[label] if label else [])
            for figure in self.figures:
                if figure.metric == name and figure.value is not None:
                    metric.add_metric([figure.label] if label else [], figure.value)
            yield metric
        if self.slow:
            yield from self._slow_statements()

    def _slow_statements(self) -> Iterator[Metric]:
        """What pg_stat_statements counted, of the ten statements with the longest mean."""
        labels = ["queryid", "statement"]
        calls = GaugeMetricFamily("portal_slow_statement_calls", "How often the server was asked it.", labels=labels)
        mean = GaugeMetricFamily("portal_slow_statement_mean_seconds", "How long it took on average.", labels=labels)
        for row in self.slow:
            name = [str(row.queryid), " ".join(row.statement.split())[:SHORT]]
            calls.add_metric(name, row.calls)
            mean.add_metric(name, row.mean_ms / 1000)
        yield from (calls, mean)


class _LastAnswer:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.read_at = float("-inf")
        self.text = b""


@bp.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """For `Authorization: Bearer` with METRICS_TOKEN; without that setting there is no such page."""
    token = current_app.config["SETTINGS"].metrics_token
    if not token:
        abort(404)
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
        return "The token is missing or wrong.\n", 401, {"WWW-Authenticate": "Bearer", "Content-Type": "text/plain"}
    last: _LastAnswer = current_app.extensions.setdefault("metrics", _LastAnswer())
    with last.lock:
        if time.monotonic() - last.read_at > EVERY:
            registry = CollectorRegistry(auto_describe=False)
            registry.register(Figures(apart(db.session(), FIGURES), apart(db.session(), SLOW)))
            last.text, last.read_at = generate_latest(registry), time.monotonic()
    return last.text, 200, {"Content-Type": CONTENT_TYPE_LATEST}
