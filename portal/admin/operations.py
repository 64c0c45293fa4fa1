"""Operations: whether everything runs, what the schedule did, the backups; and how the database is doing."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, flash, redirect
from flask.typing import ResponseReturnValue

from portal import clock
from portal.access import admin
from portal.admin.today import things_want_a_look
from portal.config import Settings
from portal.database import db
from portal.jobs.runs import Run
from portal.operations import monitor
from portal.operations.alarms import alarms
from portal.operations.models import Backup, size
from portal.rooms import jobs as rooms
from portal.times import date_with_year, day_medium, since
from portal.viewer import viewer
from portal.web import page

DAY, WEEK, LATE = timedelta(days=1), timedelta(days=7), timedelta(hours=12)
"""A run that is overdue for so long is late: what was missed at night is done in the morning."""

SCHEDULE = {
    "backup": ("Backup", DAY),
    "check": ("Check of the data", DAY),
    "tidying": ("Tidying up", DAY),
    "proof": ("Test of the newest backup", WEEK),
    "statistics": ("Database statistics", WEEK),
    "rooms": ("Zoom and Google Meet", DAY),
    "inbox": ("Mailbox for what comes back", DAY),
}
"""Everything that notes its runs: what it is called, and how often it is due."""

NIGHTS = 14
"""So many days of backups are drawn."""
YEAR = 365


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/operations", "operations", operations)
    bp.add_url_rule("/operations/rooms", "check_rooms", check_rooms, methods=["POST"])
    bp.add_url_rule("/operations/database", "operations_database", database)


@admin
def operations() -> ResponseReturnValue:
    """What wants a look, what ran, which backups there are, and how jobs and mails stand."""
    session, settings = db.session(), current_app.config["SETTINGS"]
    runs, jobs = monitor.last_runs(session), monitor.queue(session)
    check = next((run for run in runs if run.name == "check"), None)
    known, backups = {run.name: run for run in runs}, monitor.backups(session)
    left_out = {
        *(() if settings.backups else ("backup", "proof")),
        *(() if _makes_rooms(settings) else ("rooms",)),
        *(() if settings.inbox_address else ("inbox",)),
    }
    names = [name for name in SCHEDULE if name not in left_out]
    schedule = [_scheduled(name, known.get(name)) for name in names]
    wants = [(bad, words) for bad, words, _name in alarms(session, settings) if "BACKUPS" not in words]
    if settings.backups is None:
        wants.append((False, "No backups are made. Set BACKUPS to a folder."))
    wants += [
        (False, f"{task['name']} is late: it should run every {task['every']}.") for task in schedule if task["late"]
    ]
    return page(
        "admin/operations.html",
        heading=_heading(wants, [known.get(name) for name in names]),
        wants=wants,
        schedule=schedule,
        broken=(check.details or {}).items() if check else (),
        backups=[_backup(each) for each in backups],
        nights=_nights(backups),
        kept=settings.backups is not None,
        makes_rooms=_makes_rooms(settings),
        rehearsal=_rehearsal(known.get("rehearsal")),
        figures=_job_figures(jobs),
        jobs=[row for row in jobs if row.failed or row.late or row.waiting],
        when=machine_time,
    )


@admin
def check_rooms() -> ResponseReturnValue:
    """Have the worker try what Zoom and Google want; the page shows what it found."""
    rooms.check.enqueue(db.session())
    flash("Zoom and Google Meet are being tried. What comes of it is in the schedule within a minute.", "note")
    return redirect("/admin/operations#rooms", 303)


def _makes_rooms(settings: Settings) -> bool:
    return settings.has_zoom or settings.has_google


def _heading(wants: list[tuple[bool, str]], runs: list[Run | None]) -> str:
    if wants:
        return things_want_a_look(len(wants))
    if not any(runs):
        return "Nothing has run yet."
    return "Everything ran on time." if all(runs) else "All is well so far; some of the schedule has not run yet."


def _nights(backups: list[Backup]) -> str:
    """A figure for each of the last days by the club's calendar, oldest first: 1 if a backup was made, 0 if not."""
    tz = ZoneInfo(current_app.config["SETTINGS"].club_timezone)
    made, today = {each.made_at.astimezone(tz).date() for each in backups}, datetime.now(tz).date()
    return "".join("1" if today - timedelta(days=ago) in made else "0" for ago in reversed(range(NIGHTS)))


@admin
def database() -> ResponseReturnValue:
    """How long it takes to answer, who is connected, and what grows."""
    session = db.session()
    days, storage = monitor.mean_by_day(session), monitor.storage(session)
    tables, (indexes, counted_since) = monitor.tables(session), monitor.indexes(session)
    connections, server = monitor.connections(session)
    total = sum(table.table_bytes + table.index_bytes for table in tables)
    return page(
        "admin/operations_database.html",
        mean=days[-1].mean if days else None,
        slow=monitor.slow(session),
        mean_bars=[(round(day.mean, 2), day_medium(day.day)) for day in days],
        size_bars=[(round(float(day.bytes) / 1e6, 1), day_medium(day.day)) for day in storage],
        tables=tables,
        indexes=indexes,
        unused=[index for index in indexes if index.unused],
        counted_since=machine_time(counted_since),
        connections=connections,
        server=server,
        pool=monitor.pool(session),
        total=size(total),
        forecast=_forecast(total, monitor.pace(session)),
        size=size,
        when=machine_time,
        lasted=lasted,
    )


def _scheduled(name: str, run: Run | None) -> dict[str, object]:
    title, every = SCHEDULE[name]
    task: dict[str, object] = {"name": title, "every": "day" if every == DAY else "week", "late": False}
    if run is None:
        return task | {"began": "", "outcome": "", "lasted": "", "kind": "ring", "word": "Not yet", "tone": ""}
    late = datetime.now(UTC) - run.began_at > every + LATE
    kind, word, tone = (
        ("quarter", "Running", "amber")
        if run.ended_at is None
        else ("cross", "Failed", "bad")
        if not run.well
        else ("cross", "Late", "amber")
        if late
        else ("full", "Done", "ok")
    )
    return task | {
        "began": machine_time(run.began_at),
        "outcome": run.outcome or "",
        "late": late,
        "kind": kind,
        "word": word,
        "tone": tone,
        "lasted": lasted(run.ended_at - run.began_at) if run.ended_at else "",
    }


def _backup(made: Backup) -> dict[str, object]:
    states = {
        True: ("full", "Restored as a test", "ok"),
        False: ("cross", "Broken", "bad"),
        None: ("ring", "Not tested", ""),
    }
    kind, word, tone = states[made.proved]
    return {
        "made": machine_time(made.made_at),
        "file": made.file,
        "size": size(made.bytes),
        "sha256": made.sha256[:12],
        "kind": kind,
        "word": word,
        "tone": tone,
        "proof": f"{made.proof} {machine_time(made.proved_at).capitalize()}." if made.proof else "",
    }


SECTIONS = {
    "mails": "mails",
    "charges": "charges",
    "access_ends": "ends of access",
    "rooms": "rooms",
    "alarms": "alarms",
    "job_failures": "jobs that fail",
}
"""What a rehearsal counts, as its figures are called."""


def _rehearsal(run: Run | None) -> dict[str, Any] | None:
    """The last rehearsal: when it was, what it counted, and what differed; None if there was none."""
    if run is None:
        return None
    found: dict[str, Any] = run.details or {}
    counts = found.get("counts", {})
    return {
        "began": machine_time(run.began_at),
        "outcome": run.outcome or "",
        "running": run.ended_at is None,
        "failed": not counts,
        "reached_out": bool(counts) and not run.well,
        "figures": [(f"{sum(counts[name].values()):,}", label) for name, label in SECTIONS.items() if name in counts],
        "kinds": [
            (label, kind, f"{count:,}")
            for name, label in SECTIONS.items()
            for kind, count in sorted(counts.get(name, {}).items())
            if kind
        ],
        "paid": [amount for _currency, amount in sorted(found.get("paid", {}).items())],
        "days": found.get("days", 0),
        "backup": found.get("backup", ""),
        "version": found.get("version", ""),
        "than": found.get("than"),
        "differences": found.get("differences", []),
        "lines": found.get("different_lines", 0),
    }


def _job_figures(jobs: list[monitor.Jobs]) -> list[tuple[str, str, str]]:
    mails = monitor.mails(db.session(), clock.now() - timedelta(days=7))
    return [
        (f"{sum(row.waiting for row in jobs):,}", "jobs waiting", "#jobs-by-kind"),
        (f"{sum(row.late for row in jobs):,}", "jobs more than ten minutes late", "#jobs-by-kind"),
        (f"{sum(row.failed for row in jobs):,}", "jobs failed in a week", "#jobs-by-kind"),
        (f"{mails.waiting:,}", "mails waiting", "/admin/outbox?state=queued"),
        (f"{mails.failed:,}", "mails failed in a week", "/admin/outbox?state=failed"),
    ]


def machine_time(moment: datetime | None) -> str:
    """A moment of the machine's clock, as the viewer's clock shows it; nothing for None."""
    # The machine's time, seen from the machine's now: the demo's clock may be ahead.
    if moment is None:
        return ""
    now = datetime.now(UTC).astimezone(viewer().tz)
    return since(moment.astimezone(viewer().tz), now)


def lasted(time: timedelta) -> str:
    """How long something took, in the unit that fits."""
    seconds = time.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:,.0f} ms"
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.0f} h"


def _forecast(total: int, pace: float | None) -> str:
    if pace is None:
        return "A forecast needs a week of measurements; one is taken every day."
    if pace <= 0:
        return "It has not grown over the last thirty days."
    day = date_with_year(datetime.now(UTC).date() + timedelta(days=YEAR))
    return f"It grows by {size(pace)} a day; at this pace it is {size(total + YEAR * pace)} on {day}."
