"""Money for admins: what they see of it, what they may give, and that it moves only when the provider says so."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.line import one
from tests.support.reading import words


@pytest.fixture
def admin(sign_in, dora):
    """Dora, with a code given a moment ago."""
    return sign_in(dora)


@pytest.fixture
def paid(bank, sign_in, eve, superuser):
    """Eve's order, paid a moment ago."""
    bank.buy(sign_in(eve))
    return one(superuser, "select order_number from orders where user_id = %s", eve.id)


def money_of(person):
    return f"/admin/people/{person.id}/money"


def test_a_refund_is_asked_of_the_provider_and_comes_back_as_its_word(admin, bank, paid, eve, superuser):
    assert admin.submit(f"/admin/orders/{paid}/refund", amount="5.00", reason="The hall was cold.").status_code == 303
    assert one(superuser, "select refunded_amount from orders where order_number = %s", paid) == 0
    bank.tell()
    assert one(superuser, "select refunded_amount from orders where order_number = %s", paid) == 5
    assert bank.world.ledger().total == {"usd": 700}


def test_pressed_twice_it_goes_back_once(admin, bank, paid, superuser):
    for _ in range(2):
        admin.submit(f"/admin/orders/{paid}/refund", amount="5.00", reason="The hall was cold.")
    bank.tell()
    assert bank.world.ledger().total == {"usd": 700}


@pytest.mark.parametrize("amount", ["12.01", "0", "-1", "1.005", "much", "NaN", "1e3"])
def test_no_more_than_was_paid_and_no_half_cents(admin, bank, paid, superuser, amount):
    answer = admin.submit(f"/admin/orders/{paid}/refund", amount=amount, reason="Why not.")
    assert answer.status_code == 422 and "Why not." in answer.text
    bank.tell()
    assert bank.world.ledger().total == {"usd": 1200}


def test_a_refund_can_shorten_what_the_order_opens(admin, bank, paid, eve, superuser, now):
    tomorrow = (now + timedelta(days=1)).date().isoformat()
    admin.submit(f"/admin/orders/{paid}/refund", amount="6.00", cut=tomorrow, reason="Half the month.")
    bank.tell()
    assert one(superuser, "select access_until < now() + interval '9 days' from users where id = %s", eve.id)


def test_days_are_given_until_the_end_of_the_day_with_a_reason(admin, eve, superuser):
    day = datetime.now(ZoneInfo("Europe/Istanbul")).date() + timedelta(days=10)
    assert admin.submit(f"{money_of(eve)}/days", kind="offline", until=day.isoformat(), reason="Paid in cash.").status_code == 303
    until = one(superuser, "select access_until from users where id = %s", eve.id)
    assert until.astimezone(ZoneInfo("Europe/Istanbul")).isoformat()[:16] == f"{day}T23:59"
    assert "Paid in cash." in words(admin.get(money_of(eve)))


@pytest.mark.parametrize(("field", "value"), [("until", ""), ("until", "2001-01-01"), ("reason", ""), ("kind", "gold")])
def test_days_need_a_day_ahead_and_a_reason(admin, eve, superuser, field, value):
    form = {"kind": "complimentary", "until": "2099-01-01", "reason": "Kindness.", field: value}
    assert admin.submit(f"{money_of(eve)}/days", **form).status_code == 422
    assert one(superuser, "select count(*) from access_grants where user_id = %s", eve.id) == 0


def test_without_a_fresh_code_nothing_is_given(sign_in, dora, eve, superuser):
    stale = sign_in(dora)
    superuser.execute("update sign_ins set proved_at = now() - interval '31 minutes'")
    form = {"kind": "complimentary", "until": "2099-01-01", "reason": "Kindness."}
    assert money_of(eve) not in (stale.submit(f"{money_of(eve)}/days", **form).location or "")
    assert one(superuser, "select count(*) from access_grants where user_id = %s", eve.id) == 0


def test_the_page_of_a_person_says_what_the_provider_said_and_what_that_did(admin, bank, paid, eve):
    said = words(admin.get(money_of(eve)))
    assert "Your own plan, Individual" in said and paid in said
    assert "invoice.paid" in said and f"order {paid} paid" in said


def test_asking_now_needs_no_knock(admin, bank, paid, eve, superuser):
    superuser.execute("update subscriptions set status = 'past_due'")
    admin.submit(f"{money_of(eve)}/ask")
    bank.work()
    assert one(superuser, "select status from subscriptions") == "active"


def test_comparing_now_repairs_and_says_so(admin, bank, paid, superuser):
    superuser.execute("delete from subscriptions")
    admin.submit("/admin/money/compare")
    bank.work()
    assert one(superuser, "select status from subscriptions") == "active"
    assert "Stripe and the club agree" in words(admin.get("/admin/money"))


def test_what_came_in_is_counted_by_month_after_refunds(admin, bank, paid, superuser):
    """Seven dollars of Eve's are left, and Alice paid 190 for her family."""
    admin.submit(f"/admin/orders/{paid}/refund", amount="5.00", reason="The hall was cold.")
    bank.tell()
    assert "$197.00 this month, after refunds" in words(admin.get("/admin/money"))
