"""The list of people: by name, filtered by a plain form, each with the last fourteen evenings."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.engine import Row

from portal import clock
from portal.access import admin
from portal.accounts.member import display_name
from portal.database import db
from portal.times import city
from portal.web import asked, page, reader

PAGE = 20

MOST = 1000
"""So many are counted, and so many matches of a search looked at: who has more to choose from types another letter."""

# Ranges, not LIKE: an index serves them whatever the letters are.
SEARCHED = f"""u.id in (
    (select id from users where name_key >= :q and name_key < :q_end order by name_key limit {MOST})
    union
    (select id from users where email_key ~>=~ :q and email_key ~<~ :q_end limit {MOST}))
"""  # noqa: S608 - constants of this file
WHERE = """
  where {search}
    and (:access = '' or (:access = 'active') = coalesce(u.access_until > :at, false))
    and (:plan = '' or coalesce(u.subscription_type, 'none') = :plan)
"""
PEOPLE = f"""
select u.id, u.name_key, u.first_name, u.last_name, u.email, u.timezone, u.is_active, u.closed_at, u.subscription_type, u.family_role,
       u.subscription_status, u.access_until, u.subscription_expiry,
       (select string_agg(case when a.joined_at is null then '0' else '1' end, '' order by m.starts_at)
          from (select id, starts_at from meetings where ends_at <= :at and status <> 'cancelled'
                 order by starts_at desc limit 14) m
          left join meeting_attendances a on a.meeting_id = m.id and a.user_id = u.id) as ticks
  from users u {WHERE}
   and (u.name_key, u.id) > (:after_key, :after_id)
 order by u.name_key, u.id limit {PAGE + 1}
"""  # noqa: S608
COUNT = f"select count(*) from (select from users u {WHERE} limit {MOST + 1}) counted"  # noqa: S608
EVERYBODY = text(PEOPLE.format(search="true")), text(COUNT.format(search="true"))
SOME = text(PEOPLE.format(search=SEARCHED)), text(COUNT.format(search=SEARCHED))


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/people", "people", people)


@admin
def people() -> ResponseReturnValue:
    """Who is here, by the beginning of a name or address, by access and by plan."""
    q = asked("q")
    access, plan = asked("access"), asked("plan")
    wanted: dict[str, Any] = {
        "q": q.lower(), "q_end": q.lower() + "\U0010ffff",
        "access": access if access in ("active", "none") else "", "at": clock.now(),
        "plan": plan if plan in ("individual", "family", "none") else "",
    }  # fmt: skip
    after_key, after_id = _cursor(asked("from", 3000))
    found, counted = SOME if q else EVERYBODY
    rows = db.session.execute(found, {**wanted, "after_key": after_key, "after_id": after_id}).all()
    shown, total = rows[:PAGE], db.session.execute(counted, wanted).scalar_one()
    filters = urlencode({"q": q, "access": access, "plan": plan})
    return page(
        "admin/people.html",
        q=q, access=wanted["access"], plan=wanted["plan"], people=[_line(row) for row in shown],
        count=_count(total),
        newer_url=f"/admin/people?{filters}" if after_key else None,
        older_url=f"/admin/people?{filters}&from={_write(shown[-1])}" if len(rows) > PAGE else None,
    )  # fmt: skip


def _count(total: int) -> str:
    return f"More than {MOST:,} people" if total > MOST else f"{total:,} {'person' if total == 1 else 'people'}"


def _line(row: Row[Any]) -> dict[str, object]:
    until, at = row.access_until, clock.now()
    if row.closed_at:
        kind, word, tone = "ring", "Closed", ""
    elif not row.is_active:
        kind, word, tone = "slash", "Suspended", "bad"
    elif until is not None and until > at:
        promised = row.subscription_expiry is None or row.subscription_expiry > at
        kind, word, tone = ("full", "Active", "ok") if promised else ("lamp", "Grace", "amber")
        until = row.subscription_expiry or until
    elif row.subscription_status == "pending":
        kind, word, tone = "quarter", "Pending", "amber"
    else:
        kind, word, tone = "ring", "Lapsed" if until else "None yet", ""
    plan = (row.subscription_type or "").capitalize() + (", primary" if row.family_role == "primary" else "")
    return {
        "id": row.id, "name": display_name(row.first_name, row.last_name, row.email), "email": row.email, "plan": plan or "–",
        "access_kind": kind, "access_word": word, "tone": tone, "zone": city(row.timezone), "ticks": row.ticks or "",
        "until": reader().short_day(until) or "–",
    }  # fmt: skip


def _write(row: Row[Any]) -> str:
    return urlsafe_b64encode(f"{row.id}{row.name_key}".encode()).decode()


def _cursor(value: str) -> tuple[str, UUID]:
    try:
        plain = urlsafe_b64decode(value).decode()
        return plain[36:].replace("\x00", ""), UUID(plain[:36])
    except ValueError:
        return "", UUID(int=0)
