"""Money for admins: what they see of it, what they may give, and that it moves only when the provider says so."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.billing import provider
from portal.times import date_in_words
from tests.support.reading import link, lives_in, plain, words
from tests.support.waitlist import one


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
    assert (
        admin.submit(f"{money_of(eve)}/days", kind="offline", until=day.isoformat(), reason="Paid in cash.").status_code
        == 303
    )
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
    assert stale.submit(f"{money_of(eve)}/days", **form).location == "/account/second-factor"
    assert one(superuser, "select count(*) from access_grants where user_id = %s", eve.id) == 0


def test_the_page_of_a_person_says_what_the_provider_said_and_what_that_did(admin, bank, paid, eve):
    said = words(admin.get(money_of(eve)))
    assert "A plan of their own, Individual" in said and paid in said
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


def test_an_order_leads_to_its_payment_at_the_provider(admin, bank, paid, eve, superuser, app):
    page = admin.get(money_of(eve))
    payment = one(superuser, "select provider_payment_id from orders where order_number = %s", paid)
    assert link(page, f"At Stripe, {paid}") == f"{app.config['SETTINGS'].stripe_url}/payments/{payment}"
    assert "Visa ••4242" in words(page)


@pytest.mark.parametrize(
    ("key", "place"),
    [("sk_live_x", "https://dashboard.stripe.com"), ("sk_test_x", "https://dashboard.stripe.com/test")],
)
def test_on_a_real_server_that_is_stripes_own_desk(app, monkeypatch, key, place):
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], stripe_url="", stripe_key=key))
    with app.app_context():
        assert provider.dashboard_url("pi_1") == f"{place}/payments/pi_1"


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "Europe/Istanbul"])
def test_the_last_day_is_the_clubs_wherever_the_admin_sits(admin, dora, eve, superuser, zone):
    lives_in(superuser, dora, zone)
    day = datetime.now(ZoneInfo("Europe/Istanbul")).date() + timedelta(days=10)
    admin.submit(f"{money_of(eve)}/days", kind="offline", until=day.isoformat(), reason="Paid in cash.")
    until = one(superuser, "select access_until from users where id = %s", eve.id)
    assert until.astimezone(ZoneInfo("Europe/Istanbul")).date() == day
    lives_in(superuser, dora, "Europe/Istanbul")
    assert plain(f"Yes, until {date_in_words(day)}.") in words(admin.get(money_of(eve)))


GOOD = {
    "days": {"kind": "complimentary", "until": "2099-01-01", "reason": "Kindness."},
    "refund": {"amount": "5.00", "cut": "2099-01-01", "reason": "The hall was cold."},
}
PLAIN = ["9999-12-31", "0001-01-01", "2026-02-30", "1e999", "-1", "()"]
ODD = ["", "\x00", "a\x00b", "line\r\nbreak", "\u202eevil", "x" * 5000, *PLAIN]


FIELDS = [(form, field) for form, fields in GOOD.items() for field in fields]
NOT_ODD = {"cut": [""], "reason": PLAIN}


def filled_in(admin, paid, eve, form, **changes):
    path = {"days": f"{money_of(eve)}/days", "refund": f"/admin/orders/{paid}/refund"}[form]
    return admin.submit(path, **GOOD[form] | changes)


@pytest.mark.parametrize(("form", "field"), FIELDS)
def test_one_odd_answer_among_good_ones_is_told_at_its_field_and_moves_nothing(
    admin, bank, paid, eve, superuser, form, field
):
    for odd in ODD:
        if odd not in NOT_ODD.get(field, []):
            answer = filled_in(admin, paid, eve, form, **{field: odd})
            assert answer.status_code == 422 and answer.text.count('class="error"') == 1, odd
    assert one(superuser, "select count(*) from access_grants where user_id = %s", eve.id) == 0
    assert bank.world.ledger().total == {"usd": 1200}


@pytest.mark.parametrize(
    ("form", "field", "words"), [(*where, words) for where in FIELDS for words in NOT_ODD.get(where[1], [])[:2]]
)
def test_words_are_odd_in_some_fields_only(admin, bank, paid, eve, form, field, words):
    assert filled_in(admin, paid, eve, form, **{field: words}).status_code == 303
