"""What the database itself never lets happen to a meeting: an hour that does not exist, or another instant than its wall clock shows."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from psycopg import errors

from tests.support.cast import invite, plan_meeting
from tests.support.line import one

from .conftest import refused_by


def instant(db, zone, day, wall):
    return one(db, "select local_instant(%s, %s, %s)", date.fromisoformat(day), time.fromisoformat(wall), zone)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "gap"),
    [
        ("Europe/Berlin", "2027-03-28", "02:30", "an hour in spring"),
        ("America/New_York", "2027-03-14", "02:00", "its first minute"),
        ("America/Santiago", "2026-09-06", "00:30", "midnight"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "half an hour"),
        ("Pacific/Apia", "2011-12-30", "21:00", "a whole day"),
    ],
)
def test_a_time_the_clocks_skip_is_refused(superuser, zone, day, wall, gap):
    """A date, a text and a zone were three truths; the skipped hour became some other one in silence."""
    with refused_by("check_meeting_time_exists"):
        plan_meeting(superuser, gap, timezone=zone, scheduled_date=date.fromisoformat(day), start_time=wall)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "first"),
    [
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30Z"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30Z"),
        ("Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-03T14:45Z"),
        ("America/Santiago", "2027-04-03", "23:30", "2027-04-04T02:30Z"),
    ],
)
def test_of_a_time_the_clocks_repeat_the_first_is_meant(superuser, zone, day, wall, first):
    meeting = plan_meeting(superuser, "Twice", timezone=zone, scheduled_date=date.fromisoformat(day), start_time=wall)
    assert meeting.starts_at == datetime.fromisoformat(first)


@pytest.mark.parametrize(
    "zone",
    ["Europe/Istanbul", "Europe/Dublin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
     "Pacific/Chatham"],
)
def test_every_other_time_is_the_instant_its_wall_clock_shows(superuser, zone):
    day, last = date(2026, 1, 1), date(2026, 12, 31)
    while day <= last:
        wall = datetime.combine(day, time(21, 0), ZoneInfo(zone))
        assert instant(superuser, zone, day.isoformat(), "21:00") == wall
        day += timedelta(days=6)


def test_nine_in_the_evening_stays_nine_across_the_change_of_clocks(superuser):
    days = [date(2027, 3, 27), date(2027, 3, 28)]
    saturday, sunday = (
        plan_meeting(superuser, "Nine", timezone="Europe/Berlin", scheduled_date=day).starts_at for day in days
    )
    assert sunday - saturday == timedelta(hours=23)


def test_nobody_writes_an_instant_that_differs_from_the_wall_clock(superuser, supper):
    superuser.execute("update meetings set starts_at = now(), ends_at = now()")
    assert one(superuser, "select starts_at from meetings") == supper.starts_at
    superuser.execute("update meetings set duration = 90")
    assert one(superuser, "select ends_at - starts_at from meetings") == timedelta(minutes=90)


@pytest.mark.parametrize("minutes", [0, 481])
def test_a_meeting_lasts_one_minute_to_eight_hours(superuser, minutes):
    with refused_by("check_meeting_duration"):
        plan_meeting(superuser, "Long", duration=minutes)


def test_archived_is_a_state_and_knows_since_when(superuser, supper, now):
    """The yearly task wrote a word the list of states did not have."""
    with refused_by("check_archived"):
        superuser.execute("update meetings set status = 'archived'")
    superuser.execute("update meetings set status = 'archived', archived_at = %s, archived_from = 'completed'", [now])
    with pytest.raises(errors.CheckViolation):
        superuser.execute("update meetings set status = 'archivd'")


def test_a_meeting_is_called_off_with_a_reason(superuser, supper):
    with refused_by("check_cancelled_why"):
        superuser.execute("update meetings set status = 'cancelled'")


def test_a_person_is_invited_to_a_meeting_once(superuser, alice, supper):
    invite(superuser, supper, alice)
    with refused_by("uq_meeting_attendances_meeting_id"):
        invite(superuser, supper, alice)


def test_where_an_attendance_came_from_is_noted_and_stays(superuser, alice, supper):
    invite(superuser, supper, alice)
    superuser.execute("update users set email = 'alice@elsewhere.example' where id = %s", [alice.id])
    assert one(superuser, "select email_domain from meeting_attendances") == "club.example"
