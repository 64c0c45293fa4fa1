"""What is decided by time is decided by the club's clock in the database: no browser says what time it is, or moves it."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from portal import clock
from portal.database import db
from portal.database.identity import ANONYMOUS, act_as
from portal.sandbox import hours
from tests.support.waitlist import one

HOUR = timedelta(hours=1)

# Moments that are not a claim of what time it is: a last day that is given or paid for, the day money came, when Stripe or Zoom
# made an event, how far
# back an admin looks.
SAID = {
    "give_access": "until",
    "cut_order": "until",
    "mark_order_paid": "came",
    "note_provider_event": "created",
    "note_room_event": "created",
    "mail_status": "since",
    "undo_removal": "since",  # the day began: never more than 25 hours ago, whoever says so
}
FOR_BROWSERS = """
select p.proname, array_remove(p.proargnames[:p.pronargs], null)
  from pg_proc p
 where p.pronamespace in ('public'::regnamespace, 'auth'::regnamespace) and p.prosecdef and 'timestamptz'::regtype = any (p.proargtypes)
   and exists (select from unnest(array['portal_web', 'portal_anonymous', 'portal_member', 'portal_admin']) browser
                where has_function_privilege(browser, p.oid, 'execute'))
"""


def test_no_function_for_browsers_is_told_what_time_it_is(backstage):
    """`rsvp(…, at => 'yesterday')` answered after the end."""
    asked = backstage.execute(FOR_BROWSERS).fetchall()
    assert {
        name: [arg for arg in arguments if arg in ("at", "until", "created", "since", "came")]
        for name, arguments in asked
    } == {name: [argument] for name, argument in SAID.items()}


def test_time_is_the_real_one_and_stands_still_in_a_transaction(superuser, as_, alice):
    with as_(alice) as connection:
        first = one(connection, "select club_now() from pg_sleep(0.01)")
        assert one(connection, "select club_now()") == first
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_test_that_sets_the_portals_clock_sets_the_databases(superuser):
    then = datetime(2027, 1, 1, tzinfo=UTC)
    with clock.at(then):
        with clock.at(then + HOUR):
            assert one(superuser, "select club_now()") == then + HOUR
        assert one(superuser, "select club_now()") == then
    assert one(superuser, "select stands_at from club_clock") is None


@pytest.mark.parametrize("who", ["nobody", "charlie", "dora"])
def test_nobody_who_answers_browsers_moves_it(as_, request, superuser, people, who):
    person = None if who == "nobody" else request.getfixturevalue(who)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(person) as connection:
        connection.execute("update club_clock set ahead = '1 day'")
    with as_(person) as connection:
        assert one(connection, "select move_club_clock('1 day')") is False
    assert one(superuser, "select ahead from club_clock") == timedelta(0)


@pytest.fixture
def demo(app, superuser, tmp_path):
    """A demo, by its owner's word; its clock is kept in a file."""
    superuser.execute("update club_clock set is_sandbox = true")
    clock.follow(tmp_path / "clock")
    with app.app_context():
        act_as(db.session(), ANONYMOUS)
        yield db.session
    clock.follow(None)


def test_in_the_demo_time_passes_for_the_portal_and_the_database(demo, superuser):
    for ahead in (HOUR, 2 * HOUR):
        hours.move(demo(), HOUR)
        demo.commit()
        assert clock.ahead() == one(superuser, "select ahead from club_clock") == ahead


def test_and_never_goes_back(demo, superuser):
    hours.move(demo(), HOUR)
    assert demo.scalar(hours.MOVE, {"ahead": timedelta(0)}) is False
    demo.commit()
    assert one(superuser, "select ahead from club_clock") == HOUR


def test_planting_says_that_it_is_a_demos_and_lets_its_clock_stand_where_the_portals_does(database, superuser, app):
    then = datetime(2026, 1, 1, tzinfo=UTC)
    with hours.set_by(app.config["SETTINGS"]), clock.at(then):
        assert superuser.execute("select is_sandbox, club_now() from club_clock").fetchone() == (True, then)
    assert one(superuser, "select stands_at from club_clock") is None


@pytest.mark.parametrize("said", ["2001-01-01", "2101-01-01"])
def test_a_row_of_the_log_is_of_this_moment_whatever_the_caller_says(as_, superuser, charlie, said):
    row = "insert into system_logs (level, message, category, user_id, timestamp) values ('info', 'x', 'user', %s, %s)"
    with as_(charlie) as connection:
        connection.execute(row, [charlie.id, said])
    assert abs(one(superuser, "select timestamp from system_logs") - datetime.now(UTC)) < timedelta(minutes=11)
