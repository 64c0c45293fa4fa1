"""How far one comes without paying: the free days, the day a first charge has to come through, and what a paid order covers."""

import pytest

from portal.billing import jobs
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations.check import findings
from tests.support.cast import FAMILY
from tests.support.families import seat
from tests.support.member import DAY, FAILS_LATER, START, Member
from tests.support.orders import given, order, refresh_projection, refunded, subscription
from tests.support.reading import do, words
from tests.support.waitlist import one

OFFER = "update family_plans set transfer_to = %s, transfer_proposed_at = now() where id = %s"
ASKS_EVERY_TIME = "4000002760003184"
MONTH = (START, START + 30 * DAY)
PROMISE = "Nobody who pays has more time unpaid than the free days, or than a paid order covered"


@pytest.fixture
def newcomer(bank, sign_in, superuser, eve):
    """Eve, who signed up just now and has seven days."""
    given(superuser, eve, START + 7 * DAY, START, "welcome")
    return Member(bank, sign_in(eve), superuser, eve)


def hands_over(bank, sign_in, superuser, to):
    """Whoever pays Alice's family asks somebody of it to take it over, and they do; what has been charged in all."""
    superuser.execute(OFFER, [to.id, FAMILY])
    bank.buy(sign_in(to), "family", "monthly", transfer=str(FAMILY))
    assert one(superuser, "select primary_user_id from family_plans where id = %s", FAMILY) == to.id
    return bank.world.ledger().total.get("usd", 0)


def broken(worker_app):
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        return {found.promise: found.broken for found in findings(db.session(), at_rest=True)}[PROMISE]


# --- a family in other hands -----------------------------------------------------------------------------------------


def test_a_family_nobody_paid_for_is_handed_over_for_money_however_often(bank, sign_in, superuser, alice, bob):
    """Alice's plan is in her free days; Bob takes it over, and she takes it back."""
    superuser.execute("delete from orders")
    given(superuser, alice, START + 7 * DAY, START, "welcome")
    subscription(superuser, alice, "family", status="trialing", free_until=START + 7 * DAY, ends_at=START + 7 * DAY)
    assert hands_over(bank, sign_in, superuser, bob) == 2400
    superuser.execute(
        "update subscriptions set status = 'canceled', ended_at = now(), ended_by = 'choice', ends_at = null"
        " where user_id = %s",
        [alice.id],
    )
    superuser.execute("update orders set period_end = period_start + interval '1 hour' where user_id = %s", [bob.id])
    assert hands_over(bank, sign_in, superuser, alice) == 4800


def test_free_days_of_ones_own_make_no_handed_over_family_free(bank, sign_in, superuser, alice, bob):
    superuser.execute("delete from orders")
    given(superuser, bob, START + 7 * DAY, START, "welcome")
    assert hands_over(bank, sign_in, superuser, bob) == 2400


def test_a_paid_family_is_free_to_the_paid_day_through_every_hand(bank, sign_in, superuser, alice, bob, eve):
    seat(superuser, eve)
    paid_to = one(superuser, "select period_end from orders where user_id = %s", alice.id)
    for person in (bob, eve):
        assert hands_over(bank, sign_in, superuser, person) == 0
        assert (
            abs(one(superuser, "select free_until from subscriptions where user_id = %s", person.id) - paid_to)
            < DAY / 86400
        )
    assert one(superuser, "select subscription_expiry from family_plans") <= paid_to


def test_what_is_free_by_an_order_ends_when_the_order_is_given_back(bank, sign_in, superuser, alice, bob):
    hands_over(bank, sign_in, superuser, bob)
    refunded(
        superuser, one(superuser, "select id from orders where user_id = %s and status = 'completed'", alice.id), START
    )
    refresh_projection(superuser, bob, START)
    assert one(superuser, "select subscription_expiry from family_plans") is None


def test_one_paid_order_carries_one_family(bank, sign_in, superuser, alice, bob):
    """Alice paid; Bob has her family. What she paid opens the club to her, and to no second family of hers."""
    hands_over(bank, sign_in, superuser, bob)
    refresh_projection(superuser, alice, START)
    own = superuser.execute(
        "select subscription_type from entitlement_sources(%s) where source = 'own'", [alice.id]
    ).fetchall()
    assert own == [("individual",)]


def test_the_database_counts_nothing_that_no_order_covers(superuser, bob):
    superuser.execute(OFFER, [bob.id, FAMILY])
    superuser.execute("select take_over_family(%s, %s, now())", [FAMILY, bob.id])
    subscription(superuser, bob, "family", status="trialing", free_until=MONTH[1], transfer_plan_id=FAMILY)
    assert one(superuser, "select count(*) from entitlement_sources(%s) where source = 'own'", bob.id) == 0


def test_the_check_counts_who_has_more_than_that(superuser, worker_app, newcomer, bob):
    newcomer.buys()
    assert broken(worker_app) == 0
    subscription(superuser, bob, "family", status="trialing", free_until=MONTH[1], transfer_plan_id=FAMILY)
    assert broken(worker_app) == 1


# --- the first charge ------------------------------------------------------------------------------------------------


def test_until_the_first_charge_is_through_everything_stays_open_without_a_word(newcomer):
    newcomer.buys()
    with newcomer.on(7.02):
        assert newcomer.orders() == [("pending", 1200)] and newcomer.entitled
        assert 'class="banner' not in newcomer.browser.get("/meetings").text


def test_when_the_bank_says_no_to_it_access_ends_at_once_and_the_mail_leads_to_the_card(newcomer, mails, worker_app):
    newcomer.buys(card=FAILS_LATER)
    with newcomer.on(7.1):
        assert not newcomer.entitled
        for _hour in range(2):
            do(worker_app, jobs.remind, START + 7.1 * DAY)
            newcomer.bank.work()
        (mail,) = [mail for mail in mails(newcomer.person.email) if "payment" in mail["subject"]]
        assert (
            mail["subject"] == "Your payment did not go through, and your plan has stopped" and "/plan" in mail["text"]
        )
        assert "with another card you get it back at once" in words(newcomer.browser.get("/account/access"), "body")


def test_another_card_opens_it_again(newcomer):
    newcomer.buys(card=FAILS_LATER)
    with newcomer.on(7.1):
        bill = one(newcomer.superuser, "select provider_invoice_id from orders where user_id = %s", newcomer.person.id)
        newcomer.pays_bill(bill, "4242424242424242")
        assert newcomer.entitled


def test_a_bank_that_asks_for_a_step_has_a_day(newcomer):
    newcomer.pays_with(ASKS_EVERY_TIME, True)
    with newcomer.on(7.1):
        assert newcomer.entitled
    with newcomer.on(8.1):
        assert not newcomer.entitled


def test_grace_follows_a_payment_that_was_made(superuser, eve):
    subscription(superuser, eve, free_until=MONTH[1], provider_subscription_id="sub_eve")
    assert one(superuser, "select access_until from users where id = %s", eve.id) == MONTH[1] + DAY
    order(superuser, eve, MONTH, provider_subscription_id="sub_eve")
    assert one(superuser, "select access_until from users where id = %s", eve.id) == MONTH[1] + 7 * DAY


def test_a_time_paid_from_credit_has_its_grace(superuser, eve):
    subscription(superuser, eve, credit_until=MONTH[1])
    assert one(superuser, "select access_until from users where id = %s", eve.id) == MONTH[1] + 7 * DAY
