"""Everything on the schedule: when it last ran and how that ended, when it is next, the button that does it at once, and the
one that has it tried out and taken back.
"""

import inspect
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from croniter import croniter
from flask import Blueprint, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, jobs
from portal.access import admin
from portal.admin.operations import lasted, machine_time
from portal.database import db
from portal.jobs import Job
from portal.jobs.runs import LastRun
from portal.operations import monitor
from portal.operations.dry_run import PREFIX
from portal.operations.jobs import try_out
from portal.problems import Refused
from portal.sentences import ngettext
from portal.viewer import viewer
from portal.web import page

SLACK = timedelta(minutes=10)
"""A job that should have run again is late after so long."""


class Row(NamedTuple):
    """A job as the page shows it; `kind`, `word` and `tone` are its disc."""

    name: str
    summary: str
    every: str
    last: str
    took: str
    next: str
    kind: str
    word: str
    tone: str
    outcome: str
    dry_run: bool


class Tried(NamedTuple):
    """A dry run; without an outcome it is not over."""

    name: str
    began: str
    outcome: str
    failed: bool


class NotYet(Refused):
    """The worker has not done this by itself yet; it can be done at once from then on."""


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/operations/schedule", "schedule", schedule)
    bp.add_url_rule("/operations/schedule", "run_now", run_now, methods=["POST"])
    bp.add_url_rule("/operations/schedule/dry-runs", "dry_run", dry_run, methods=["POST"])


@admin
def schedule() -> ResponseReturnValue:
    """All jobs the clock calls, the failed and late ones first."""
    session, now = db.session(), datetime.now(UTC)
    last = {run.name: run for run in session.scalars(select(LastRun))}
    running = {job.task for job in monitor.queue(session) if job.doing}
    rows = [_row(job, last.get(name), name in running, now) for name, job in sorted(_shown().items())]
    wrong = sum(row.word in ("Failed", "Late") for row in rows)
    heading = (
        ngettext("%(num)s job wants a look", "%(num)s jobs want a look", wrong) if wrong else "The schedule is kept"
    )
    return page(
        "admin/schedule.html",
        heading=heading,
        rows=sorted(rows, key=lambda row: row.word not in ("Failed", "Late")),
        dry_runs=_dry_runs(session),
    )


@admin
def run_now() -> ResponseReturnValue:
    """Leave a job to the worker at once, beside its schedule: one that the clock has called before."""
    job = _shown().get(request.form.get("job", "")) or abort(404)
    if db.session().get(LastRun, job.name) is None:
        raise NotYet
    at_once = {"at_once": True} if "at_once" in inspect.signature(job.function).parameters else {}
    job.enqueue(db.session(), **at_once)
    audit.record(db.session(), "schedule.run-now", job.name, category="cron")
    flash(f"{job.name} is left to the worker. What comes of it is here within a minute.", "note")
    return redirect("/admin/operations/schedule", 303)


@admin
def dry_run() -> ResponseReturnValue:
    """Have the worker do a job and take all of it back; what it would have done is kept in words."""
    job = _shown().get(request.form.get("job", ""))
    if job is None or not job.dry_run:
        abort(404)
    try_out.enqueue(db.session(), name=job.name)
    audit.record(db.session(), "schedule.dry-run", job.name, category="cron")
    flash(f"{job.name} is tried out by the worker. What it would do is here within a minute.", "note")
    return redirect("/admin/operations/schedule#dry-runs", 303)


def _dry_runs(session: Session) -> list[Tried]:
    """The newest of each job, newest first."""
    runs = [run for run in monitor.last_runs(session) if run.name.startswith(PREFIX)]
    return [
        Tried(run.name.removeprefix(PREFIX), machine_time(run.began_at), run.outcome or "", run.well is False)
        for run in sorted(runs, key=lambda run: run.began_at, reverse=True)
    ]


def _shown() -> dict[str, Job[...]]:
    # Those of the demo's people are the demo's own.
    return {name: job for name, job in jobs.SCHEDULE.items() if name.partition(".")[0] != "sandbox"}


def _row(job: Job[...], run: LastRun | None, running: bool, now: datetime) -> Row:
    assert job.cron is not None, "it is on the schedule"  # noqa: S101
    times = croniter(job.cron, now)
    after: datetime = times.get_next(datetime)
    interval = times.get_next(datetime) - after
    if running:
        disc = ("quarter", "Running", "amber")
    elif run is None:
        disc = ("ring", "Not yet", "")
    elif not run.well:
        disc = ("cross", "Failed", "bad")
    else:
        late = now - run.began_at > interval + SLACK
        disc = ("cross", "Late", "amber") if late else ("full", "Done", "ok")
    return Row(
        job.name,
        job.summary.rstrip("."),
        in_words(interval),
        machine_time(run.began_at) if run else "",
        lasted(run.ended_at - run.began_at) if run else "",
        _at(after.astimezone(viewer().tz), now.astimezone(viewer().tz)),
        *disc,
        outcome=(run.outcome or "") if run else "",
        dry_run=job.dry_run,
    )


def _at(moment: datetime, now: datetime) -> str:
    return f"at {moment:%H:%M}" if moment.date() == now.date() else f"tomorrow at {moment:%H:%M}"


def in_words(interval: timedelta) -> str:
    """How often: every minute, every 5 minutes, every hour, every day."""
    for unit, singular, plural in (
        (timedelta(days=1), "every day", "every %(num)s days"),
        (timedelta(hours=1), "every hour", "every %(num)s hours"),
    ):
        if interval >= unit:
            return ngettext(singular, plural, interval // unit)
    return ngettext("every minute", "every %(num)s minutes", max(1, interval // timedelta(minutes=1)))
