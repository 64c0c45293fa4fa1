"""Life in the demo: people come and go, and the programme never runs out."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.meetings.series import AHEAD_DAYS
from portal.sandbox import jobs
from portal.sandbox.people import PEOPLE
from tests.support.cast import plan_meeting
from tests.support.reading import do

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def running(village):
    """A meeting that began a moment ago, with places for all."""
    now = datetime.now(UTC) - MINUTE
    return plan_meeting(
        village.postgres,
        "Open floor",
        scheduled_date=now.date(),
        timezone="UTC",
        max_attendees=None,
        start_time=now.time().replace(second=0, microsecond=0),
    )


def ahead(village, moment):
    """How many days of the next five weeks have a meeting."""
    return village.one(
        "select count(distinct scheduled_date) from meetings"
        " where scheduled_date > %s::date and scheduled_date <= %s::date + 35",
        moment,
        moment,
    )


def test_somebody_comes(village, running):
    do(village.worker, jobs.stroll)
    assert village.one("select attendee_count from meetings") == 1
    assert village.one("select operation from system_logs") == "meeting.joined"


def test_people_come_and_go(village, running):
    for minute in range(60):
        do(village.worker, jobs.stroll, running.starts_at + minute * MINUTE)
    assert village.one("select count(*) from presences") > 20
    assert village.one("select count(*) from presences where left_at is not null") > 0


def test_the_sign_ins_of_visitors_are_left_to_them(village, running):
    village.postgres.execute(
        "update users set access_until = null where email <> all (%s)", [[p[2] for p in PEOPLE[:3]]]
    )
    do(village.worker, jobs.stroll)
    assert village.one("select count(*) from presences") == 0


def test_nobody_strolls_when_nothing_is_on(village):
    do(village.worker, jobs.stroll)
    assert village.one("select count(*) from meeting_attendances") == 0


def test_a_closed_door_is_no_accident(village, running):
    village.postgres.execute("update meetings set requires_approval = true")
    do(village.worker, jobs.stroll)
    assert village.one("select count(*) from meeting_attendances") == 0


def test_a_meeting_is_always_on(village):
    now = datetime.now(UTC)
    do(village.worker, jobs.keep_going, now)
    on = village.rows(
        "select title, seats_taken, attendee_count from meetings where starts_at <= %s and ends_at > %s", now, now
    )
    assert len(on) == 1 and on[0][0] == "Open hour" and on[0][1] >= on[0][2] > 0
    do(village.worker, jobs.keep_going, now + 5 * MINUTE)
    assert village.one("select count(*) from meetings where title = 'Open hour' and starts_at <= %s", now) == 1


def test_what_stood_in_leaves_no_trace_when_another_does(village):
    now = datetime.now(UTC)
    for hours in range(4):
        do(village.worker, jobs.keep_going, now + hours * 60 * MINUTE)
    assert village.one("select count(*) from meetings where title = 'Open hour'") == 1


def test_the_programme_reaches_five_weeks_ahead(village, programme):
    now = datetime.now(UTC)
    for _ in range(2):
        do(village.worker, jobs.keep_going, now)
    today = village.one("select (%s at time zone 'Europe/Istanbul')::date", now)
    assert ahead(village, today) == AHEAD_DAYS
    assert village.one("select max(scheduled_date) - %s from meetings", today) == AHEAD_DAYS


@pytest.mark.parametrize("days", [1, 10, 50])
def test_however_long_it_was_asleep(village, programme, days):
    now = datetime.now(UTC)
    do(village.worker, jobs.keep_going, now)
    do(village.worker, jobs.keep_going, now + days * DAY)
    today = village.one("select (%s at time zone 'Europe/Istanbul')::date", now + days * DAY)
    assert ahead(village, today) == AHEAD_DAYS
    assert village.one("select max(scheduled_date) - %s from meetings", today) == AHEAD_DAYS


def test_a_meeting_somebody_planned_for_next_year_stops_nothing(village, programme):
    now = datetime.now(UTC)
    plan_meeting(village.postgres, "Jubilee", scheduled_date=now.date() + 300 * DAY)
    do(village.worker, jobs.keep_going, now)
    today = village.one("select (%s at time zone 'Europe/Istanbul')::date", now)
    assert ahead(village, today) == AHEAD_DAYS


def test_a_server_without_the_club_is_left_alone(village):
    village.postgres.execute("update users set email = 'real-' || email")
    do(village.worker, jobs.keep_going)
    assert village.one("select count(*) from meetings") == 0
