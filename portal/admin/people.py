"""The list of people: by name, filtered by a plain form, each with the last fourteen evenings."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal import clock, paging
from portal.access import admin
from portal.accounts.member import display_name
from portal.admin.reporting_period import reporting_period
from portal.arguments import query_arg
from portal.billing import is_free
from portal.database import db
from portal.database.query import Query
from portal.sentences import ngettext
from portal.times import city
from portal.viewer import viewer
from portal.web import page

PAGE = 20

MOST = 1000
"""So many are counted: who has more to choose from types another letter."""

# Fenced (offset 0): everybody who matches is read by the index and then sorted; walking all names in order until a page
# is full reads the whole club when few match.
FOUND = """(
  select * from users
   where search @@ searched(:q)
      or id = any (array(select user_id from orders where order_number = upper(:q))) offset 0)
"""
# Whom each figure of the other pages counts, in the words of its link.
ACCESS_FILTERS = {
    "": ("Any", "true"),
    "active": ("Has access", "u.access_until > :at and u.is_active"),
    "none": ("No access", "not (coalesce(u.access_until > :at, false) and u.is_active)"),
    "ending": (
        "Access ends or renews this month",
        "u.access_until > :at and u.access_until <= :month_end and u.is_active",
    ),
    "new": ("New this week", "u.created_at > :week_ago"),
    "paying": ("Pays a plan", "u.id in (select user_id from subscriptions where live)"),
    "failed": ("Payment failed", "u.id in (select user_id from subscriptions where live and failed_at is not null)"),
    "leaving": ("Plan set to end", "u.id in (select user_id from subscriptions where live and ends_at > :at)"),
    "unpaid": ("Payment not finished", "u.id in (select user_id from orders where status = 'pending')"),
    "refunded": (
        "Refunded this year",
        "u.id in (select user_id from orders where completed_at >= :year_start and refunded_amount > 0)",
    ),
}
WHERE = """
  from {source} u
 where {condition}
    and (:plan = '' or coalesce(u.subscription_type, 'none') = :plan)
"""


class PersonRow(NamedTuple):
    """Somebody in the list; `ticks` are the last fourteen evenings, 1 where they came, else 0."""

    id: UUID
    name_key: str
    first_name: str | None
    last_name: str | None
    email: str
    timezone: str
    is_active: bool
    closed_at: datetime | None
    subscription_type: str | None
    family_role: str | None
    subscription_status: str | None
    access_until: datetime | None
    subscription_expiry: datetime | None
    ticks: str | None


class Counted(NamedTuple):
    """How many are found, and how many of them may come in."""

    people: int
    may_come_in: int


PEOPLE = f"""
select u.id, u.name_key, u.first_name, u.last_name, u.email, u.timezone, u.is_active, u.closed_at, u.subscription_type, u.family_role,
       u.subscription_status, u.access_until, u.subscription_expiry,
       (select string_agg(case when a.joined_at is null then '0' else '1' end, '' order by m.starts_at)
          from (select id, starts_at from meetings where ends_at <= :at and status <> 'cancelled'
                   and attendance_record is distinct from 'not_recorded'
                 order by starts_at desc limit 14) m
          left join meeting_attendances a on a.meeting_id = m.id and a.user_id = u.id) as ticks {WHERE}
   and (u.name_key, u.id) > (:after_key, :after_id)
 order by u.name_key, u.id limit {PAGE + 1}
"""  # noqa: S608
COUNT = f"""
select count(*) as people, count(*) filter (where may_come_in) as may_come_in
  from (select coalesce(u.access_until > :at, false) and u.is_active as may_come_in {WHERE} limit {MOST + 1}) counted
"""  # noqa: S608
QUESTIONS = {
    (search, key): (
        Query(PersonRow, text(PEOPLE.format(source=FOUND if search else "users", condition=condition))),
        Query(Counted, text(COUNT.format(source=FOUND if search else "users", condition=condition))),
    )
    for search in (True, False)
    for key, (_, condition) in ACCESS_FILTERS.items()
}
"""The list and its count, with or without a search, for each standing."""


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/people", "people", people)


@admin
def people() -> ResponseReturnValue:
    """Who is here, by the beginnings of words in names and addresses or by an order's number, by access and by plan."""
    q = query_arg("q")
    access, plan = query_arg("access"), query_arg("plan")
    access = access if access in ACCESS_FILTERS else ""
    plan = plan if plan in ("individual", "family", "none") else ""
    wanted: dict[str, object] = {**reporting_period(), "q": q, "plan": plan}
    after_key, after_id = paging.read_name(query_arg("from", 3000))
    found, counted = QUESTIONS[bool(q), access]
    rows = found.all(db.session(), after_key=after_key, after_id=after_id, **wanted)
    shown, total = rows[:PAGE], counted.one(db.session(), **wanted)
    filters = urlencode({"q": q, "access": access, "plan": plan})
    return page(
        "admin/people.html",
        q=q,
        access=access,
        access_filters=[
            (key, word)
            for key, (word, _) in ACCESS_FILTERS.items()
            if not is_free() or key in ("", "active", "none", "new")
        ],
        plan=plan,
        people=[_line(row) for row in shown],
        heading=_heading(total.people, total.may_come_in),
        newer_url=f"/admin/people?{filters}" if after_key else None,
        older_url=f"/admin/people?{filters}&from={paging.write_name(shown[-1].name_key, shown[-1].id)}"
        if len(rows) > PAGE
        else None,
    )


def _heading(people: int, may_come_in: int) -> str:
    if not people:
        return "Nobody found"
    if people > MOST:
        return f"More than {MOST:,} people"
    return ngettext(
        "%(num)s person, %(inside)s may come in",
        "%(num)s people, %(inside)s may come in",
        people,
        inside=f"{may_come_in:,}",
    )


def _line(row: PersonRow) -> dict[str, object]:
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
    plan = (row.subscription_type or "").capitalize() + (", pays" if row.family_role == "primary" else "")
    if is_free():  # neither plans nor dates mean anything
        plan, until = "Yes" if row.family_role else "", None
    return {
        "id": row.id,
        "name": display_name(row.first_name, row.last_name, row.email),
        "email": row.email,
        "plan": plan,
        "access_kind": kind,
        "access_word": word,
        "tone": tone,
        "zone": city(row.timezone),
        "ticks": row.ticks or "",
        "until": viewer().short_day(until),
        "said_until": "until" if until is not None and until > at else "since",
    }
