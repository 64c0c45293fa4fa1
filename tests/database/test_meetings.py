"""What the database itself never lets happen to a meeting: an end that is not its duration, a state it does not know."""

from datetime import date, timedelta

import pytest
from psycopg import errors

from tests.support.cast import invite, plan_meeting
from tests.support.waitlist import one

from .conftest import refused_by


def test_nine_in_the_evening_stays_nine_across_the_change_of_clocks(superuser):
    days = [date(2027, 3, 27), date(2027, 3, 28)]
    saturday, sunday = (
        plan_meeting(superuser, "Nine", timezone="Europe/Berlin", scheduled_date=day).starts_at for day in days
    )
    assert sunday - saturday == timedelta(hours=23)


@pytest.mark.parametrize("hours", [-19, 19])
def test_an_instant_that_no_clock_on_earth_shows_so_is_refused(superuser, supper, hours):
    """Which one it is in a zone, the portal says; the database knows that none is 16 hours from UTC."""
    with refused_by("check_start_near_wall_time"):
        superuser.execute("update meetings set starts_at = starts_at + make_interval(hours => %s)", [hours])


def test_a_meeting_ends_when_its_minutes_are_over_whoever_writes_it(superuser, supper):
    superuser.execute("update meetings set ends_at = now()")
    assert one(superuser, "select ends_at from meetings") == supper.ends_at
    superuser.execute("update meetings set duration = 90")
    assert one(superuser, "select ends_at - starts_at from meetings") == timedelta(minutes=90)
    superuser.execute("update meetings set starts_at = starts_at - interval '1 hour'")
    assert one(superuser, "select ends_at from meetings") == supper.starts_at + timedelta(minutes=30)


@pytest.mark.parametrize("minutes", [0, 481])
def test_a_meeting_lasts_one_minute_to_eight_hours(superuser, minutes):
    with refused_by("check_meeting_duration"):
        plan_meeting(superuser, "Long", duration=minutes)


def test_archived_is_a_state_and_knows_since_when(superuser, supper, now):
    """The yearly task wrote a word the list of states did not have."""
    with refused_by("check_archived"):
        superuser.execute("update meetings set status = 'archived'")
    archive = "update meetings set status = 'archived', archived_at = %s, archived_from = 'completed'"
    with refused_by("check_archived_address"):
        superuser.execute(archive, [now])
    superuser.execute(f"{archive}, meeting_link = null, provision_state = 'gone'", [now])
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
