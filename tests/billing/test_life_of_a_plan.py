"""Renewed, failed, ended, resumed, changed, refunded, disputed: what each does to access, orders and the mailbox."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portal.billing import actions, jobs, provider, reading, snapshot
from portal.clock import at
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.sandbox.stripe import customers, subscriptions
from portal.sandbox.stripe.cards import CARDS
from tests.support.member import DAY, FAILS_LATER, START, Member
from tests.support.orders import given
from tests.support.reading import words
from tests.support.waitlist import one


@pytest.fixture
def member(bank, sign_in, superuser, eve):
    """Eve with a plan, a browser that never signs out, and a clock."""
    return Member(bank, sign_in(eve), superuser, eve)


def test_it_renews_by_itself(member):
    member.buys()
    with member.on(32):
        assert member.orders() == [("completed", 1200)] * 2 and member.entitled
    with member.on(63):
        assert member.orders() == [("completed", 1200)] * 3


def test_the_draft_hour_of_a_renewal_shows_nothing(member):
    member.buys()
    renews_at = one(member.superuser, "select renews_at from subscriptions")
    with member.on((renews_at - START) / DAY + 0.01):
        assert one(member.superuser, "select renews_at from subscriptions") > renews_at
        assert member.entitled and "Payment failed" not in member.sees("/plan")


def test_a_failed_renewal_leaves_seven_days_from_the_paid_date(member):
    member.buys(card=FAILS_LATER)
    paid_until = one(member.superuser, "select subscription_expiry from users where id = %s", member.person.id)
    with member.on(33):
        assert member.entitled and "did not go through" in member.sees("/plan")
        assert "the renewal failed. You keep access until" in member.sees("/account/access")
    with at(paid_until + 7 * DAY - timedelta(minutes=1)):
        assert member.entitled
    with at(paid_until + 7 * DAY):
        assert "No, since" in member.sees("/account/access")


def test_another_card_settles_it_at_once(member):
    member.buys(card=FAILS_LATER)
    with member.on(33):
        _change_card(member, "4242424242424242")
        member.bank.tell()
        assert member.orders()[-1] == ("completed", 1200) and "Renews automatically" in member.sees("/plan")


def test_a_renewal_paid_late_goes_on_from_the_day_that_was_paid_for(member):
    member.buys(card=FAILS_LATER)
    with member.on(33):
        _change_card(member, "4242424242424242")
        member.bank.tell()
    paid = "select period_start, period_end from orders where user_id = %s order by period_start"
    first, second = member.superuser.execute(paid, [member.person.id]).fetchall()
    assert first[1] == second[0] < START + 32 * DAY


def test_another_card_that_fails_too_changes_nothing_and_is_tried_once(member):
    member.buys(card=FAILS_LATER)
    with member.on(33):
        _change_card(member, "4000000000009995")
        for _ in range(2):
            member.bank.tell()
        assert member.entitled and member.orders()[-1] == ("pending", 1200)


def test_after_the_last_try_it_is_over_and_the_grace_was_not_longer(member):
    member.buys(card=FAILS_LATER)
    with member.on(60):
        assert not member.entitled and "when the payment failed for good" in member.sees("/plan")
        assert member.orders() == [("completed", 1200), ("failed", 1200)]


def test_ending_takes_two_clicks_and_nothing_away(member):
    member.buys()
    with member.on(3):
        assert "End the plan on" in member.sees("/plan/end")
        member.browser.submit("/plan/end")
        member.bank.tell()
        assert "You keep everything until then." in member.sees("/plan") and member.entitled
    with member.on(32):
        assert not member.entitled and member.orders() == [("completed", 1200)]


def test_and_can_be_taken_back(member):
    member.buys()
    with member.on(3):
        member.browser.submit("/plan/end")
        member.bank.tell()
        member.browser.submit("/plan/resume")
    with member.on(32):
        assert member.entitled and member.orders() == [("completed", 1200)] * 2


def test_an_end_is_said_at_once_and_that_stripe_has_not_answered(member):
    member.buys()
    with member.on(3):
        member.browser.submit("/plan/end")
        page = member.sees("/plan")
        assert "Ending, waiting for Stripe" in page and "as soon as Stripe has confirmed it" in page
        assert "Renews automatically" not in page and "$12.00 on" not in page
        member.bank.tell()
        assert "Ending" in member.sees("/plan") and "waiting for Stripe" not in member.sees("/plan")
    with member.on(4):
        member.browser.submit("/plan/resume")
        assert "Renewing, waiting for Stripe" in member.sees("/plan") and "It ends on" not in member.sees("/plan")


def test_a_wish_is_forgotten_with_the_answer_and_does_not_come_back_with_the_next_question(member, worker_app):
    member.buys()
    with member.on(3):
        member.browser.submit("/plan/end")
        member.bank.tell()
    with member.on(4):
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            actions.ask_about(db.session(), member.person.id)
            db.session.commit()
        page = member.sees("/plan")
        assert "We are asking Stripe" in page and "waiting for Stripe" not in page


def test_an_answer_from_before_the_wish_leaves_it_standing(member, worker_app):
    member.buys()
    with worker_app.app_context(), at(START + 3 * DAY):
        act_as(db.session(), WORKER)
        before = reading.fetch(one(member.superuser, "select customer_id from payers"))
        with member.on(3.1):
            member.browser.submit("/plan/end")
        snapshot.apply_snapshot(db.session(), before)
        db.session.commit()
    with at(START + 3.1 * DAY):
        assert "We are asking Stripe" in member.sees("/plan")
        assert one(member.superuser, "select asked_for from payers") == "end"


def test_more_begins_at_once_for_the_amount_that_was_shown(member):
    member.buys()
    with member.on(15):
        page = member.browser.get("/plan/change/family/monthly")
        amount = page.text.split('name="minor" value="')[1].split('"')[0]
        moment = page.text.split('name="at" value="')[1].split('"')[0]
        assert 500 < int(amount) < 700 and "It begins at once." in words(page)
        member.browser.submit("/plan/change/family/monthly", at=moment, minor=amount)
        member.bank.tell()
        assert "Family, $24.00" in member.sees("/plan") and member.orders()[-1] == ("completed", int(amount))


def test_an_amount_nobody_saw_is_not_charged(member):
    member.buys()
    with member.on(15):
        form = {"at": str(int((START + 15 * DAY).timestamp())), "minor": "1"}
        assert member.browser.submit("/plan/change/family/monthly", **form).status_code == 409
        member.bank.tell()
        assert member.orders() == [("completed", 1200)]


def test_less_begins_when_the_paid_time_ends(member):
    member.buys("family", "monthly")
    with member.on(3):
        member.browser.submit("/plan/change/individual/monthly")
        member.bank.tell()
        assert "Individual, monthly, $12.00" in member.sees("/plan")
    with member.on(32):
        assert member.orders() == [("completed", 2400), ("completed", 1200)]
        assert "Individual, $12.00" in member.sees("/plan")


def test_a_planned_change_can_be_dropped(member):
    member.buys("family", "monthly")
    with member.on(3):
        member.browser.submit("/plan/change/individual/monthly")
        member.bank.tell()
        member.browser.submit("/plan/change/cancel")
    with member.on(32):
        assert member.orders() == [("completed", 2400)] * 2


def test_ending_it_takes_back_what_was_planned_for_later(member):
    member.buys("family", "monthly")
    with member.on(3):
        member.browser.submit("/plan/change/individual/monthly")
        member.bank.tell()
        assert member.browser.submit("/plan/end").status_code == 303
        member.bank.tell()
        assert "It ends on" in member.sees("/plan") and "Individual, monthly" not in member.sees("/plan")


def test_from_a_month_to_a_year_the_rest_is_taken_off(member):
    member.buys()
    with member.on(10):
        page = member.browser.get("/plan/change/individual/yearly").text
        amount = page.split('name="minor" value="')[1].split('"')[0]
        moment = page.split('name="at" value="')[1].split('"')[0]
        member.browser.submit("/plan/change/individual/yearly", at=moment, minor=amount)
        member.bank.tell()
        assert 11000 < int(amount) < 11300 and member.orders()[-1] == ("completed", int(amount))
    until = one(member.superuser, "select subscription_expiry from users where id = %s", member.person.id)
    assert until > START + 370 * DAY


def test_all_of_the_money_back_ends_it_and_says_so(member, mails):
    member.buys()
    with member.on(2):
        _refund(member, None)
        assert member.orders() == [("refunded", 1200)] and not member.entitled
        assert "$12.00 is on its way back" in mails(member.person.email)[0]["subject"]


def test_what_was_asked_earlier_gives_way_to_what_is_known(member, worker_app):
    member.buys()
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        with at(START + DAY):
            before = reading.fetch(one(member.superuser, "select customer_id from payers"))
        with member.on(2):
            _refund(member, None)
            assert snapshot.apply_snapshot(db.session(), before) == "something newer is known"
        db.session.commit()
    assert member.orders() == [("refunded", 1200)]


def test_part_of_it_back_leaves_access(member):
    member.buys()
    with member.on(2):
        _refund(member, 500)
        assert member.orders() == [("completed", 1200)] and member.entitled
        assert "Partly refunded" in member.sees("/orders")


def test_a_dispute_closes_what_was_paid_and_its_end_opens_it(member):
    member.buys(card="4000000000000259")
    with member.on(2):
        assert not member.entitled and "Disputed" in member.sees("/orders")
        member.bank.world.close_dispute(_dispute(member), won=True)
        member.bank.tell()
        assert member.entitled


def test_a_yearly_renewal_is_announced_twice(member, mails, worker_app):
    member.buys("individual", "yearly")
    for day in (330, 340, 356, 359, 361):
        with member.on(day):
            _run(worker_app, jobs.remind)
            member.bank.work()
    subjects = [m["subject"] for m in mails(member.person.email) if "renews" in m["subject"]]
    assert len(subjects) == 2


def test_a_monthly_renewal_is_announced_to_who_wishes_it_and_to_nobody_else(member, mails, worker_app):
    member.buys()
    renewals = lambda: [m["subject"] for m in mails(member.person.email) if "renews" in m["subject"]]  # noqa: E731
    for day in (26, 27, 29):
        with member.on(day):
            _run(worker_app, jobs.remind)
    assert renewals() == []
    with member.on(32):
        member.browser.submit("/plan/mails", tell="yes")
        assert "An e-mail comes three days before each payment." in member.sees("/plan")
    for day in (40, 57, 58, 59, 59.5):
        with member.on(day):
            _run(worker_app, jobs.remind)
            member.bank.work()
    assert len(renewals()) == 1
    with member.on(62):
        member.browser.submit("/plan/mails", tell="no")
        assert "No e-mail comes before the monthly payments." in member.sees("/plan")


def test_the_day_a_plan_renews_is_no_end(member):
    member.buys()
    renews_at = one(member.superuser, "select renews_at from subscriptions")
    with at(renews_at - timedelta(minutes=30)):
        member.superuser.execute("update sign_ins set seen_at = %s", [renews_at - timedelta(minutes=30)])
        for path in ("/account/access", "/account"):
            assert "Yes. Your plan renews on" in member.sees(path) and "Yes, until" not in member.sees(path)
    with at(renews_at + timedelta(minutes=10)):
        assert "Yes. Your plan is renewing today." in member.sees("/account/access")


def test_a_failed_payment_is_told_on_days_nought_three_and_six(member, mails, worker_app):
    member.buys(card=FAILS_LATER)
    for day in range(30, 42):
        with member.on(day):
            _run(worker_app, jobs.remind)
            member.bank.work()
    subjects = [m["subject"] for m in mails(member.person.email) if "did not go through" in m["subject"]]
    assert len(subjects) == 3


def test_a_failed_payment_is_told_of_though_other_days_are_left(member, mails, worker_app, superuser):
    """Days from the club run longer than the plan: no renewal is announced, least of all a yearly one."""
    member.buys(card=FAILS_LATER)
    given(superuser, member.person, START + 90 * DAY, START)
    for day in range(30, 45):
        with member.on(day):
            _run(worker_app, jobs.remind)
            member.bank.work()
    subjects = [m["subject"] for m in mails(member.person.email)]
    assert [("did not go through" in s) for s in subjects if "renews" in s or "go through" in s] == [True] * 3


def test_a_long_grace_brings_no_more_mails(member, mails, worker_app, superuser):
    member.buys(card=FAILS_LATER)
    paid_for = (one(superuser, "select subscription_expiry from users where id = %s", member.person.id) - START) / DAY
    for day in range(0, 28, 3):
        with member.on(paid_for + day + 0.1):
            superuser.execute("update subscriptions set grace_days = 30")
            superuser.execute("select refresh_projection(%s, now())", [member.person.id])
            _run(worker_app, jobs.remind)
            member.bank.work()
    assert len([m for m in mails(member.person.email) if "did not go through" in m["subject"]]) == 3


def test_what_was_bought_is_kept_with_its_price_whatever_it_costs_later(member, superuser, app, monkeypatch):
    member.buys()
    with member.bank.world.books() as books:
        (price,) = books.rows("price", "json_extract(body, '$.lookup_key') = 'goalete-individual-monthly'")
    dearer = replace(app.config["SETTINGS"], individual_month=Decimal(15))
    monkeypatch.setitem(app.config, "SETTINGS", dearer)
    with at(START + DAY), app.app_context():
        provider.sync_plans()
    with member.on(32):
        kept = superuser.execute(
            "select distinct provider_price_id, amount_minor from orders where user_id = %s", [member.person.id]
        )
        assert kept.fetchall() == [(price["id"], 1200)]
        assert "$15.00" in member.sees("/plans")


def test_a_choice_made_before_the_price_moved_is_not_paid_at_another(member, app, monkeypatch):
    with at(START):
        here = member.browser.submit("/plans/choose", plan="individual", cycle="monthly").location
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], individual_month=Decimal(15)))
        answer = member.browser.submit(f"{here}/pay")
    assert answer.status_code == 409 and "This checkout is over." in answer.text


def _change_card(member, number):
    """As the provider's own page does it."""
    with member.bank.world.books() as books:
        (who,) = books.rows("customer")
        subscriptions.change_card(books, who, customers.keep_card(books, CARDS[number], who))


def _dispute(member):
    with member.bank.world.books() as books:
        return books.rows("dispute")[0]["id"]


def _refund(member, amount):
    payment = one(member.superuser, "select provider_payment_id from orders where user_id = %s", member.person.id)
    with member.browser.application.app_context():
        provider.give_back(payment, "test", amount)
    member.bank.tell()


def _run(worker_app, task):
    from portal.jobs import serve

    serve(worker_app)
    task.work()
