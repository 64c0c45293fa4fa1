"""The doctor: every part of the club as the worker last found it, and the button that has it look again."""

from typing import Any

from flask import Blueprint, flash, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit
from portal.access import admin
from portal.admin.operations import lasted, machine_time
from portal.database import db
from portal.jobs.runs import Run
from portal.operations import monitor
from portal.operations.finding import Finding
from portal.operations.jobs import examine
from portal.sentences import ngettext
from portal.web import page

DISCS = {True: ("full", "Well", "ok"), False: ("cross", "Not well", "bad"), None: ("ring", "Note", "")}


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/operations/doctor", "doctor", show)
    bp.add_url_rule("/operations/doctor", "examine", try_everything, methods=["POST"])


@admin
def show() -> ResponseReturnValue:
    """What the doctor found when it last looked, what needs mending first; and whether it is looking just now."""
    session = db.session()
    last = session.scalars(
        select(Run).where(Run.name == "doctor", Run.ended_at.is_not(None)).order_by(Run.began_at.desc()).limit(1)
    ).first()
    findings = _findings(last)
    return page(
        "admin/doctor.html",
        heading=_heading(last, sum(finding.well is False for finding in findings)),
        last=last,
        began=machine_time(last.began_at) if last else "",
        took=lasted(last.ended_at - last.began_at) if last and last.ended_at else "",
        looking=_is_looking(session),
        findings=[(finding, *DISCS[finding.well]) for finding in sorted(findings, key=_urgency)],
    )


@admin
def try_everything() -> ResponseReturnValue:
    """Leave it to the worker to try everything: nobody outside is asked within a request."""
    if not _is_looking(db.session()):
        examine.enqueue(db.session())
        audit.record(db.session(), "doctor.called", "Had every part of the club tried", category="cron")
    flash("The worker tries every part. What it finds is here within two minutes.", "note")
    return redirect("/admin/operations/doctor", 303)


def _is_looking(session: Session) -> bool:
    return any(job.doing or job.waiting for job in monitor.queue(session) if job.task == examine.name)


def _findings(run: Run | None) -> list[Finding]:
    kept: Any = (run.details or {}).get("findings", []) if run else []
    return [Finding(**each) for each in kept]


def _urgency(finding: Finding) -> int:
    return [False, None, True].index(finding.well)


def _heading(last: Run | None, ill: int) -> str:
    if last is None:
        return "The doctor has not looked yet"
    if not last.details:
        return "The doctor was kept from looking"
    return ngettext("%(num)s part needs mending", "%(num)s parts need mending", ill) if ill else "Everything is well"
