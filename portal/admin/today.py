"""Today at a glance: a judgement first, then what wants a look, then the numbers with their rows."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal import clock
from portal.access import admin
from portal.admin.reporting_period import reporting_period
from portal.billing import is_free, money
from portal.database import db
from portal.database.query import Query
from portal.database.rows import row_type
from portal.meetings.board import Board, Clock, here_and_now, phase_of
from portal.meetings.rows import MeetingRow
from portal.operations.alarms import alarms
from portal.rooms.queries import TROUBLED, RoomRow
from portal.sentences import ngettext
from portal.times import day_long, day_medium, number
from portal.viewer import viewer
from portal.web import page


class Numbers(NamedTuple):
    """How many people, families, payments and differences there are; sums are in the club's currency."""

    with_access: int
    ending: int
    families: int
    in_families: int
    new_people: int
    revenue: Decimal
    refunded: Decimal
    disputes: int
    drifts: int
    pending: int
    unknown: int


@row_type
class Tonight(MeetingRow):
    """The next meeting, and how it was answered."""

    request_count: int
    said_no: int
    no_answer: int
    here: int


class AskedFor(NamedTuple):
    """A meeting in which some ask for a place."""

    id: UUID
    title: str
    request_count: int


class Evening(NamedTuple):
    """How many came to a meeting that is over."""

    starts_at: datetime
    attendee_count: int


# Each number is one sub-select; the page is one statement.
NUMBERS = Query(
    Numbers,
    text("""
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
  (select count(distinct user_id) from orders where status = 'pending') as pending,
  (select count(*) from participants p join meetings m on m.id = p.meeting_id
    where p.user_id is null and not p.is_guest and m.status <> 'archived') as unknown
"""),
)
NEXT = Query(
    Tonight,
    text("""
select id, title, host_name, platform, starts_at, ends_at, duration, status, max_attendees, seats_taken, waiting_count,
       attendee_count, cancellation_reason, attendance_record, request_count,
       (select count(*) from meeting_attendances a where a.meeting_id = m.id and a.answer = 'declined') as said_no,
       case when is_private then (select count(*) from meeting_attendances a where a.meeting_id = m.id)
            else (select count(*) from users where access_until > :at and is_active) end
       - (select count(*) from meeting_attendances a where a.meeting_id = m.id and a.answer <> 'invited') as no_answer,
       (select b.here from boards(array[m.id]) b) as here
  from meetings m
 where ends_at > :at and status in ('scheduled', 'active') order by starts_at, id limit 1
"""),
)
ASKING = Query(
    AskedFor,
    text("""
select id, title, request_count from meetings
 where request_count > 0 and ends_at > :at and status = 'scheduled' order by starts_at limit 5
"""),
)
LATELY = Query(
    Evening,
    text("""
select starts_at, attendee_count from meetings
 where ends_at <= :at and status in ('completed', 'active', 'scheduled')
   and attendance_record is distinct from 'not_recorded' order by starts_at desc limit 30
"""),
)


EVENING = "17:00"


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("", "today", today)


@admin
def today() -> ResponseReturnValue:
    """How the club stands now."""
    viewer_clock, at, currency = here_and_now(), clock.now(), current_app.config["SETTINGS"].currency
    numbers = NUMBERS.one(db.session(), currency=currency, **reporting_period())
    tonight = NEXT.one_or_none(db.session(), at=at)
    next_one = Board(tonight, viewer_clock, tonight.here) if tonight else None
    wants = _wants(at, numbers)
    lately = list(reversed(LATELY.all(db.session(), at=at)))
    return page(
        "admin/today.html",
        now=f"{day_long(viewer().now)}, {viewer().clock} {viewer().city}",
        judgement=_judgement(tonight, wants, viewer_clock),
        lede=_lede(tonight, viewer_clock),
        wants=wants,
        b=next_one,
        tonight=_tonight(tonight),
        tonight_title=tonight.title if tonight else "",
        when=_when(next_one),
        bars=[(row.attendee_count, day_medium(viewer_clock.here(row.starts_at))) for row in lately],
        people=[
            (f"{numbers.with_access:,}", "have access", "/admin/people?access=active"),
            *(
                []
                if is_free()
                else [(f"{numbers.ending:,}", "whose access ends or renews this month", "/admin/people?access=ending")]
            ),
            (f"{numbers.new_people:,}", "new this week", "/admin/people?access=new"),
            (
                f"{numbers.families:,}",
                ngettext(
                    "family, %(people)s people",
                    "families, %(people)s people",
                    numbers.families,
                    people=f"{numbers.in_families:,}",
                ),
                "/admin/families",
            ),
        ],
        money=[]
        if is_free()
        else [
            (money.shown(numbers.revenue, currency), f"{viewer().now:%B} so far, after refunds", "/admin/money"),
            (
                money.shown(numbers.refunded, currency),
                "refunded of this year’s payments",
                "/admin/people?access=refunded",
            ),
            (
                f"{numbers.pending:,}",
                ngettext("payment not finished", "payments not finished", numbers.pending),
                "/admin/people?access=unpaid",
            ),
            (f"{numbers.disputes:,}", ngettext("dispute", "disputes", numbers.disputes), "/admin/money#disputes"),
        ],
    )


def _wants(at: datetime, numbers: Numbers) -> list[tuple[str, str, str, str, str]]:
    wants = [
        ("quarter", "amber", _ask(row), f"/meetings/{row.id}/requests", "Answer them")
        for row in ASKING.all(db.session(), at=at)
    ]
    wants += [
        ("cross", "bad", _room_trouble(row), f"/meetings/{row.meeting_id}/room", "See to the room")
        for row in TROUBLED.all(db.session(), at=at)
    ]
    wants += [
        ("cross" if bad else "quarter", "bad" if bad else "amber", words, "/admin/operations", "Operations")
        for bad, words, _name in alarms(db.session(), current_app.config["SETTINGS"])
    ]
    if numbers.unknown:
        people = ngettext(
            "1 person in a room was not recognised", "%(num)s people in rooms were not recognised", numbers.unknown
        )
        wants.append(("quarter", "amber", people, "/admin/participants", "Say who they were"))
    if numbers.drifts and current_app.config["SETTINGS"].takes_cards:
        wants.append(("slash", "bad", _differences(numbers.drifts), "/admin/money#agree", "See the differences"))
    if numbers.disputes:
        wants.append(("slash", "bad", _disputes(numbers.disputes), "/admin/money#disputes", "See the disputes"))
    return wants


def _room_trouble(row: RoomRow) -> str:
    if row.provision_state == "ready":
        return f"The room of {row.title} could not be changed: {row.failure}"
    return f"{row.title} has no room: {row.failure}"


def things_want_a_look(count: int) -> str:
    """The heading over what is not as it should be."""
    return ngettext("One thing wants a look.", "%(count)s things want a look.", count, count=number(count).capitalize())


def _differences(count: int) -> str:
    return ngettext(
        "Stripe and the club differ on one subscription", "Stripe and the club differ on %(num)s subscriptions", count
    )


def _disputes(count: int) -> str:
    return ngettext("%(num)s payment is disputed by a bank", "%(num)s payments are disputed by a bank", count)


def _ask(row: AskedFor) -> str:
    return ngettext(
        "%(num)s person asks to join %(meeting)s",
        "%(num)s people ask to join %(meeting)s",
        row.request_count,
        meeting=row.title,
    )


def _judgement(tonight: Tonight | None, wants: Sequence[object], viewer_clock: Clock) -> str:
    if wants:
        return things_want_a_look(len(wants))
    if tonight is None:
        return "Nothing is planned."
    if phase_of(tonight, viewer_clock) == "live":
        return f"{tonight.title} is running well."
    return f"{tonight.title} is in good shape."


def _when(board: Board | None) -> str:
    """The heading of the next meeting: Now while it runs, Tonight or Today, else Tomorrow or its day."""
    if board is None:
        return "Next"
    if board.phase == "live":
        return "Now"
    return {"Today": "Tonight" if board.time >= EVENING else "Today"}.get(
        board.day_note, board.day_note or board.date_long
    )


def _lede(tonight: Tonight | None, viewer_clock: Clock) -> str:
    if tonight is None:
        return "No meeting is on the programme. Plan one, and it appears on everybody’s page."
    starts = viewer_clock.here(tonight.starts_at)
    if phase_of(tonight, viewer_clock) == "live":
        return ngettext(
            "%(meeting)s began at %(time)s. %(num)s person has said yes.",
            "%(meeting)s began at %(time)s. %(num)s people have said yes.",
            tonight.seats_taken,
            meeting=tonight.title,
            time=f"{starts:%H:%M}",
        )
    return ngettext(
        "%(num)s person has said yes to %(meeting)s, %(day)s at %(time)s.",
        "%(num)s people have said yes to %(meeting)s, %(day)s at %(time)s.",
        tonight.seats_taken,
        meeting=tonight.title,
        day=day_medium(starts),
        time=f"{starts:%H:%M}",
    )


def _tonight(row: Tonight | None) -> list[tuple[str, str, str]]:
    if row is None:
        return []
    places = f"said yes, of {row.max_attendees} places" if row.max_attendees else "said yes"
    url = f"/admin/meetings/{row.id}"
    return [
        (str(row.seats_taken), places, url),
        (str(row.said_no), "said no", url),
        (f"{max(0, row.no_answer):,}", "no answer yet", url),
        (str(row.waiting_count), "waiting", url),
    ]
