"""What the database itself never lets happen to a family: six seats, one primary, and both tables of one mind."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import errors

from tests.conftest import BECOME
from tests.support.cast import FAMILY, crowd
from tests.support.waitlist import one

from .conftest import refused_by


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
        superuser.execute(
            "update users set family_plan_id = null, family_role = null, family_joined_at = null where id = %s",
            [bob.id],
        )
    with refused_by("check_membership_agrees"), superuser.transaction():
        superuser.execute(
            "update family_memberships set user_id = (select id from users where first_name = 'Eve')"
            " where user_id = %s",
            [bob.id],
        )


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
    [
        "update family_memberships set role = 'member' where role = 'primary'",
        "update family_memberships set state = 'left', ended_at = now() where role = 'primary'",
        "update family_plans set primary_user_id = (select id from users where first_name = 'Bob')",
        "insert into family_plans (primary_user_id) select id from users where first_name = 'Eve'",
    ],
)
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
    before.execute(
        "create policy family on before.users using (family_plan_id = "
        "(select family_plan_id from before.users where id = auth.uid()))"
    )
    before.execute(BECOME, {"role": "portal_member", "user_id": str(alice.id)})
    with pytest.raises(errors.InvalidObjectDefinition, match="infinite recursion"):
        before.execute("select from before.users")


def test_leaving_a_family_ends_what_it_gave_and_keeps_what_is_ones_own(as_, superuser, alice, bob, now):
    leave(superuser, bob)
    with as_("worker") as db:
        db.execute("select refresh_projection(%s, %s)", [bob.id, now])
    assert one(superuser, "select access_until from users where id = %s", bob.id) is None
    assert one(superuser, "select access_until from users where id = %s", alice.id) > now
