"""The system log, newest first, a sentence a row: by level and category, about a person, a meeting or a family, or by a reference."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, literal_column, select, text, true, tuple_, union, union_all
from sqlalchemy.orm import aliased
from sqlalchemy.sql import ColumnElement

from portal import paging
from portal.access import admin
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.admin import subjects
from portal.arguments import id_in, query_arg
from portal.audit.models import SystemLog
from portal.audit.words import CATEGORIES, LEVELS, sentence
from portal.database import db
from portal.database.query import AnyRows, AnySelect
from portal.database.rows import typed
from portal.families.models import FamilyPlan, Membership
from portal.meetings.models import Meeting
from portal.reference import READABLE
from portal.sentences import ngettext
from portal.times import number
from portal.viewer import viewer
from portal.web import page

PAGE = 40
COLUMNS = (
    SystemLog.id,
    SystemLog.timestamp,
    SystemLog.level,
    SystemLog.category,
    SystemLog.operation,
    SystemLog.message,
    SystemLog.user_id,
    SystemLog.subject_id,
    SystemLog.meeting_id,
    SystemLog.request_id,
    SystemLog.ip_address,
    SystemLog.user_agent,
    SystemLog.details,
)
# Counted by the index of categories and levels, and no further than anybody reads.
WRONG = text("""
select level, count(*) as times from (
  select level from system_logs where category = any (:categories) and level in ('warn', 'error') and timestamp >= :since limit 1000) found
 group by level
""")
NEWEST = (SystemLog.timestamp.desc(), SystemLog.id.desc())
FROM = tuple_(SystemLog.timestamp, SystemLog.id) <= tuple_(bindparam("from_at"), bindparam("from_id"))
MOST: ColumnElement[int] = literal_column(str(PAGE + 1))
# Pages plan a statement once for whatever is asked; here what is asked decides: a rare level by its index, a common one not.
PLANNED_ANEW = text("set local plan_cache_mode = force_custom_plan")


class LogRow(NamedTuple):
    """One row of the log, with the names of who did it and whom it was done to, and the title of its meeting."""

    id: UUID
    timestamp: datetime
    level: str
    category: str
    operation: str | None
    message: str
    user_id: UUID | None
    subject_id: UUID | None
    meeting_id: UUID | None
    request_id: str | None
    ip_address: object
    user_agent: str | None
    details: dict[str, object] | None
    who_first_name: str | None
    who_last_name: str | None
    who_email: str | None
    whom_first_name: str | None
    whom_last_name: str | None
    whom_email: str | None
    title: str | None


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; empty means all."""

    level: str
    category: str
    reference: str
    person: UUID | None
    meeting: UUID | None
    family: UUID | None


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/log", "log", log)


@admin
def log() -> ResponseReturnValue:
    """One page of the log."""
    wanted, cursor = _wanted(), paging.read(query_arg("from"))
    from_at, from_id = cursor or (paging.END, paging.LAST)
    db.session.execute(PLANNED_ANEW)
    rows = typed(LogRow, db.session.execute(_with_names(_found(wanted)), {"from_at": from_at, "from_id": from_id}))
    filters = {name: str(value) for name, value in asdict(wanted).items() if value}
    first = f"/admin/log?{urlencode(filters)}"
    more = f"{first}&from={paging.write(rows[PAGE].timestamp, rows[PAGE].id)}" if len(rows) > PAGE else None
    lines = [_line(row) for row in rows[:PAGE]]
    return page(
        "admin/log.html",
        w=wanted,
        about=_about(wanted),
        filtered=bool(filters),
        days=[(day, list(entries)) for day, entries in groupby(lines, lambda line: line["day"])],
        heading="" if filters or cursor else _today(),
        levels=LEVELS,
        categories=CATEGORIES,
        newer_url=first if cursor else None,
        older_url=more,
    )


def _today() -> str:
    """What went wrong since the viewer's midnight."""
    midnight = viewer().now.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = db.session.execute(WRONG, {"categories": list(CATEGORIES), "since": midnight}).all()
    found = {row.level: row.times for row in rows}
    errors, warnings = found.get("error", 0), found.get("warn", 0)
    if not errors and not warnings:
        return "Nothing went wrong today."
    in_words = {
        "errors": ngettext("one error", "%(count)s errors", errors, count=number(errors)),
        "warnings": ngettext("one warning", "%(count)s warnings", warnings, count=number(warnings)),
    }
    text = (
        "{errors} and {warnings} today."
        if errors and warnings
        else "{errors} today."
        if errors
        else "{warnings} today."
    )
    return text.format(**in_words).capitalize()


def _wanted() -> Wanted:
    level, category = query_arg("level"), query_arg("category")
    return Wanted(
        level if level in LEVELS else "",
        category if category in CATEGORIES else "",
        _reference(query_arg("reference", 40)),
        _id("person"),
        _id("meeting"),
        _id("family"),
    )


def _id(name: str) -> UUID | None:
    value = query_arg(name)
    return (id_in(value) or abort(404)) if value else None


def _reference(typed: str) -> str:
    """As it is written on the error page, however it was typed off it; something else stays as it is."""
    plain = typed.upper().replace("-", "").replace(" ", "").translate(str.maketrans("OIL", "011"))
    return f"{plain[:4]}-{plain[4:]}" if len(plain) == 8 and set(plain) <= set(READABLE) else typed


# --- finding: whatever is asked, an index gives the rows in order, and a page's worth of them is read -------------------


def _newest(*where: ColumnElement[bool]) -> AnySelect:
    return select(*COLUMNS).where(*where, FROM).order_by(*NEWEST).limit(MOST)


def _found(wanted: Wanted) -> AnyRows:
    narrower = [
        (SystemLog.level, wanted.level),
        (SystemLog.category, wanted.category),
        (SystemLog.request_id, wanted.reference),
        (SystemLog.meeting_id, wanted.meeting),
    ]
    also = [column == value for column, value in narrower if value]
    if wanted.family:
        return _of_family(wanted.family, *also)
    if wanted.person:
        return union(*(_newest(column == wanted.person, *also) for column in (SystemLog.user_id, SystemLog.subject_id)))
    if len(also) == 1 and (wanted.level or wanted.category):
        # The index is by category and level, so each pair of them is a list of its own.
        pairs = [
            (each, word)
            for each in CATEGORIES
            for word in LEVELS
            if wanted.category in ("", each) and wanted.level in ("", word)
        ]
        return union_all(*(_newest(SystemLog.category == each, SystemLog.level == word) for each, word in pairs))
    return _newest(*also)


def _of_family(plan_id: UUID, *also: ColumnElement[bool]) -> AnyRows:
    """What the people who are or were in it did, or had done to them, in families; and what was done to the plan itself."""
    members = select(Membership.user_id).where(Membership.plan_id == plan_id).distinct().subquery()
    parts = [
        _newest(column == members.c.user_id, SystemLog.operation.like("family.%"), *also).correlate(members).lateral()
        for column in (SystemLog.user_id, SystemLog.subject_id)
    ]
    theirs = (select(part).select_from(members).join(part, true()) for part in parts)
    return union(*theirs, _newest(SystemLog.details["plan_id"].astext == str(plan_id), *also))


def _with_names(found: AnyRows) -> AnySelect:
    rows = found.subquery()
    who, whom = aliased(User), aliased(User)
    names = [
        column.label(f"{name}_{column.key}")
        for name, person in (("who", who), ("whom", whom))
        for column in (person.first_name, person.last_name, person.email)
    ]
    return (
        select(rows, *names, Meeting.title)
        .outerjoin(who, who.id == rows.c.user_id)
        .outerjoin(whom, whom.id == rows.c.subject_id)
        .outerjoin(Meeting, Meeting.id == rows.c.meeting_id)
        .order_by(rows.c.timestamp.desc(), rows.c.id.desc())
        .limit(MOST)
    )


# --- showing ------------------------------------------------------------------------------------------------------------


def _about(wanted: Wanted) -> list[tuple[str, str]]:
    """What the rows are about, with its page."""
    about = subjects.named(db.session(), wanted.person, wanted.meeting)
    if wanted.family:
        plan = db.session.execute(select(FamilyPlan.plan_name).where(FamilyPlan.id == wanted.family)).one_or_none()
        about.append(
            (plan[0] or "a family without a name", f"/admin/families/{wanted.family}")
            if plan
            else ("a family that is gone", "")
        )
    return about


def _line(row: LogRow) -> dict[str, object]:
    local = row.timestamp.astimezone(viewer().tz)
    who = _person(row.user_id, row.who_first_name, row.who_last_name, row.who_email)
    whom = _person(row.subject_id, row.whom_first_name, row.whom_last_name, row.whom_email)
    nobody = (None, "a visitor" if row.ip_address else "the portal")
    meeting = (row.meeting_id, row.title) if row.title else None
    names = {
        "{who}": ("/admin/people/", who or nobody),
        "{whom}": ("/admin/people/", whom or (None, "somebody")),
        "{one}": ("/admin/people/", whom or who or nobody),
        "{meeting}": ("/admin/meetings/", meeting or (None, "a meeting")),
    }
    about = whom is not None and row.subject_id != row.user_id
    pieces = sentence(
        row.operation, row.message, by_person=who is not None, about=about, at_meeting=meeting is not None
    )
    details = {
        "Kind": f"{CATEGORIES[row.category]}, {row.operation}" if row.operation else CATEGORIES[row.category],
        "Noted as": row.message,
        "By": "" if who else nobody[1].capitalize(),
        "At": f"{local:%H:%M:%S}, {viewer().city}",
        **{name.replace("_", " ").capitalize(): _plain(value) for name, value in (row.details or {}).items()},
        "From": str(row.ip_address or ""),
        "With": row.user_agent or "",
    }
    return {
        "said": [_linked(*names[piece]) if piece in names else ("", piece) for piece in pieces],
        "level": row.level,
        "day": local.date(),
        "time": f"{local:%H:%M}",
        "iso": row.timestamp.isoformat(timespec="milliseconds"),
        "reference": row.request_id,
        "details": {k: v for k, v in details.items() if v},
    }


def _linked(path: str, named: tuple[UUID | None, str]) -> tuple[str, str]:
    """An address and what it is called; no address for what has no page."""
    its_id, name = named
    return (f"{path}{its_id}" if its_id else "", name)


def _person(
    person_id: UUID | None, first: str | None, last: str | None, email: str | None
) -> tuple[UUID | None, str] | None:
    """Their page and name; no page if they are gone, nothing if there is nobody."""
    if person_id is None:
        return None
    return (person_id, display_name(first, last, email)) if email else (None, "somebody who is gone")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
