"""A plan that is paid for and does not open the door: every page says why, and leads to the one thing that mends it."""

from datetime import timedelta

import pytest

from portal.clock import at
from portal.families import jobs
from tests.support.member import DAY, FAILS_LATER, START, Member
from tests.support.orders import given, order, refresh_projection, subscription
from tests.support.reading import do, words
from tests.support.waitlist import one

ASKS_EVERY_TIME = "4000002760003184"
DISPUTED = "4000000000000259"


@pytest.fixture
def member(bank, sign_in, superuser, eve):
    """Eve, whose plan is about to go wrong."""
    return Member(bank, sign_in(eve), superuser, eve)


def banner(member):
    return words(member.browser.get("/meetings"), "section")


def test_a_failed_card_that_closed_the_door_leads_to_the_card(member):
    member.buys(card=FAILS_LATER)
    with member.on(38.5):
        assert "No, since" in member.sees("/account/access") and "See the plans" not in member.sees("/account/access")
        assert "with another card you get it back at once. Update my card" in banner(member)
        assert "Your plan, not paid" in member.sees("/plans") and "Update my card" in member.browser.get("/plans").text
        assert "you need a plan" not in member.browser.get("/meetings").text


def test_once_it_is_over_for_good_the_plans_are_shown_again(member):
    member.buys(card=FAILS_LATER)
    with member.on(60):
        assert "See the plans" in member.sees("/account/access") and "Update my card" not in member.sees("/plans")


def test_a_bank_that_wants_a_word_gets_it_on_the_bill(member):
    member.pays_with(ASKS_EVERY_TIME, confirm=True)
    with member.on(33):
        assert "wants you to confirm the payment of $12.00" in banner(member)
        for path in ("/plan", "/orders"):
            assert "Waiting for you" in member.sees(path) and "Finish the payment" in member.sees(path)
        number = one(member.superuser, "select order_number from orders where waits_for = 'confirmation'")
        bill = member.browser.submit(f"/orders/{number}/pay").location.rsplit("/", 1)[-1]
        member.pays_bill(bill, ASKS_EVERY_TIME)
        assert member.orders()[-1] == ("completed", 1200) and "Renews automatically" in member.sees("/plan")


def test_another_persons_bill_is_not_there(member, sign_in, bob):
    member.pays_with(ASKS_EVERY_TIME, confirm=True)
    stranger = sign_in(bob)
    with member.on(33):
        number = one(member.superuser, "select order_number from orders where waits_for = 'confirmation'")
        assert stranger.submit(f"/orders/{number}/pay").status_code == 404


def test_a_paid_bill_is_not_paid_again(member):
    member.buys()
    number = one(member.superuser, "select order_number from orders where user_id = %s", member.person.id)
    with at(START):
        assert member.browser.submit(f"/orders/{number}/pay").status_code == 404


def test_a_dispute_is_told_as_the_reason_everywhere(member):
    member.buys(card=DISPUTED)
    with member.on(2):
        assert "asked for the money back" in member.sees("/account/access") and "Does not count" in member.sees(
            "/account/access"
        )
        assert "Payment disputed" in member.sees("/plan") and "Renews automatically" not in member.sees("/plan")
        assert "Your plan, disputed" in member.sees("/plans")
        assert "What it paid for is closed until that is settled. See why" in banner(member)


def test_and_an_admin_reads_it_too(member, sign_in, dora):
    member.buys(card=DISPUTED)
    with member.on(2):
        assert "asked for the money back" in words(sign_in(dora).get(f"/admin/people/{member.person.id}/money"))


def test_whom_something_else_lets_in_sees_no_banner(member, superuser):
    member.buys(card=FAILS_LATER)
    given(superuser, member.person, START + 90 * DAY, START)
    with member.on(33):
        assert "Update my card" not in banner(member)
        assert "Update my card" in member.sees("/plan") and "Update my card" in member.sees("/plans")


def test_the_last_day_is_called_so(member):
    member.buys(card=FAILS_LATER)
    paid_until = one(member.superuser, "select subscription_expiry from users where id = %s", member.person.id)
    for before, said in ((timedelta(minutes=1), "Today is the last of 7 days."), (3 * DAY, "3 of 7 days left.")):
        with member.on((paid_until + 7 * DAY - before - START) / DAY):
            assert said in banner(member)


def test_a_familys_dispute_is_its_payers_to_mend(superuser, sign_in, alice, bob, now):
    superuser.execute("update orders set disputed_at = now(), dispute_state = 'open' where user_id = %s", [alice.id])
    refresh_projection(superuser, alice, now)
    page = sign_in(bob).get("/meetings")
    assert "The plan’s payment needs Alice’s attention." in words(page, "section") and "bank" not in words(
        page, "section"
    )


@pytest.mark.parametrize(("state", "kept"), [("open", True), ("lost", False)])
def test_a_family_stays_together_until_the_dispute_is_settled(superuser, worker_app, alice, now, state, kept):
    superuser.execute("update family_plans set created_at = now() - interval '30 days'")
    superuser.execute("update orders set disputed_at = now(), dispute_state = %s where user_id = %s", [state, alice.id])
    refresh_projection(superuser, alice, now)
    do(worker_app, jobs.end_lapsed, now + DAY)
    assert one(superuser, "select is_active from family_plans where primary_user_id = %s", alice.id) is kept


def test_what_a_lost_dispute_opened_ended_with_it(superuser, sign_in, eve, now):
    paid = (now - 5 * DAY, now + 25 * DAY)
    order(superuser, eve, paid, disputed_at=now - DAY, dispute_state="lost")
    subscription(superuser, eve, renews_at=now + 25 * DAY)
    said = words(sign_in(eve).get("/account/access"))
    assert "the bank took the money back." in said and "No, since" in said
    assert one(superuser, "select access_until from users where id = %s", eve.id) == now - timedelta(days=1)
