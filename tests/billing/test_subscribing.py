"""From a choice to a paid plan, and all the ways it goes otherwise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal.billing import provider
from portal.clock import at
from tests.support.reading import link, words
from tests.support.waitlist import one


def access(superuser, person):
    columns = "subscription_status, subscription_type, access_until > now() + interval '20 days'"
    return superuser.execute(f"select {columns} from users where id = %s", [person.id]).fetchone()


def orders(superuser, person):
    found = superuser.execute(
        "select status, amount_minor from orders where user_id = %s order by created_at", [person.id]
    )
    return found.fetchall()


def test_a_member_chooses_pays_and_is_in(bank, sign_in, superuser, eve, mails):
    browser = sign_in(eve)
    here, outcome = bank.buy(browser)
    assert outcome == "complete"
    assert "You are in." in words(browser.get(f"{here}?back=1"))
    assert orders(superuser, eve) == [("completed", 1200)]
    assert access(superuser, eve) == ("active", "individual", True)
    assert "Paid: $12.00" in mails(eve.email)[0]["text"]


def test_the_amount_stands_on_the_page_before_anything_is_asked_of_the_provider(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    here = browser.submit("/plans/choose", plan="family", cycle="yearly").location
    assert "You pay $240.00 today and then each year" in words(browser.get(here))
    assert orders(superuser, eve) == [("pending", 24000)] and access(superuser, eve)[0] == "pending"


def test_a_club_may_take_promotion_codes_and_have_tax_worked_out(bank, app, sign_in, eve, monkeypatch):
    wanted = replace(app.config["SETTINGS"], stripe_promotion_codes=True, stripe_tax=True)
    monkeypatch.setitem(app.config, "SETTINGS", wanted)
    browser = sign_in(eve)
    here, session = bank.choose(browser)
    assert "Tax may be added there." in words(browser.get(here))
    with app.app_context():
        assert provider.client().v1.checkout.sessions.retrieve(session).allow_promotion_codes is True


def test_tax_is_spoken_of_only_where_it_is_included(app, client, monkeypatch):
    assert "Tax" not in words(client.get("/plans"))
    monkeypatch.setitem(app.jinja_env.globals["club"], "tax_included", True)
    assert "Tax included." in words(client.get("/plans"))


def test_a_plan_that_was_chosen_before_signing_up_waits_to_be_gone_on_with(sign_in, client, eve):
    chose = "You chose Family, $240.00 a year."
    assert chose in words(sign_in(eve).get("/plans?plan=family-yearly"))
    assert "You chose Individual, $12.00 a month." in words(sign_in(eve).get("/plans?plan=individual-monthly"))
    assert "You chose" not in words(client.get("/plans?plan=family-yearly")), "a visitor signs up first"


def test_a_subscriber_finds_the_way_to_every_other_plan(bank, sign_in, eve):
    browser = sign_in(eve)
    bank.buy(browser)
    page = browser.get("/plans")
    for label, way in (
        ("Pay yearly instead", "individual/yearly"),
        ("Change to Family, monthly", "family/monthly"),
        ("Change to Family, yearly", "family/yearly"),
    ):
        assert link(page, label) == f"/plan/change/{way}" and browser.get(f"/plan/change/{way}").status_code == 200


def test_a_checkout_somebody_left_is_no_failure(bank, sign_in, eve):
    browser = sign_in(eve)
    for plan in ("individual", "family"):
        browser.submit("/plans/choose", plan=plan, cycle="monthly")
    said = words(browser.get("/orders"))
    assert "Not finished $12.00" in said and "Failed" not in said


@pytest.mark.parametrize("plan", ["gold-yearly", "family", "family-daily", "", "-"])
def test_a_plan_there_is_none_of_is_not_offered(sign_in, eve, plan):
    assert "You chose" not in words(sign_in(eve).get(f"/plans?plan={plan}"))


def test_no_form_says_what_it_costs(bank, sign_in, superuser, eve):
    own = {"amount": "1", "amount_minor": "1", "minor": "1", "price": "0.01", "currency": "TRY"}
    sign_in(eve).submit("/plans/choose", plan="family", cycle="yearly", **own)
    assert orders(superuser, eve) == [("pending", 24000)] and one(superuser, "select currency from orders") == "USD"


def test_coming_back_is_not_having_paid(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    here, _session = bank.choose(browser)
    assert "We are asking Stripe." in words(browser.get(f"{here}?back=1"))
    browser.submit(f"{here}/check")
    bank.work()
    assert "We are asking Stripe." in words(browser.get(f"{here}?back=1"))
    assert orders(superuser, eve) == [("pending", 1200)]


def test_coming_back_asks_at_once_though_no_knock_ever_comes(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    here, session = bank.choose(browser)
    bank.world.pay(session)
    browser.submit(f"{here}/check")
    bank.work()
    assert "You are in." in words(browser.get(here)) and access(superuser, eve)[0] == "active"


def test_a_declined_card_changes_nothing_and_another_settles_it(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    _here, session = bank.choose(browser)
    assert bank.world.pay(session, "4000000000000002").startswith("declined")
    bank.tell()
    assert orders(superuser, eve) == [("pending", 1200)]
    assert bank.world.pay(session) == "complete"
    bank.tell()
    assert orders(superuser, eve) == [("completed", 1200)]


def test_a_bank_that_wants_confirmation_gets_it(bank, sign_in, superuser, eve):
    _here, session = bank.choose(sign_in(eve))
    assert bank.world.pay(session, "4000002500003155") == "needs confirmation"
    bank.tell()
    assert access(superuser, eve)[0] == "pending"
    assert bank.world.pay(session, "4000002500003155", confirm=True) == "complete"
    bank.tell()
    assert access(superuser, eve)[0] == "active"


def test_pressed_twice_it_is_one_page_and_one_payment(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    here, session = bank.choose(browser)
    assert browser.submit(f"{here}/pay").location.endswith(session)
    bank.world.pay(session)
    bank.world.pay(session)
    bank.tell()
    assert orders(superuser, eve) == [("completed", 1200)]


def test_another_choice_closes_the_first_page(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    _, first = bank.choose(browser)
    _, second = bank.choose(browser, "individual", "yearly")
    assert bank.world.pay(first) != "complete" and bank.world.pay(second) == "complete"
    bank.tell()
    assert orders(superuser, eve) == [("failed", 1200), ("completed", 12000)]


def test_a_choice_after_the_page_was_paid_leads_back_to_what_was_paid(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    here, first = bank.choose(browser)
    bank.world.pay(first)
    answer = browser.submit("/plans/choose", plan="family", cycle="monthly")
    assert answer.location == f"{here}?back=1"
    bank.work()
    assert orders(superuser, eve) == [("completed", 1200)]


def test_who_has_a_plan_buys_no_second(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    bank.buy(browser)
    answer = browser.submit("/plans/choose", plan="family", cycle="monthly")
    assert answer.status_code == 409 and "nobody pays for two plans" in answer.text
    assert len(orders(superuser, eve)) == 1


def test_two_pages_paid_leave_one_plan_and_one_charge(bank, sign_in, superuser, eve, mails):
    browser = sign_in(eve)
    _, first = bank.choose(browser)
    superuser.execute("update checkouts set state = 'expired' where user_id = %s", [eve.id])  # a second machine's luck
    _, second = bank.choose(browser)
    assert bank.world.pay(first) == bank.world.pay(second) == "complete"
    bank.tell()
    live = "select count(*) from subscriptions where status = 'active'"
    assert one(superuser, live) == 1 and access(superuser, eve)[0] == "active"
    assert bank.world.ledger().total == {"usd": 1200}
    assert "You paid twice; the second payment is on its way back" in [mail["subject"] for mail in mails(eve.email)]


def test_a_page_nobody_pays_runs_out(bank, sign_in, superuser, eve, worker_app):
    browser = sign_in(eve)
    here, _session = bank.choose(browser)
    with at(datetime.now(UTC) + timedelta(hours=24)):
        bank.tell()
    assert orders(superuser, eve) == [("failed", 1200)] and access(superuser, eve)[0] == "inactive"
    assert "This checkout is over." in words(browser.get(here))


def test_a_provider_that_is_down_charges_nothing_and_says_so(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    here = browser.submit("/plans/choose", plan="individual", cycle="monthly").location
    bank.world.switch(api="down")
    answer = browser.submit(f"{here}/pay")
    assert answer.status_code == 409 and "does not answer just now" in answer.text
    bank.world.switch(api="ok")
    assert browser.submit(f"{here}/pay").status_code == 303


def test_an_answer_lost_on_the_way_makes_no_second_page(bank, sign_in, eve):
    browser = sign_in(eve)
    here = browser.submit("/plans/choose", plan="individual", cycle="monthly").location
    bank.world.switch(api="lost_answer")
    browser.submit(f"{here}/pay")
    bank.world.switch(api="ok")
    assert browser.submit(f"{here}/pay").status_code == 303
    with bank.world.books() as books:
        assert len(books.rows("checkout.session")) == 1 and len(books.rows("customer")) == 1


@pytest.mark.parametrize("form", [{}, {"plan": "gold", "cycle": "monthly"}, {"plan": "family", "cycle": "daily"}])
def test_a_choice_of_nothing_says_what_is_missing(bank, sign_in, eve, form):
    answer = sign_in(eve).submit("/plans/choose", **form)
    assert answer.status_code == 422


def test_nobody_sees_or_pays_anothers_checkout(bank, sign_in, eve, bob):
    here, _ = bank.choose(sign_in(eve))
    stranger = sign_in(bob)
    assert stranger.get(here).status_code == 404 and stranger.submit(f"{here}/pay").status_code == 404


def test_a_person_is_one_customer_however_often_they_come_back(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    for _ in range(2):
        bank.buy(browser)
        browser.submit("/plan/end")
        bank.tell()
        superuser.execute("update subscriptions set status = 'canceled', ended_at = now(), ended_by = 'choice'")
    assert one(superuser, "select count(*) from payers") == 1


def test_an_address_changed_on_the_way_to_the_page_does_not_block_it(bank, sign_in, superuser, eve):
    browser = sign_in(eve)
    here = browser.submit("/plans/choose", plan="individual", cycle="monthly").location
    bank.world.switch(api="lost_answer")
    browser.submit(f"{here}/pay")
    bank.world.switch(api="ok")
    superuser.execute("update users set email = 'eva@club.example' where id = %s", [eve.id])
    assert browser.submit(f"{here}/pay").status_code == 303
    with bank.world.books() as books:
        assert [who["email"] for who in books.rows("customer")] == ["eva@club.example"]


def test_a_dozen_knocks_at_once_are_one_question(bank, sign_in, superuser, eve):
    bank.buy(sign_in(eve))
    outcomes = superuser.execute(
        "select outcome, handled_at from provider_events where customer_id is not null"
    ).fetchall()
    assert len(outcomes) > 5 and all(handled for _, handled in outcomes)
    assert len({handled for _, handled in outcomes}) < 4
