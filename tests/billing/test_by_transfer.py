"""A club that takes no cards: orders are paid outside of the portal, and an admin says what came."""

import re
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest

from portal.billing.jobs import expire_checkouts, reconcile, remind_prepaid
from portal.clock import at
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations.check import findings, notes
from tests.support import ways
from tests.support.cast import ALICE, BOB, CHARLIE, DORA, EVE, ISTANBUL
from tests.support.orders import given, order, subscription
from tests.support.reading import do, one, words

TODAY = f"{datetime.now(ISTANBUL):%Y-%m-%d}"


pytestmark = pytest.mark.usefixtures("people")


@pytest.fixture(scope="module")
def app(migrated):
    yield from ways.pages(migrated, **ways.BY_TRANSFER)


@pytest.fixture(scope="module")
def worker_app(migrated):
    yield from ways.worker(migrated, **ways.BY_TRANSFER)


def order_by_transfer(browser, plan="individual", cycle="monthly", **more):
    """The address of the order's page, and its number."""
    here = browser.submit("/plans/choose", plan=plan, cycle=cycle, **more).location
    return here, re.search(r"GO-\d{4}-\d{8}-\d", words(browser.get(here)))[0]


def mark_paid(admin, number, reference="Statement 12", came=TODAY):
    return admin.submit(f"/admin/orders/{number}/paid", reference=reference, came=came)


def state(superuser, number):
    found = (
        "select status, reference, period_end - period_start > interval '27 days' from orders where order_number = %s"
    )
    return superuser.execute(found, [number]).fetchone()


def access(superuser, person):
    return superuser.execute(
        "select subscription_status, access_until from users where id = %s", [person.id]
    ).fetchone()


def test_a_member_orders_is_told_how_to_pay_and_is_in_when_it_came(sign_in, superuser, work, mails):
    eve, dora = sign_in(EVE), sign_in(DORA)
    assert "Nothing renews by itself" in words(eve.get("/plans"))
    here, number = order_by_transfer(eve)
    assert "Pay $12.00" in words(eve.get(here)) and ways.IBAN in words(eve.get(here))
    work()
    assert ways.IBAN in mails(EVE.email)[0]["text"] and number in mails(EVE.email)[0]["text"]
    assert access(superuser, EVE)[0] == "pending" and number in words(dora.get("/admin/money"))
    assert mark_paid(dora, number).status_code == 303
    work()
    assert state(superuser, number) == ("completed", "Statement 12", True) and access(superuser, EVE)[0] == "active"
    assert "It is paid." in words(eve.get(here)) and "Paid: $12.00" in mails(EVE.email)[0]["text"]
    assert "Statement 12" in words(eve.get(f"/orders/{number}"))
    assert "Paid Transfer $12.00" in words(eve.get("/orders"))
    assert "$202.00 came in this month" in words(dora.get("/admin/money"))
    assert (
        one(superuser, "select operation from system_logs where operation = 'order.marked-paid'") == "order.marked-paid"
    )


def test_the_same_choice_is_the_same_order_and_another_takes_its_place(sign_in, superuser):
    eve = sign_in(EVE)
    first, number = order_by_transfer(eve)
    assert order_by_transfer(eve) == (first, number)
    second, _ = order_by_transfer(eve, "family", "yearly")
    assert second != first and "This order was withdrawn." in words(eve.get(first))
    assert one(superuser, "select count(*) from checkouts where state = 'open'") == 1


def test_an_order_is_withdrawn_by_its_member_and_nobody_else(sign_in, superuser):
    eve, bob = sign_in(EVE), sign_in(BOB)
    here, number = order_by_transfer(eve)
    assert bob.get(here).status_code == 404 and bob.submit(f"{here}/withdraw").status_code == 404
    assert eve.submit(f"{here}/withdraw").status_code == 303
    assert state(superuser, number)[0] == "failed" and "This order was withdrawn." in words(eve.get(here))


def test_what_was_paid_after_all_still_counts(sign_in, superuser):
    eve, dora = sign_in(EVE), sign_in(DORA)
    here, number = order_by_transfer(eve)
    eve.submit(f"{here}/withdraw")
    assert "It was withdrawn or has lapsed" in words(dora.get(f"/admin/orders/{number}/paid"))
    mark_paid(dora, number)
    assert state(superuser, number)[0] == "completed" and access(superuser, EVE)[0] == "active"


def test_an_order_lapses_after_thirty_days(sign_in, superuser, worker_app, now):
    eve = sign_in(EVE)
    _, number = order_by_transfer(eve)
    do(worker_app, expire_checkouts, now + timedelta(days=29))
    assert state(superuser, number)[0] == "pending"
    do(worker_app, expire_checkouts, now + timedelta(days=30, minutes=5))
    assert state(superuser, number)[0] == "failed"


def test_marked_twice_it_is_paid_once(sign_in, superuser, work, mails):
    eve, dora, again = sign_in(EVE), sign_in(DORA), sign_in(DORA)
    _, number = order_by_transfer(eve)
    ready, answers = Barrier(2), []

    def press(admin):
        ready.wait()
        answers.append(mark_paid(admin, number).status_code)

    pressing = [Thread(target=press, args=[admin]) for admin in (dora, again)]
    for thread in pressing:
        thread.start()
    for thread in pressing:
        thread.join()
    work()
    assert sorted(answers) in ([303, 404], [303, 409])
    assert [mail["subject"] for mail in mails(EVE.email)] == [f"Your receipt, {number}"]


def test_withdrawn_while_it_is_marked_it_is_paid(sign_in, superuser):
    eve, dora = sign_in(EVE), sign_in(DORA)
    here, number = order_by_transfer(eve)
    ready = Barrier(2)

    def press(what):
        ready.wait()
        what()

    pressing = [
        Thread(target=press, args=[lambda: mark_paid(dora, number)]),
        Thread(target=press, args=[lambda: eve.submit(f"{here}/withdraw")]),
    ]
    for thread in pressing:
        thread.start()
    for thread in pressing:
        thread.join()
    assert state(superuser, number)[0] == "completed"
    assert one(superuser, "select state from checkouts") == "paid"


def test_a_paid_order_cannot_be_withdrawn(sign_in, superuser):
    eve, dora = sign_in(EVE), sign_in(DORA)
    here, number = order_by_transfer(eve)
    mark_paid(dora, number)
    assert "cannot be withdrawn" in eve.submit(f"{here}/withdraw", htmx=False).get_data(as_text=True)
    assert state(superuser, number)[0] == "completed"


def test_only_an_admin_with_a_fresh_code_says_what_came(sign_in, superuser, now):
    eve, dora = sign_in(EVE), sign_in(DORA)
    _, number = order_by_transfer(eve)
    assert mark_paid(eve, number).status_code == 404
    superuser.execute("update sign_ins set proved_at = %s - interval '1 hour' where proved_at is not null", [now])
    mark_paid(dora, number)
    assert state(superuser, number)[0] == "pending"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("came", f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}", "That day is still to come."),
        ("came", "tomorrow", "Give a day that exists."),
        ("reference", "", "Give what the bank’s statement calls it."),
    ],
)
def test_what_is_typed_wrong_changes_nothing(sign_in, superuser, field, value, sentence):
    eve, dora = sign_in(EVE), sign_in(DORA)
    _, number = order_by_transfer(eve)
    answer = mark_paid(dora, number, **{field: value})
    assert answer.status_code == 422 and sentence in words(answer) and state(superuser, number)[0] == "pending"


def test_another_month_is_added_to_the_one_that_runs(sign_in, superuser):
    eve, dora = sign_in(EVE), sign_in(DORA)
    _, first = order_by_transfer(eve)
    mark_paid(dora, first)
    here = eve.submit("/plan/renew").location
    second = one(superuser, "select order_number from orders where status = 'pending'")
    mark_paid(dora, second)
    starts = one(superuser, "select period_start from orders where order_number = %s", second)
    assert starts == one(superuser, "select period_end from orders where order_number = %s", first)
    assert "Until then what you had before counts." in words(eve.get(here))


def test_a_short_month_takes_no_days_from_the_month_after_it(sign_in, superuser):
    paid = (datetime(2035, 1, 31, 12, tzinfo=UTC), datetime(2035, 2, 28, 12, tzinfo=UTC))
    order(superuser, EVE, paid, payment_provider="transfer", grace_days=7)
    for ends in (datetime(2035, 3, 31, 12, tzinfo=UTC), datetime(2035, 4, 30, 12, tzinfo=UTC)):
        _here, number = order_by_transfer(sign_in(EVE))
        mark_paid(sign_in(DORA), number)
        assert one(superuser, "select period_end from orders where order_number = %s", number) == ends


def test_the_first_days_are_not_lost(sign_in, superuser, now):
    given(superuser, EVE, now + timedelta(days=5), now, "welcome")
    _, number = order_by_transfer(sign_in(EVE))
    mark_paid(sign_in(DORA), number)
    assert one(
        superuser, "select period_start = %s from orders where order_number = %s", now + timedelta(days=5), number
    )


def prepaid(superuser, person, until, kind="individual"):
    """An order that was paid outside of the portal and ends then, with seven days of grace."""
    return order(
        superuser,
        person,
        (until - timedelta(days=30), until),
        kind,
        payment_provider="transfer",
        grace_days=7,
        reference="x",
    )


def test_before_it_ends_two_mails_lead_to_the_next_order(sign_in, superuser, worker_app, work, mails, now):
    prepaid(superuser, EVE, now + timedelta(days=20))
    for days in (5, 7, 8, 17, 18, 19):
        do(worker_app, remind_prepaid, now + timedelta(days=days))
    kinds = superuser.execute("select kind from mails order by created_at").fetchall()
    assert kinds == [("renewal-14",), ("renewal-3",)]
    assert "Order another month" in words(sign_in(EVE).get("/plan"))


def test_after_its_end_the_days_of_grace_are_kept_and_said(sign_in, superuser, now):
    prepaid(superuser, EVE, now - timedelta(days=2))
    eve = sign_in(EVE)
    said = eve.get("/meetings").get_data(as_text=True)
    assert "Your plan ended on" in said and "Go on with the plan" in said
    assert "you keep access until" in words(eve.get("/account/access"))
    with at(now + timedelta(days=6)):
        assert "No, since" in words(eve.get("/account/access"))


def test_an_order_for_a_family_makes_one_and_covers_it(sign_in, superuser, work):
    eve, dora = sign_in(EVE), sign_in(DORA)
    _, number = order_by_transfer(eve, "family", "yearly")
    mark_paid(dora, number)
    work()
    plan = one(superuser, "select id from family_plans where primary_user_id = %s and is_active", EVE.id)
    assert one(
        superuser,
        "select subscription_expiry = (select max(period_end) from orders where user_id = %s) from family_plans where id = %s",
        EVE.id,
        plan,
    )


def test_who_takes_a_family_over_pays_for_it_by_transfer(sign_in, superuser, work):
    alice, bob, dora = sign_in(ALICE), sign_in(BOB), sign_in(DORA)
    alice.submit("/family/transfer", person=str(BOB.id))
    family = one(superuser, "select id from family_plans where is_active")
    assert "Take over, order a year" in words(bob.get("/family"))
    _, number = order_by_transfer(bob, "family", "yearly", transfer=str(family))
    mark_paid(dora, number)
    work()
    assert one(superuser, "select primary_user_id from family_plans where id = %s", family) == BOB.id


def test_money_sent_back_by_hand_ends_what_it_opened(sign_in, superuser, work, mails):
    eve, dora = sign_in(EVE), sign_in(DORA)
    _, number = order_by_transfer(eve)
    mark_paid(dora, number)
    page = dora.get(f"/admin/orders/{number}/refund")
    assert "Send it back from the club’s account first" in words(page)
    sent = {"amount": "5.00", "reference": "Back 3", "before": "0.000"}
    assert dora.submit(f"/admin/orders/{number}/refund", **sent).status_code == 303
    assert "Open it again" in dora.submit(f"/admin/orders/{number}/refund", **sent).get_data(as_text=True)
    assert access(superuser, EVE)[0] == "active"
    assert (
        dora.submit(f"/admin/orders/{number}/refund", **{**sent, "amount": "7.00", "before": "5.000"}).status_code
        == 303
    )
    work()
    assert state(superuser, number)[0] == "refunded" and access(superuser, EVE)[0] == "inactive"
    assert "is on its way back" in mails(EVE.email)[0]["subject"]


def test_the_check_finds_the_dates_right_and_tells_of_plans_left_at_stripe(superuser, worker_app, now):
    prepaid(superuser, EVE, now - timedelta(days=2))
    prepaid(superuser, ALICE, now + timedelta(days=500), "family")
    cut = prepaid(superuser, CHARLIE, now + timedelta(days=500))
    superuser.execute("update orders set cut_at = %s where id = %s", [now + timedelta(days=480), cut])
    subscription(superuser, BOB)
    superuser.execute("select refresh_projection(id, %s) from users", [now])
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        assert [finding.promise for finding in findings(db.session(), at_rest=True) if finding.broken] == []
        assert "1 subscription is believed to be live at Stripe" in " ".join(notes(db.session(), takes_cards=False))
        db.session.rollback()


def test_nobody_asks_a_provider(sign_in, client, superuser, worker_app):
    assert client.post("/webhooks/stripe", data=b"{}").status_code == 404
    assert sign_in(EVE).submit("/plan/card").status_code == 404
    assert sign_in(DORA).submit("/admin/money/compare").status_code == 404
    do(worker_app, reconcile)
    assert one(superuser, "select count(*) from system_logs where operation = 'billing.reconciled'") == 0


@pytest.mark.parametrize(
    "path", ["/plans", "/plan", "/orders", "/help", "/terms", "/privacy", "/account", "/family", "/account/access"]
)
def test_no_page_of_a_member_speaks_of_cards_or_stripe(sign_in, superuser, path):
    said = words(sign_in(ALICE).get(path))
    assert "Stripe" not in said and "your card" not in said and "no card is asked" not in said
