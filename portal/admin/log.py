"""The log: what happened, newest first, narrowed by how bad, what about, whom, which meeting, or a reference."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Select, select, tuple_, union
from sqlalchemy.engine import Row
from sqlalchemy.orm import aliased

from portal.access import admin
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.audit.models import SystemLog
from portal.database import db
from portal.meetings.models import Meeting
from portal.times import date_with_year
from portal.web import asked, id_in, page, reader

PAGE = 50
LEVELS = {"": "Everything", "trouble": "Warnings and errors", "error": "Errors"}
CATEGORIES = {
    "": "Any", "user": "Members", "meeting": "Meetings", "billing": "Money", "security": "Security", "email": "Mails",
    "cron": "By the clock", "api": "Outside services",
}  # fmt: skip
SHOWN_AS = {"warn": ("quarter", "Warning", "amber"), "error": ("cross", "Error", "bad")}

Asker, Subject = aliased(User), aliased(User)


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/log", "log", log)


@admin
def log() -> ResponseReturnValue:
    """A page of it."""
    level, category, reference = asked("level"), asked("category"), asked("reference").upper()
    person, meeting = id_in(asked("person")), id_in(asked("meeting"))
    before, before_id = _cursor(asked("before"))
    rows = db.session.execute(_found(level, category, reference, person, meeting, before, before_id)).all()
    shown = rows[:PAGE]
    wanted = {"level": level, "category": category, "reference": reference, "person": person, "meeting": meeting}
    filters = {name: value for name, value in wanted.items() if value}
    return page(
        "admin/log.html",
        lines=[_line(row) for row in shown], levels=LEVELS, categories=CATEGORIES, wanted=wanted, filtered=bool(filters),
        about=_about(person, meeting), newer_url=f"/admin/log?{urlencode(filters)}" if before_id else None,
        older_url="/admin/log?" + urlencode(filters | {"before": _write(shown[-1])}) if len(rows) > PAGE else None,
    )  # fmt: skip


def _found(
    level: str, category: str, reference: str, person: UUID | None, meeting: UUID | None, before: datetime | None, before_id: UUID | None
) -> Select[Any]:
    """The rows of a page and one more. What a person did and what was done to them are two walks along two indexes."""
    wanted: list[ColumnElement[bool]] = []
    if level in ("trouble", "error"):
        wanted.append(SystemLog.level.in_(("warn", "error") if level == "trouble" else ("error",)))
    if category in CATEGORIES and category:
        wanted.append(SystemLog.category == category)
    if reference:
        wanted.append(SystemLog.request_id == reference)
    if meeting:
        wanted.append(SystemLog.meeting_id == meeting)
    if before and before_id:
        wanted.append(tuple_(SystemLog.timestamp, SystemLog.id) < (before, before_id))
    order = SystemLog.timestamp.desc(), SystemLog.id.desc()
    walk = select(SystemLog.id).where(*wanted).order_by(*order).limit(PAGE + 1)
    if person:
        walks = [walk.where(column == person).subquery() for column in (SystemLog.user_id, SystemLog.subject_id)]
        ids = union(*(select(one.c.id) for one in walks)).subquery()
    else:
        ids = walk.subquery()
    people = [(f"{name}_{field}", getattr(who, field)) for name, who in (("by", Asker), ("to", Subject))
              for field in ("first_name", "last_name", "email")]  # fmt: skip
    return (
        select(SystemLog, *(column.label(name) for name, column in people), Meeting.title)
        .join(ids, ids.c.id == SystemLog.id)
        .outerjoin(Asker, Asker.id == SystemLog.user_id)
        .outerjoin(Subject, Subject.id == SystemLog.subject_id)
        .outerjoin(Meeting, Meeting.id == SystemLog.meeting_id)
        .order_by(*order)
        .limit(PAGE + 1)
    )


def _line(row: Row[Any]) -> dict[str, Any]:
    entry: SystemLog = row.SystemLog
    when = entry.timestamp.astimezone(reader().tz)
    visitor = "Somebody who was not signed in" if entry.ip_address else "The club itself"
    by = display_name(row.by_first_name, row.by_last_name, row.by_email) if row.by_email else visitor
    to = display_name(row.to_first_name, row.to_last_name, row.to_email) if row.to_email else ""
    details = {"done as": entry.operation, **(entry.details or {}), "from": entry.ip_address, "with": entry.user_agent}
    return {
        "id": entry.id, "iso": entry.timestamp.isoformat(), "day": date_with_year(when), "time": f"{when:%H:%M:%S}",
        "message": entry.message, "level": SHOWN_AS.get(entry.level), "by": by, "by_id": entry.user_id,
        "to": to, "to_id": entry.subject_id if entry.subject_id != entry.user_id else None,
        "title": row.title, "meeting_id": entry.meeting_id, "reference": entry.request_id,
        "details": {key.replace("_", " "): value for key, value in details.items() if value not in (None, "")},
    }  # fmt: skip


def _about(person: UUID | None, meeting: UUID | None) -> tuple[str, str] | None:
    """Whom or what the page is narrowed to: words and where to read about them."""
    if person and (row := db.session.get(User, person)):
        return display_name(row.first_name, row.last_name, row.email), f"/admin/people/{person}"
    if meeting and (found := db.session.get(Meeting, meeting)):
        return found.title, f"/admin/meetings/{meeting}"
    return None


def _write(row: Row[Any]) -> str:
    return f"{row.SystemLog.timestamp.timestamp():.6f},{row.SystemLog.id}"


def _cursor(value: str) -> tuple[datetime | None, UUID | None]:
    moment, _, row = value.partition(",")
    try:
        return datetime.fromtimestamp(float(moment), reader().tz), id_in(row)
    except (ValueError, OverflowError, OSError):
        return None, None
