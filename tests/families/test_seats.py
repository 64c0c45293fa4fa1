"""Starting a family and taking a seat in it: one payer, as many as there are seats, one date."""

from datetime import timedelta

import pytest

from portal import clock
from portal.families import actions
from portal.families.refusals import InAFamily
from tests.support.families import seat
from tests.support.orders import order, refunded
from tests.support.reading import one

YEAR = timedelta(days=365)


def until(postgres, person):
    return one(postgres, "select access_until from users where id = %s", person.id)


def test_a_family_begins_with_its_payer(hand, superuser, charlie):
    with hand() as session:
        plan = actions.start(session, charlie.id, "Casa Bianchi", seats=3)
    row = superuser.execute(
        "select primary_user_id, plan_name, max_members, current_members from family_plans where id = %s", [plan]
    )
    assert row.fetchone() == (charlie.id, "Casa Bianchi", 3, 1)
    assert one(superuser, "select family_role from users where id = %s", charlie.id) == "primary"


def test_a_seat_comes_with_the_plans_date(superuser, alice, eve):
    seat(superuser, eve)
    assert until(superuser, eve) == until(superuser, alice) is not None
    assert one(superuser, "select current_members from family_plans") == 3


def test_who_is_in_a_family_starts_none(hand, superuser, bob):
    with pytest.raises(InAFamily), hand() as session:
        actions.start(session, bob.id, "Mine")
    assert one(superuser, "select count(*) from family_plans") == 1


def test_one_payment_moves_everybodys_date(hand, superuser, alice, bob, eve):
    seat(superuser, eve)
    period = (clock.now() + YEAR, clock.now() + 2 * YEAR)
    order(superuser, alice, period, "family", at=clock.now())
    assert {until(superuser, person) for person in (alice, bob, eve)} == {period[1]}
    assert one(superuser, "select subscription_expiry from family_plans") == period[1]


def test_the_payers_money_back_takes_everybodys_date_back(hand, superuser, alice, bob):
    refunded(superuser, one(superuser, "select id from orders"), clock.now())
    assert until(superuser, alice) is None and until(superuser, bob) is None
    assert one(superuser, "select subscription_expiry from family_plans") is None


def test_who_is_covered_twice_keeps_the_later_date(superuser, alice, charlie):
    superuser.execute("update access_grants set ends_at = %s where user_id = %s", [clock.now() + 2 * YEAR, charlie.id])
    seat(superuser, charlie)
    assert until(superuser, charlie) > until(superuser, alice)
