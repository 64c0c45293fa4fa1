"""Paying for a family that was handed over: from when, for how much, and for nobody it was not offered to."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.clock import at
from tests.support.cast import FAMILY
from tests.support.orders import refresh_projection
from tests.support.reading import words
from tests.support.waitlist import one

DAY = timedelta(days=1)
OFFER = "update family_plans set transfer_to = %s, transfer_proposed_at = now() where id = %s"
PAID_TO = "update orders set period_end = now() + make_interval(hours => %s) where user_id = %s"


@pytest.fixture
def offered(bank, sign_in, superuser, alice, bob, now):
    """`offered(hours)`: Alice's family is paid for so long, and Bob was asked to take it over; his browser."""

    def offer(hours=24 * 40):
        superuser.execute(PAID_TO, [hours, alice.id])
        refresh_projection(superuser, alice, now)
        superuser.execute(OFFER, [bob.id, FAMILY])
        return sign_in(bob)

    return offer


def payer(superuser):
    return one(superuser, "select primary_user_id from family_plans where id = %s", FAMILY)


@pytest.mark.parametrize("hours", [71, 1])
def test_a_paid_day_too_near_for_the_provider_to_wait_for_it_means_paying_today(bank, offered, superuser, bob, hours):
    bank.buy(offered(hours), "family", "monthly", transfer=str(FAMILY))
    assert payer(superuser) == bob.id and bank.world.ledger().total == {"usd": 2400}


def test_the_new_payer_pays_from_the_paid_day_on(bank, offered, superuser, bob, now):
    bank.buy(offered(24 * 40), "family", "monthly", transfer=str(FAMILY))
    assert payer(superuser) == bob.id and bank.world.ledger().total == {}
    begins = one(superuser, "select renews_at from subscriptions where user_id = %s", bob.id)
    assert abs(begins - now - 40 * DAY) < timedelta(minutes=5)
    assert one(
        superuser, "select access_until > %s from users where first_name = 'Alice'", begins - timedelta(minutes=1)
    )


def test_the_page_says_from_when_and_a_late_press_asks_for_the_same(bank, offered, superuser, bob):
    browser = offered(24 * 5)
    here = browser.submit("/plans/choose", plan="family", cycle="monthly", transfer=str(FAMILY)).location
    assert "You pay nothing today" in words(browser.get(here))
    bank.world.switch(api="lost_answer")
    browser.submit(f"{here}/pay")
    bank.world.switch(api="ok")
    with at(datetime.now(UTC) + timedelta(minutes=50)):
        superuser.execute("update sign_ins set seen_at = now()")
        assert browser.submit(f"{here}/pay").status_code == 303
    with bank.world.books() as books:
        assert len(books.rows("checkout.session")) == 1


def test_a_family_is_taken_over_with_a_family_plan_only(bank, offered, superuser, alice):
    answer = offered().submit("/plans/choose", plan="individual", cycle="monthly", transfer=str(FAMILY))
    assert answer.status_code == 409 and "Nothing was charged" in answer.text
    assert payer(superuser) == alice.id


def test_an_offer_taken_back_before_the_page_opens_is_no_page(bank, offered, superuser):
    browser = offered()
    here = browser.submit("/plans/choose", plan="family", cycle="monthly", transfer=str(FAMILY)).location
    superuser.execute("update family_plans set transfer_to = null, transfer_proposed_at = null")
    assert browser.submit(f"{here}/pay").status_code == 409


def test_an_offer_taken_back_while_it_is_paid_opens_the_club_to_nobody(bank, offered, superuser, bob, alice):
    """The free days until the paid date were for the family, and for who pays it."""
    browser = offered()
    _here, session = bank.choose(browser, "family", "monthly", transfer=str(FAMILY))
    superuser.execute("update family_plans set transfer_to = null, transfer_proposed_at = null")
    bank.world.pay(session)
    bank.tell()
    superuser.execute("select unseat(m, 'removed', now()) from family_memberships m where user_id = %s", [bob.id])
    assert payer(superuser) == alice.id and "No" in words(browser.get("/account/access"), "h1")
    assert one(superuser, "select status from subscriptions where user_id = %s", bob.id) == "canceled"


def test_who_handed_it_on_keeps_no_free_days_of_their_own(bank, offered, superuser, bob, charlie):
    bank.buy(offered(), "family", "monthly", transfer=str(FAMILY))
    with superuser.transaction():
        superuser.execute(
            "insert into family_memberships (plan_id, user_id, state, joined_at) values (%s, %s, 'active', now())",
            [FAMILY, charlie.id],
        )
        superuser.execute(OFFER, [charlie.id, FAMILY])
    superuser.execute("select take_over_family(%s, %s, now())", [FAMILY, charlie.id])
    superuser.execute("select refresh_projection(%s, now())", [bob.id])
    assert one(superuser, "select count(*) from entitlement_sources(%s) where source = 'own'", bob.id) == 0
