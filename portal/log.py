"""Log lines, on standard error: one JSON object a line on a real server, plain words in the demo.

A line says when (UTC), how bad, what, the reference that the error page shows, and how long it took. No line holds what
somebody typed, an address with a token in it, or what a job was given.
"""

import json
import logging
import time
from datetime import UTC, datetime
from typing import TextIO

from flask import Flask, Response, g, has_app_context, request
from flask.signals import request_finished, request_started

from portal.config import Settings
from portal.database import db
from portal.reference import reference

OUTCOMES = {
    "job_success": "done",
    "job_error": "failed",
    "job_error_retry": "failed and will be tried again",
    "job_aborted": "was stopped",
    "job_aborted_retry": "was stopped and will be tried again",
}
KEPT = ("request", "job", "ms", "person")
"""What a line may carry besides its words."""

logger = logging.getLogger("portal.requests")


class JsonLines(logging.Formatter):
    """One object a line; a line break inside it is escaped, so nobody can write lines of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in KEPT if getattr(record, name, None) is not None}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send everything this process has to say to `stream`, or to standard error."""
    handler = logging.StreamHandler(stream)
    plain = logging.Formatter("%(levelname)s %(name)s: %(message)s")
    handler.setFormatter(plain if settings.sandbox else JsonLines())
    handler.addFilter(name_request)
    handler.addFilter(tell_of_jobs)
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)


def name_request(record: logging.LogRecord) -> bool:
    """Give a line the reference of the request, or of the request whose job this is."""
    if has_app_context() and not hasattr(record, "request"):
        record.request = reference() or None
    return True


def tell_of_jobs(record: logging.LogRecord) -> bool:
    """The queue tells each job with all it was given; what stays is its name and number, its outcome, how long it took."""
    job, action = getattr(record, "job", None), getattr(record, "action", "")
    if isinstance(job, dict):
        record.msg, record.args = f"job {job['task_name']} {OUTCOMES.get(action, action)}", ()
        record.job = job["id"]
        record.ms = round(getattr(record, "duration", 0) * 1000)
    if action.endswith("_retry"):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return action in OUTCOMES or record.levelno >= logging.WARNING or not record.name.startswith("procrastinate")


def watch(app: Flask) -> None:
    """A line for each request of `app`, when its answer is ready: the route, never the address."""
    if logger.isEnabledFor(logging.INFO):
        request_started.connect(_began, app)
        request_finished.connect(_finished, app)


def _began(_app: Flask, **_more: object) -> None:
    g.began = time.perf_counter()


def _finished(_app: Flask, response: Response, **_more: object) -> None:
    person = db.session.info.get("person") if db.session.registry.has() else None
    route = request.url_rule.rule if request.url_rule else "no such address"
    logger.info(
        "%s %s %s",
        request.method,
        route,
        response.status_code,
        extra={"ms": round((time.perf_counter() - g.began) * 1000, 1), "person": getattr(person, "id", None)},
    )
