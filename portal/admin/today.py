"""Today at a glance: a judgement first, then what wants a look, then the numbers with their rows."""

from typing import Any

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal import clock
from portal.access import admin
from portal.admin.moments import moments
from portal.billing import money
from portal.database import db
from portal.meetings.board import Board, Clock, here_and_now, phase_of
from portal.operations.alarms import alarms
from portal.times import day_long, day_medium, number
from portal.web import page, reader

# Each number is one sub-select; the page is one statement.
NUMBERS = text("""
select
  (select count(*) from users where access_until > :at and is_active) as with_access,
  (select count(*) from users where access_until > :at and access_until <= :month_end and is_active) as ending,
  (select count(*) from family_plans where is_active) as families,
  (select coalesce(sum(current_members), 0) from family_plans where is_active) as in_families,
  (select count(*) from users where created_at > :week_ago) as new_people,
  (select coalesce(sum(kept), 0) from income where completed_at >= :month_start and currency = :currency) as revenue,
  (select coalesce(sum(refunded_amount), 0) from orders where completed_at >= :year_start and currency = :currency) as refunded,
  (select count(*) from orders where dispute_state = 'open') as disputes,
  (select count(*) from drifts where resolved_at is null) as drifts,
  (select count(distinct user_id) from orders where status = 'pending') as pending
""")
NEXT = text("""
select id, title, starts_at, ends_at, status, duration, platform, host_name, max_attendees, seats_taken, waiting_count,
       attendee_count, cancellation_reason, request_count,
       (select count(*) from meeting_attendances a where a.meeting_id = m.id and a.answer = 'declined') as said_no,
       case when is_private then (select count(*) from meeting_attendances a where a.meeting_id = m.id)
            else (select count(*) from users where access_until > :at and is_active) end
       - (select count(*) from meeting_attendances a where a.meeting_id = m.id and a.answer <> 'invited') as no_answer,
       (select count(distinct p.user_id) from presences p where p.meeting_id = m.id and p.left_at is null) as here
  from meetings m
 where ends_at > :at and status in ('scheduled', 'active') order by starts_at, id limit 1
""")
ASKING = text("""
select id, title, starts_at, request_count from meetings
 where request_count > 0 and ends_at > :at and status = 'scheduled' order by starts_at limit 5
""")
LATELY = text("""
select starts_at, attendee_count from meetings
 where ends_at <= :at and status in ('completed', 'active', 'scheduled') order by starts_at desc limit 30
""")


EVENING = "17:00"


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("", "today", today)


@admin
def today() -> ResponseReturnValue:
    """How the club stands now."""
    look, at, currency = here_and_now(), clock.now(), current_app.config["SETTINGS"].currency
    numbers = db.session.execute(NUMBERS, {**moments(), "currency": currency}).one()
    tonight = db.session.execute(NEXT, {"at": at}).one_or_none()
    next_one = Board(tonight, look, tonight.here) if tonight else None
    wants = _wants(at, numbers)
    lately = list(reversed(db.session.execute(LATELY, {"at": at}).all()))
    return page(
        "admin/today.html",
        now=f"{day_long(reader().now)}, {reader().clock} {reader().city}",
        judgement=_judgement(tonight, wants, look), lede=_lede(tonight, look), wants=wants,
        b=next_one, tonight=_tonight(tonight), tonight_title=tonight.title if tonight else "", when=_when(next_one),
        bars=[(row.attendee_count, day_medium(look.here(row.starts_at))) for row in lately],
        people=[
            (f"{numbers.with_access:,}", "have access", "/admin/people?access=active"),
            (f"{numbers.ending:,}", "whose access ends or renews this month", "/admin/people?access=ending"),
            (f"{numbers.new_people:,}", "new this week", "/admin/people?access=new"),
            (f"{numbers.families:,}", f"{'family' if numbers.families == 1 else 'families'}, {numbers.in_families:,} people",
             "/admin/families"),
        ],
        money=[
            (money.shown(numbers.revenue, currency), f"{reader().now:%B} so far, after refunds", "/admin/money"),
            (money.shown(numbers.refunded, currency), "refunded of this year’s payments", "/admin/people?access=refunded"),
            (f"{numbers.pending:,}", "payment not finished" if numbers.pending == 1 else "payments not finished",
             "/admin/people?access=unpaid"),
            (f"{numbers.disputes:,}", "dispute" if numbers.disputes == 1 else "disputes", "/admin/money#disputes"),
        ],
    )  # fmt: skip


def _wants(at: Any, numbers: Any) -> list[tuple[str, str, str, str, str]]:
    wants = [
        ("quarter", "amber", _ask(row), f"/meetings/{row.id}/requests", "Answer them")
        for row in db.session.execute(ASKING, {"at": at})
    ]
    wants += [
        ("cross" if bad else "quarter", "bad" if bad else "amber", words, "/admin/operations", "Operations")
        for bad, words in alarms(db.session(), current_app.config["SETTINGS"])
    ]
    if numbers.drifts:
        wants.append(("slash", "bad", _differences(numbers.drifts), "/admin/money#agree", "See the differences"))
    if numbers.disputes:
        wants.append(("slash", "bad", _disputes(numbers.disputes), "/admin/money#disputes", "See the disputes"))
    return wants


def _differences(count: int) -> str:
    return f"Stripe and the club differ on {'one subscription' if count == 1 else f'{count} subscriptions'}"


def _disputes(count: int) -> str:
    return "1 payment is disputed by a bank" if count == 1 else f"{count} payments are disputed by a bank"


def _ask(row: Any) -> str:
    people = "person asks" if row.request_count == 1 else "people ask"
    return f"{row.request_count} {people} to join {row.title}"


def _judgement(tonight: Any, wants: list[Any], look: Clock) -> str:
    if wants:
        return "One thing wants a look." if len(wants) == 1 else f"{number(len(wants)).capitalize()} things want a look."
    if tonight is None:
        return "Nothing is planned."
    if phase_of(tonight, look) == "live":
        return f"{tonight.title} is running well."
    return f"{tonight.title} is in good shape."


def _when(board: Board | None) -> str:
    """The heading of the next meeting: Now while it runs, Tonight or Today, else Tomorrow or its day."""
    if board is None:
        return "Next"
    if board.phase == "live":
        return "Now"
    return {"Today": "Tonight" if board.time >= EVENING else "Today"}.get(board.day_note, board.day_note or board.date_long)


def _lede(tonight: Any, look: Clock) -> str:
    if tonight is None:
        return "No meeting is on the programme. Plan one, and it appears on everybody's page."
    starts = look.here(tonight.starts_at)
    people = "person has" if tonight.seats_taken == 1 else "people have"
    if phase_of(tonight, look) == "live":
        return f"{tonight.title} began at {starts:%H:%M}. {tonight.seats_taken} {people} said yes."
    return f"{tonight.seats_taken} {people} said yes to {tonight.title}, {day_medium(starts)} at {starts:%H:%M}."


def _tonight(row: Any) -> list[tuple[str, str, str]]:
    if row is None:
        return []
    places = f"said yes, of {row.max_attendees} places" if row.max_attendees else "said yes"
    url = f"/admin/meetings/{row.id}"
    return [
        (str(row.seats_taken), places, url), (str(row.said_no), "said no", url),
        (f"{max(0, row.no_answer):,}", "no answer yet", url), (str(row.waiting_count), "waiting", url),
    ]  # fmt: skip
