"""What is written by itself: the daily invitations with a dry run, and the digest; and how their last runs went."""

from datetime import datetime
from typing import NamedTuple

from flask import Blueprint, current_app, flash, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal import audit
from portal.access import admin
from portal.admin.operations import lasted, machine_time
from portal.attendance import invitations
from portal.attendance.jobs import invite_everybody
from portal.database import db
from portal.database.query import Query
from portal.times import day_medium
from portal.viewer import viewer
from portal.web import page


class WrittenRun(NamedTuple):
    """A run of the invitations or the digest; `ended_at` and `well` are None while it runs."""

    name: str
    began_at: datetime
    ended_at: datetime | None
    well: bool | None
    outcome: str | None


# The newest of each, and those that wrote something or failed.
RUNS = Query(
    WrittenRun,
    text("""
select r.name, r.began_at, r.ended_at, r.well, r.outcome
  from unnest(array['invitations', 'digest']) kind (name)
 cross join lateral (
   (select * from runs where name = kind.name order by began_at desc limit 1)
   union
   (select * from runs where name = kind.name and (not well or details ->> 'written' <> '0')
     order by began_at desc limit 10)) r
 order by r.began_at desc
"""),
)
NAMES = {"invitations": "Invitations", "digest": "Digest"}


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/invitations", "invitations", show)
    bp.add_url_rule("/invitations", "invite_everybody", run, methods=["POST"])


@admin
def show() -> ResponseReturnValue:
    """A dry run: what the next run would write, meeting by meeting; and the last runs."""
    meetings = invitations.missing(db.session())
    return page(
        "admin/invitations.html",
        meetings=[(meeting, _begins(meeting.starts_at)) for meeting in meetings],
        missing=sum(meeting.uninvited for meeting in meetings),
        days=current_app.config["SETTINGS"].invite_days,
        runs=[_shown(each) for each in RUNS.all(db.session())],
    )


@admin
def run() -> ResponseReturnValue:
    """Have the worker write now what is missing."""
    invite_everybody.enqueue(db.session())
    audit.record(db.session(), "invitations.asked", "Had everybody invited", category="cron")
    flash("The worker writes what is missing. Its run is on this page within a minute.", "note")
    return redirect("/admin/invitations#runs", 303)


def _begins(starts_at: datetime) -> str:
    here = starts_at.astimezone(viewer().tz)
    return f"{day_medium(here)}, {here:%H:%M}"


def _shown(each: WrittenRun) -> dict[str, object]:
    kind, word, tone = (
        ("quarter", "Running", "amber")
        if each.ended_at is None
        else ("full", "Done", "ok")
        if each.well
        else ("cross", "Failed", "bad")
    )
    return {
        "name": NAMES[each.name],
        "began": machine_time(each.began_at),
        "outcome": each.outcome or "",
        "lasted": lasted(each.ended_at - each.began_at) if each.ended_at else "",
        "kind": kind,
        "word": word,
        "tone": tone,
    }
