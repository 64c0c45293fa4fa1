"""What the database tells depends on who asks, and who asks is known for one transaction only."""

import pytest
from psycopg import errors

from portal.database import roles
from portal.problems import Problem
from tests.conftest import BECOME
from tests.support.cast import invite
from tests.support.waitlist import one


def test_a_view_shows_a_reader_no_more_than_the_tables(before, as_, alice, bob):
    """A view asks as its owner: through it every member read everybody's address."""
    before.execute("create view before.engagement as select email from users")
    before.execute("grant select on before.engagement to portal_member")
    before.execute("create view before.now with (security_invoker) as select email from users")
    before.execute("grant select on before.now to portal_member")
    before.execute(BECOME, {"role": "portal_member", "user_id": str(bob.id)})
    assert one(before, "select count(*) from before.engagement") == 5
    assert before.execute("select email from before.now").fetchall() == [(bob.email,)]


def test_the_admins_views_count_everybody(as_, superuser, supper, alice, bob, dora):
    superuser.execute(
        "insert into meeting_attendances (meeting_id, user_id, answer) values (%s, %s, 'accepted'),"
        " (%s, %s, 'invited')",
        [supper.id, alice.id, supper.id, bob.id],
    )
    with as_(dora) as db:
        assert one(db, "select invited_count from meeting_statistics") == 2
        assert one(db, "select count(*) from user_engagement") == 5


def test_a_member_counts_only_own_rows_and_reads_totals_from_the_meeting(as_, superuser, supper, alice, bob):
    for person in (alice, bob):
        superuser.execute(
            "insert into meeting_attendances (meeting_id, user_id, answer) values (%s, %s, 'accepted')",
            [supper.id, person.id],
        )
    with as_(alice) as db:
        assert one(db, "select count(*) from meeting_attendances") == 1
        assert one(db, "select seats_taken from meetings") == 2


@pytest.mark.parametrize("board", ["select title from boards(%s)", "select name from rosters(%s)"])
def test_the_board_of_a_private_meeting_is_for_the_invited(as_, superuser, secret, alice, charlie, board):
    invite(superuser, secret, alice)
    superuser.execute(
        "insert into presences (meeting_id, user_id, joined_at, device_type) values (%s, %s, now(), 'mobile')",
        [secret.id, alice.id],
    )
    shown = {}
    for person in (alice, charlie):
        with as_(person) as db:
            shown[person] = len(db.execute(board, [[secret.id]]).fetchall())
    assert shown == {alice: 1, charlie: 0}


@pytest.mark.parametrize("login", ["postgres", "portal_owner", "portal_backup"])
def test_the_portal_refuses_to_serve_as_somebody_who_could_look_past_the_policies(connect, login):
    """As owner or superuser every test is green and nothing is protected."""
    with pytest.raises(Problem, match=login):
        roles.refuse_bypass(connect(login))


def test_the_portal_refuses_a_login_that_can_become_such_a_one(connect):
    db = connect("postgres")
    db.execute("grant portal_definer to portal_worker; set session authorization portal_worker")
    with pytest.raises(Problem, match="portal_worker"):
        roles.refuse_bypass(db)
    db.rollback()


@pytest.mark.parametrize("login", ["portal_web", "portal_worker"])
def test_the_portal_serves_as_its_own_logins(connect, login):
    roles.refuse_bypass(connect(login))


def test_sign_in_finds_a_person_before_anybody_is_known(as_, superuser, alice):
    """Under row security the look-up by address found nobody, since nobody was asking."""
    superuser.execute("insert into credentials values (%s, 'argon2', now())", [alice.id])
    with as_(None) as db:
        assert db.execute("select * from auth.password_of('ALICE@club.example')").fetchone() == (
            alice.id,
            "argon2",
            False,
        )
    with as_(None) as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute("select email from users")


def test_a_browser_is_its_person_until_the_sign_in_ends(as_, superuser, alice, now):
    with as_(None) as db:
        db.execute("select auth.open_sign_in(%s, 'key', 'Firefox', '127.0.0.1')", [alice.id])
    with as_("login") as db:
        assert db.execute("select email from auth.whoami('key')").fetchone() == (alice.email,)
    with as_(alice) as db:
        assert db.execute("update sign_ins set ended_at = %s", [now]).rowcount == 1
    with as_("login") as db:
        assert db.execute("select email from auth.whoami('key')").fetchone() is None


def test_an_ended_sign_in_cannot_be_opened_again(as_, superuser, alice, now):
    with as_(None) as db:
        db.execute("select auth.open_sign_in(%s, 'key', 'Firefox', '127.0.0.1')", [alice.id])
    with as_(alice) as db:
        db.execute("update sign_ins set ended_at = %s", [now])
    with as_(alice) as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute("update sign_ins set ended_at = null")


# --- the identity ----------------------------------------------------------------------------------------------------

WHO = "select current_user, auth.uid()"


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_the_next_transaction_on_a_connection_is_nobody(connect, alice, end):
    """A setting of the session survived into the next request on a pooled connection."""
    db = connect("portal_web")
    db.execute(BECOME, {"role": "portal_member", "user_id": str(alice.id)})
    assert db.execute(WHO).fetchone() == ("portal_member", alice.id)
    getattr(db, end)()
    assert db.execute(WHO).fetchone() == ("portal_web", None)


def test_a_setting_of_the_session_would_leak(connect, alice):
    db = connect("portal_web")
    db.execute("select set_config('app.user_id', %s, false)", [str(alice.id)])
    db.commit()
    assert db.execute(WHO).fetchone() == ("portal_web", alice.id)


def test_the_members_function_really_holds_the_meetings_row(connect, alice, bob, supper, now):
    """`select … for update` under a policy for reading returned no row and locked nothing."""
    first, second = connect("portal_web"), connect("portal_web")
    for db, person in ((first, alice), (second, bob)):
        db.execute(BECOME, {"role": "portal_member", "user_id": str(person.id)})
    first.execute("select rsvp(%s, 'accepted')", [supper.id])
    second.execute("set local lock_timeout = '50ms'")
    with pytest.raises(errors.LockNotAvailable):
        second.execute("select rsvp(%s, 'accepted')", [supper.id])


def test_a_row_lock_under_a_reading_policy_would_lock_nothing(before, alice):
    before.execute("create table before.meetings (id int); insert into before.meetings values (1)")
    before.execute("alter table before.meetings enable row level security")
    before.execute("grant select, update on before.meetings to portal_member")
    before.execute("create policy everybody on before.meetings for select using (true)")
    before.execute(BECOME, {"role": "portal_member", "user_id": str(alice.id)})
    assert before.execute("select from before.meetings").rowcount == 1
    assert before.execute("select from before.meetings for update").rowcount == 0


def test_a_log_is_written_in_ones_own_name_and_changed_by_nobody(as_, alice, bob):
    write = "insert into system_logs (level, message, category, user_id) values ('info', 'Hi', 'user', %s)"
    with as_(alice) as db:
        db.execute(write, [alice.id])
    with as_(bob) as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute(write, [alice.id])
    with as_("worker") as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute("update system_logs set message = 'Bye'")
