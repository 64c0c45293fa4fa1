"""What somebody does to a plan at the provider's desk, and what its member then pays, has and reads."""

from dataclasses import replace

import pytest

from portal.billing import jobs, provider
from portal.sandbox.stripe import invoices
from tests.support.member import DAY, FAILS_LATER, START, Member
from tests.support.reading import do
from tests.support.waitlist import one

INDIVIDUAL = "goalete-individual"
WORKSHOP = {"product": INDIVIDUAL, "currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}}


@pytest.fixture
def member(bank, sign_in, superuser, eve):
    """Eve, who pays by the month."""
    member = Member(bank, sign_in(eve), superuser, eve)
    member.buys()
    return member


@pytest.fixture
def failing(bank, sign_in, superuser, eve):
    """Eve, whose card is good for the first month only."""
    member = Member(bank, sign_in(eve), superuser, eve)
    member.buys(card=FAILS_LATER)
    return member


@pytest.fixture
def desk(bank):
    """The provider, as its dashboard has it."""
    return bank.client.application.extensions["provider"].v1


def subscription_of(member):
    return one(member.superuser, "select provider_subscription_id from subscriptions where status <> 'canceled'")


def item_of(desk, member):
    return desk.subscriptions.retrieve(subscription_of(member))["items"].data[0].id


def open_bill(member):
    return one(member.superuser, "select provider_invoice_id from orders where status = 'pending'")


@pytest.mark.parametrize("terms", [{}, {"metadata": {"plan": "gold", "cycle": "fortnightly"}}])
def test_a_price_made_by_hand_is_the_plan_of_its_product(member, desk, terms):
    with member.on(5):
        price = desk.prices.create(params=WORKSHOP | terms)
        items = [{"id": item_of(desk, member), "price": price.id}]
        desk.subscriptions.update(subscription_of(member), params={"items": items, "proration_behavior": "none"})
        member.bank.tell()
        assert "The next payment is $9.00" in member.sees("/plan")
    with member.on(40):
        assert member.entitled and member.orders() == [("completed", 1200), ("completed", 900)]


def test_a_plan_known_here_stays_it_though_marks_and_product_are_taken_away(member, desk, worker_app):
    product = desk.products.create(params={"name": "Something else"})
    with member.on(5):
        price = desk.prices.create(params=WORKSHOP | {"product": product.id})
        desk.subscriptions.update(
            subscription_of(member),
            params={
                "items": [{"id": item_of(desk, member), "price": price.id}],
                "proration_behavior": "none",
                "metadata": {"club": "", "user_id": "", "checkout_id": ""},
            },
        )
    with member.on(40):
        assert member.entitled and member.orders()[-1] == ("completed", 900)
        do(worker_app, jobs.reconcile, START + 40 * DAY)
        assert one(member.superuser, "select count(*) from drifts") == 0


def test_what_is_sold_twice_costs_twice(member, desk):
    with member.on(5):
        items = [{"id": item_of(desk, member), "quantity": 2}]
        desk.subscriptions.update(subscription_of(member), params={"items": items, "proration_behavior": "none"})
        member.bank.tell()
        assert "The next payment is $24.00" in member.sees("/plan")
    with member.on(33):
        assert member.orders()[-1] == ("completed", 2400)


def test_credit_is_taken_off_the_next_payment_beforehand(member, desk):
    with member.on(5):
        customer = one(member.superuser, "select customer_id from payers")
        desk.customers.update(customer, params={"balance": -500})
        member.bank.tell()
        assert "Individual, $12.00 a month The next payment is $7.00" in member.sees("/plan")
    with member.on(33):
        assert member.orders()[-1] == ("completed", 700) and "The next payment is $12.00" in member.sees("/plan")


def test_what_pays_need_not_be_a_card(member):
    with member.on(5), member.bank.world.books() as books:
        debit = {"type": "sepa_debit", "sepa_debit": {"last4": "3000"}}
        books.change(books.rows("payment_method")[0], "payment_method.updated", card=None, **debit)
        books.change(books.rows("charge")[0], "charge.updated", payment_method_details={"type": "link", "link": {}})
    with member.on(6):
        assert "SEPA debit ••3000. Change" in member.sees("/plan")
        assert "Paid Link $12.00" in member.sees("/orders")


def test_a_plan_in_another_currency_than_todays_is_not_changed_into_them(member, app, monkeypatch):
    euros = replace(app.config["SETTINGS"], currency="EUR")
    monkeypatch.setitem(app.config, "SETTINGS", euros)
    for path in ("/plan/change", "/plan/change/family/monthly"):
        answer = member.browser.get(path)
        assert answer.status_code == 409 and "paid in another currency" in answer.text


def test_who_paid_in_another_currency_before_can_pay_in_todays(member, desk, app, worker_app, monkeypatch):
    with member.on(5):
        desk.subscriptions.cancel(subscription_of(member))
        member.bank.tell()
    for side in (app, worker_app):
        monkeypatch.setitem(side.config, "SETTINGS", replace(side.config["SETTINGS"], currency="EUR"))
    with app.app_context():
        provider.sync_plans()
    with member.on(6):
        member.bank.buy(member.browser)
        assert "Individual, €12.00 a month" in member.sees("/plan") and member.entitled
        (theirs,) = desk.subscriptions.list(params={"status": "active"}).data
        member.superuser.execute("update payers set fetched_at = now() where customer_id <> %s", [theirs.customer])
        page = member.browser.submit("/plan/card").location
        with member.bank.world.books() as books:
            assert books.get(page.rsplit("/", 1)[-1])["customer"] == theirs.customer


def test_a_plan_that_ends_after_the_next_payment_says_that_payment(member, desk):
    with member.on(5):
        desk.subscriptions.update(subscription_of(member), params={"cancel_at": int((START + 75 * DAY).timestamp())})
        member.bank.tell()
        assert "The next payment is $12.00" in member.sees("/plan")
        assert "Nothing more is charged" not in member.sees("/account/access")
        renews_at = one(member.superuser, "select renews_at from subscriptions")
    with member.on((renews_at - START) / DAY + 0.01):
        assert member.entitled
    with member.on(65):
        assert "Ending" in member.sees("/plan") and len(member.orders()) == 3


@pytest.mark.parametrize("behaviour", ["void", "keep_as_draft", "mark_uncollectible"])
def test_while_it_is_paused_nothing_is_announced_and_what_was_paid_is_kept(member, desk, behaviour, worker_app):
    with member.on(5):
        desk.subscriptions.update(subscription_of(member), params={"pause_collection": {"behavior": behaviour}})
        member.bank.tell()
        assert "Your plan is paused. Nothing is charged for Individual." in member.sees("/plan")
        assert "Nothing more is charged" in member.sees("/account/access") and member.entitled
    with member.on(33):
        assert not member.entitled and member.orders() == [("completed", 1200)]
        do(worker_app, jobs.reconcile, START + 33 * DAY)
        assert one(member.superuser, "select count(*) from drifts") == 0


def test_a_pause_that_is_over_before_the_next_payment_changes_nothing(member, desk):
    with member.on(5):
        pause = {"behavior": "void", "resumes_at": int((START + 20 * DAY).timestamp())}
        desk.subscriptions.update(subscription_of(member), params={"pause_collection": pause})
        member.bank.tell()
        assert "Renews automatically" in member.sees("/plan")
    with member.on(33):
        assert member.entitled and member.orders() == [("completed", 1200)] * 2


def test_a_paused_plan_that_goes_on_beside_a_new_one_ends_and_what_it_served_stays_paid(member, desk):
    with member.on(5):
        paused = subscription_of(member)
        desk.subscriptions.update(paused, params={"pause_collection": {"behavior": "void"}})
        member.bank.tell()
    with member.on(33):
        member.bank.buy(member.browser)
        desk.subscriptions.update(paused, params={"pause_collection": ""})
        for _time in range(2):
            member.bank.tell()
        assert desk.subscriptions.retrieve(paused).status == "canceled" and member.entitled
        assert member.orders() == [("completed", 1200)] * 2


def test_who_closes_the_account_while_it_is_paused_is_never_charged_again(member, desk, as_, worker_app, eve):
    with member.on(5):
        pause = {"behavior": "void", "resumes_at": int((START + 60 * DAY).timestamp())}
        desk.subscriptions.update(subscription_of(member), params={"pause_collection": pause})
        member.bank.tell()
    with as_(eve) as db:
        db.execute("select auth.close_account()")
    do(worker_app, jobs.stop_closed, START + 6 * DAY, user_id=str(eve.id))
    assert [row.status for row in desk.subscriptions.list(params={"status": "all"}).data] == ["canceled"]


@pytest.mark.parametrize("take_back", ["void_invoice", "mark_uncollectible"])
def test_a_bill_taken_back_is_no_renewal_and_the_page_says_whom_to_ask(failing, desk, take_back):
    with failing.on(33):
        getattr(desk.invoices, take_back)(open_bill(failing))
        failing.bank.tell()
    with failing.on(45):
        assert not failing.entitled and "nothing was charged for the time after it" in failing.sees("/plan")
        assert "See your plan" in failing.sees("/account/access")


def test_a_bill_taken_back_by_a_credit_note_is_paid_from_credit(failing):
    with failing.on(33):
        with failing.bank.world.books() as books:
            invoice = books.find("invoice", open_bill(failing))
            books.change(invoice, amount_due=0, amount_remaining=0)
            invoices.settle(books, invoice)
        failing.bank.tell()
        assert failing.entitled and "Renews automatically" in failing.sees("/plan")
        assert failing.orders() == [("completed", 1200), ("failed", 1200)]
        assert one(failing.superuser, "select count(*) from provider_events where handled_at is null") == 0


def test_a_bill_paid_outside_of_the_provider_is_paid(failing, desk):
    with failing.on(33):
        desk.invoices.pay(open_bill(failing), params={"paid_out_of_band": True})
        failing.bank.tell()
        assert failing.entitled and failing.orders() == [("completed", 1200)] * 2


def test_a_bill_paid_by_a_charge_without_an_intent_is_read_too(member):
    with member.bank.world.books() as books:
        charge = books.rows("charge")[0]
        books.change(books.rows("invoice_payment")[0], payment={"type": "charge", "charge": charge["id"]})
        books.emit("charge.updated", charge)
    with member.on(1):
        assert one(member.superuser, "select count(*) from provider_events where handled_at is null") == 0
        assert member.orders() == [("completed", 1200)]


def test_money_back_from_each_part_of_a_bill_paid_in_parts_is_all_of_it_back(member):
    with member.bank.world.books() as books:
        charge, payment = books.rows("charge")[0], books.rows("invoice_payment")[0]
        books.change(charge, amount_refunded=700)
        second = books.make("charge", **{**charge, "id": "ch_2", "payment_intent": "pi_2", "amount_refunded": 500})
        intent = {"type": "payment_intent", "payment_intent": "pi_2"}
        books.make("invoice_payment", **{**payment, "id": "inpay_2", "payment": intent})
        books.emit("charge.refunded", second)
    with member.on(1):
        assert member.orders() == [("refunded", 1200)] and not member.entitled


def test_the_plan_is_found_on_a_bill_of_many_lines(member):
    with member.on(29), member.bank.world.books() as books:
        theirs = books.rows("subscription")[0]
        line = books.rows("invoice")[0]["lines"]["data"][0]
        by_hand = [{**line, "id": f"il_{n}", "amount": 0, "pricing": None} for n in range(12)]
        books.change(theirs, _pending=by_hand)
    with member.on(33):
        assert member.entitled and member.orders() == [("completed", 1200)] * 2


def test_free_days_made_longer_are_served_to_their_end(member, desk):
    with member.on(5):
        longer = {"trial_end": int((START + 60 * DAY).timestamp()), "proration_behavior": "none"}
        desk.subscriptions.update(subscription_of(member), params=longer)
    for day in (45, 60.01, 62):
        with member.on(day):
            assert member.entitled
    assert member.orders() == [("completed", 1200)] * 2


def test_a_dispute_that_was_prevented_is_settled_and_the_money_is_gone(member):
    with member.on(5):
        paid = one(member.superuser, "select provider_payment_id from orders where user_id = %s", member.person.id)
        member.bank.world.dispute(paid)
        with member.bank.world.books() as books:
            books.change(books.rows("dispute")[0], status="prevented")
        member.bank.tell()
        assert not member.entitled and "the bank took the money back" in member.sees("/account/access")


def test_ending_a_plan_whose_payment_failed_ends_it_now_and_nothing_is_tried_again(failing):
    with failing.on(32):
        assert "Payment failed" in failing.sees("/plan")
    with failing.on(33):
        assert "It is not tried again, and nothing is charged." in failing.sees("/plan/end")
        for _time in range(2):
            assert failing.browser.submit("/plan/end").location == "/plan"
        assert "It ends now, as soon as Stripe has confirmed it." in failing.sees("/plan")
        failing.bank.tell()
        assert "You have no plan." in failing.sees("/plan") and not failing.entitled
    with failing.on(60):
        assert failing.orders() == [("completed", 1200), ("failed", 1200)]
        with failing.bank.world.books() as books:
            assert books.rows("invoice")[0]["attempt_count"] == 1


def test_who_joins_a_family_with_a_failed_payment_of_their_own_is_not_charged_for_it(failing, worker_app):
    with failing.on(33):
        do(worker_app, jobs.stop_own, START + 33 * DAY, user_id=str(failing.person.id), when="period_end")
    with failing.on(60), failing.bank.world.books() as books:
        assert books.rows("invoice")[0]["attempt_count"] == 1


def test_an_upgrade_the_bank_wants_confirmed_leads_to_its_page_and_happens_when_it_is(bank, sign_in, superuser, eve):
    member = Member(bank, sign_in(eve), superuser, eve)
    member.pays_with("4000002760003184", confirm=True)
    with member.on(5):
        page = member.browser.get("/plan/change/family/monthly")
        at, minor = (page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("at", "minor"))
        answer = member.browser.submit("/plan/change/family/monthly", at=at, minor=minor)
        bill = answer.location.rsplit("/", 1)[-1]
        member.bank.tell()
        assert one(superuser, "select subscription_type from subscriptions") == "individual" and member.entitled
        assert "Until then your plan stays as it is." in member.sees("/plan")
        assert "failed" not in member.sees("/account/access")
        member.pays_bill(bill, "4000002760003184")
        assert one(superuser, "select subscription_type from subscriptions") == "family" and member.entitled
