"""Operations: whether everything runs, what the schedule did, the backups; and how the database is doing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from portal import clock
from portal.access import admin
from portal.database import db
from portal.jobs.runs import Run
from portal.operations import monitor
from portal.operations.alarms import alarms
from portal.operations.models import Backup, size
from portal.times import date_with_year, day_medium, since
from portal.web import page, reader

NAMES = {
    "backup": "Backup", "check": "Promises of the data", "proof": "Proof of the backup", "statistics": "Statistics",
    "tidying": "Tidying up",
}  # fmt: skip
YEAR = 365


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/operations", "operations", operations)
    bp.add_url_rule("/operations/database", "operations_database", database)


@admin
def operations() -> ResponseReturnValue:
    """What wants a look, what ran, which backups there are, and how jobs and mails stand."""
    session, settings = db.session(), current_app.config["SETTINGS"]
    runs, jobs = monitor.last_runs(session), monitor.queue(session)
    check = next((run for run in runs if run.name == "check"), None)
    return page(
        "admin/operations.html", alarms=alarms(session, settings), runs=[_run(run) for run in runs],
        broken=(check.details or {}).items() if check else (), backups=[_backup(each) for each in monitor.backups(session)],
        kept=settings.backups is not None, figures=_standing(jobs), jobs=[row for row in jobs if row.failed or row.late],
        when=_when,
    )  # fmt: skip


@admin
def database() -> ResponseReturnValue:
    """How long it takes to answer, who is connected, and what grows."""
    session = db.session()
    days, storage = monitor.mean_by_day(session), monitor.storage(session)
    tables, (indexes, counted_since) = monitor.tables(session), monitor.indexes(session)
    connections, server = monitor.connections(session)
    total = sum(table.table_bytes + table.index_bytes for table in tables)
    return page(
        "admin/operations_database.html", mean=days[-1].mean if days else None, slow=monitor.slow(session),
        mean_bars=[(round(day.mean, 2), day_medium(day.day)) for day in days],
        size_bars=[(round(float(day.bytes) / 1e6, 1), day_medium(day.day)) for day in storage],
        tables=tables, indexes=indexes[:20], unused=[index for index in indexes if index.unused],
        counted_since=_when(counted_since), connections=connections, server=server, pool=monitor.pool(session),
        total=size(total), forecast=_forecast(total, monitor.pace(session)), size=size, when=_when, lasted=_lasted,
    )  # fmt: skip


def _run(run: Run) -> dict[str, Any]:
    kind, word, tone = ("full", "Well", "ok") if run.well else ("cross", "Look at it", "bad")
    if run.ended_at is None:
        kind, word, tone = ("quarter", "Running", "amber")
    return {
        "name": NAMES.get(run.name, run.name.capitalize()), "began": _when(run.began_at), "said": run.said or "",
        "lasted": _lasted(run.ended_at - run.began_at) if run.ended_at else "", "kind": kind, "word": word, "tone": tone,
    }  # fmt: skip


def _backup(made: Backup) -> dict[str, Any]:
    states = {True: ("full", "Brought back", "ok"), False: ("cross", "Broken", "bad"), None: ("ring", "Not tried", "")}
    kind, word, tone = states[made.proved]
    return {
        "made": _when(made.made_at), "file": made.file, "size": size(made.bytes), "sha256": made.sha256[:12], "kind": kind,
        "word": word, "tone": tone, "proof": f"{made.proof} {_when(made.proved_at).capitalize()}." if made.proof else "",
    }  # fmt: skip


def _standing(jobs: monitor.Rows) -> list[tuple[str, str]]:
    mails = monitor.mails(db.session(), clock.now() - timedelta(days=7))
    return [
        (f"{sum(row.waiting for row in jobs):,}", "jobs wait"), (f"{sum(row.late for row in jobs):,}", "late by ten minutes"),
        (f"{sum(row.failed for row in jobs):,}", "failed in a week"), (f"{mails.waiting:,}", "mails wait"),
        (f"{mails.failed:,}", "mails failed in a week"),
    ]  # fmt: skip


def _when(moment: datetime | None) -> str:
    # The machine's time, seen from the machine's now: the demo's clock may be ahead.
    if moment is None:
        return ""
    now = datetime.now(UTC).astimezone(reader().tz)
    return f"{since(moment.astimezone(reader().tz), now)} ({reader().city})"


def _lasted(time: timedelta) -> str:
    seconds = time.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:,.0f} ms"
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.0f} h"


def _forecast(total: int, pace: float | None) -> str:
    if pace is None:
        return "A forecast needs a week of measures; one is taken every day."
    if pace <= 0:
        return "It has not grown over the last thirty days."
    day = date_with_year(datetime.now(UTC).date() + timedelta(days=YEAR))
    return f"It grows by {size(pace)} a day; at this pace it is {size(total + YEAR * pace)} on {day}."
