"""A plan begins when it is paid for, however it is first heard of; what begins with it is made once, and made good later."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.billing import jobs
from portal.clock import at
from tests.support.families import seat, unseat
from tests.support.reading import do, words
from tests.support.waitlist import one

ASKS = "4000002500003155"
DAY = timedelta(days=1)


def standing(superuser, person):
    """The state of somebody's checkout, subscription and family."""
    return superuser.execute(
        "select (select state from checkouts c where c.user_id = u.id order by created_at desc limit 1),"
        " (select s.status from subscriptions s where s.user_id = u.id), u.family_role from users u where u.id = %s",
        [person.id],
    ).fetchone()


def changed(browser, path):
    """A change of plan for the amount its page says."""
    page = browser.get(path).text
    fields = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("at", "minor")}
    return browser.submit(path, **fields)


def test_a_bank_that_takes_its_time_holds_up_the_family_and_makes_it_in_the_end(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    here, session = bank.choose(browser, "family", "monthly")
    bank.world.pay(session, ASKS)
    bank.tell()
    assert standing(superuser, eve) == ("open", "incomplete", None)
    assert "Finish the payment" in words(browser.get("/orders")) and "No" in words(browser.get("/account/access"), "h1")
    bank.world.pay(session, ASKS, confirm=True)
    bank.tell()
    assert standing(superuser, eve) == ("paid", "active", "primary")
    assert "You are in." in words(browser.get(f"{here}?back=1"))


def test_a_plan_first_seen_before_its_payment_asks_the_provider_no_more_a_day_later(
    bank, sign_in, superuser, worker_app, eve
):
    _here, session = bank.choose(sign_in(eve))
    bank.world.pay(session, ASKS)
    bank.tell()
    bank.world.pay(session, ASKS, confirm=True)
    bank.tell()
    superuser.execute("delete from procrastinate_jobs")
    do(worker_app, jobs.expire_checkouts, datetime.now(UTC) + 2 * DAY)
    assert one(superuser, "select count(*) from procrastinate_jobs where task_name = 'billing.refetch'") == 0


def test_another_card_after_a_refused_word_pays_for_the_same_plan(bank, sign_in, superuser, eve):
    _here, session = bank.choose(sign_in(eve), "family")
    bank.world.pay(session, ASKS, confirm=False)
    bank.tell()
    bank.world.pay(session)
    bank.tell()
    assert standing(superuser, eve) == ("paid", "active", "primary")
    assert bank.world.ledger().total == {"usd": 2400}
    assert superuser.execute("select status, amount_minor from orders where user_id = %s", [eve.id]).fetchall() == [
        ("completed", 2400)
    ]


def test_who_never_answers_the_bank_has_ordered_nothing(bank, sign_in, superuser, eve):
    _here, session = bank.choose(sign_in(eve))
    bank.world.pay(session, ASKS)
    bank.tell()
    with at(datetime.now(UTC) + 1.1 * DAY):
        bank.tell()
    assert standing(superuser, eve) == ("expired", "incomplete_expired", None)
    assert superuser.execute("select status from orders where user_id = %s", [eve.id]).fetchall() == [("failed",)]


def test_from_individual_to_family_there_is_a_family(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    bank.buy(browser)
    changed(browser, "/plan/change/family/monthly")
    bank.tell()
    assert standing(superuser, eve) == ("paid", "active", "primary")
    assert "One person is in" in words(browser.get("/family"))


def test_who_is_in_anothers_family_when_the_payment_comes_has_their_own_once_they_left(
    bank, sign_in, superuser, worker_app, eve
):
    seat(superuser, eve)
    bank.buy(sign_in(eve), "family")
    assert standing(superuser, eve) == ("paid", "active", "member")
    unseat(superuser, eve)
    do(worker_app, jobs.begin_families)
    bank.work()
    assert standing(superuser, eve) == ("paid", "active", "primary")


def test_a_family_that_was_never_made_is_made_good_once(bank, sign_in, superuser, worker_app, eve):
    bank.buy(sign_in(eve), "family")
    with superuser.transaction():
        superuser.execute("delete from family_memberships where user_id = %s", [eve.id])
        superuser.execute("delete from family_plans where primary_user_id = %s", [eve.id])
    for _ in range(2):
        do(worker_app, jobs.begin_families)
    bank.work()
    assert standing(superuser, eve)[2] == "primary"
    assert one(superuser, "select count(*) from family_plans where primary_user_id = %s", eve.id) == 1


@pytest.mark.parametrize("plan", ["individual", "family"])
def test_no_family_is_made_for_one_who_pays_alone_or_lets_it_end(bank, sign_in, superuser, worker_app, eve, plan):
    browser = sign_in(eve)
    bank.buy(browser, plan)
    browser.submit("/plan/end")
    bank.tell()
    superuser.execute("select close_family(id, now()) from family_plans where primary_user_id = %s", [eve.id])
    superuser.execute("delete from procrastinate_jobs")
    do(worker_app, jobs.begin_families)
    assert one(superuser, "select count(*) from procrastinate_jobs where task_name = 'families.paid'") == 0


def test_a_status_nobody_here_knows_is_left_aside_and_noted(bank, sign_in, superuser, eve):
    _here, session = bank.choose(sign_in(eve))
    bank.world.pay(session)
    _says(bank, "dormant")
    bank.tell()
    assert standing(superuser, eve)[1] is None
    assert one(superuser, "select max(level) from system_logs where operation = 'subscription.unknown'") == "error"
    outcomes = {
        what for (what,) in superuser.execute("select outcome from provider_events where customer_id is not null")
    }
    assert any("an unknown status dormant was left aside" in what for what in outcomes)


def test_a_known_plan_keeps_its_last_word_when_the_next_is_unknown(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    bank.buy(browser)
    _says(bank, "dormant")
    browser.submit("/plan/end")
    bank.work()
    assert standing(superuser, eve)[1] == "active" and words(browser.get("/account/access"), "h1").startswith("Yes")


def _says(bank, status):
    """The provider has a new word for how a subscription stands."""
    with bank.world.books() as books:
        (subscription,) = books.rows("subscription")
        books.change(subscription, status=status)
