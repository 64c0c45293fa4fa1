"""The page of orders: the viewer's own, newest first, each with its state in a word and a line of why."""

import codecs
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.reading import link, lives_in, one, rows, words

DAY = timedelta(days=1)
PAID = datetime(2026, 3, 14, 22, 30, tzinfo=UTC)


@pytest.fixture
def bought(superuser, charlie):
    """`bought(…)`: an order of Charlie's; the amount is whole and small unless told otherwise."""
    count = iter(range(1, 1000))

    def write(person=charlie, minor=1200, amount="12.00", currency="USD", status="completed", made=PAID, **columns):
        paid = status in ("completed", "refunded")
        row = {
            "user_id": person.id,
            "order_number": f"T-{next(count)}",
            "status": status,
            "amount_minor": minor,
            "amount": amount,
            "currency": currency,
            "subscription_type": "individual",
            "billing_cycle": "monthly",
            "completed_at": made if paid else None,
            "created_at": made,
            **columns,
        }
        names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        superuser.execute(f"insert into orders ({names}) values ({marks})".encode(), list(row.values()))

    return write


@pytest.fixture
def look(sign_in, charlie):
    """`look()`: the page as Charlie sees it."""
    browser = sign_in(charlie)
    return lambda path="/orders": browser.get(path)


def lines(answer):
    return rows(answer, "tr")[1:]


def test_who_has_bought_nothing_reads_where_to_begin(look):
    text = words(look())
    assert "No orders yet. The first one appears here the moment you pay." in text
    assert link(look(), "See the plans") == "/plans"


def test_a_line_says_day_plan_number_state_card_and_amount(look, bought):
    bought(payment_method="Visa ••4242")
    assert lines(look()) == ["15 Mar 2026 Individual, monthly T-1 Paid Visa ••4242 $12.00 Receipt T-1"]


def test_the_day_is_the_readers(look, bought, superuser, charlie):
    bought()
    lives_in(superuser, charlie, "America/New_York")
    assert lines(look())[0].startswith("14 Mar 2026")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"status": "pending"}, "Not paid yet Nothing was charged so far."),
        ({"status": "failed", "provider_invoice_id": "in_1"}, "Failed Nothing was charged."),
        ({"status": "failed"}, "Not finished"),
        ({}, "Paid"),
        ({"refunded_amount": "5.00"}, "Partly refunded"),
        ({"status": "refunded", "refunded_amount": "12.00"}, "Refunded"),
        ({"dispute_state": "open", "disputed_at": PAID}, "Disputed Your bank has asked for this money back."),
        ({"dispute_state": "won", "disputed_at": PAID}, "Paid"),
        ({"dispute_state": "won", "disputed_at": PAID, "refunded_amount": "5.00"}, "Partly refunded"),
    ],
)
def test_a_state_is_a_word_and_why(look, bought, columns, said):
    bought(**columns)
    assert f"T-1 {said}" in lines(look())[0]


def test_what_went_back_stands_under_the_amount(look, bought):
    bought(refunded_amount="5.00")
    assert lines(look())[0].endswith("$12.00 −$5.00 back Receipt T-1")


@pytest.mark.parametrize(
    ("currency", "minor", "amount", "said"),
    [("JPY", 1200, "1200", "¥1,200"), ("USD", 24000, "240.00", "$240.00"), ("KWD", 3500, "3.500", "KWD 3.500")],
)
def test_each_currency_has_its_own_decimals(look, bought, currency, minor, amount, said):
    bought(minor=minor, amount=amount, currency=currency)
    assert lines(look())[0].endswith(f"{said} Receipt T-1")


def test_only_ones_own_orders_are_there(look, sign_in, bought, alice, dora):
    bought(person=alice)
    assert lines(look()) == []
    assert lines(sign_in(dora).get("/orders")) == []


def test_a_family_member_sees_no_order_of_the_payer(sign_in, bought, alice, bob):
    assert len(lines(sign_in(alice).get("/orders"))) == 1
    assert lines(sign_in(bob).get("/orders")) == []


def test_older_orders_follow_without_gap_or_repeat(look, bought):
    for n in range(45):
        bought(made=PAID - (n // 3) * DAY)
    path, seen, pages = "/orders", [], 0
    while path:
        answer = look(path)
        seen, path, pages = seen + [line.split()[5] for line in lines(answer)], link(answer, "Older orders"), pages + 1
    assert sorted(seen, key=lambda number: int(number[2:])) == [f"T-{n}" for n in range(1, 46)] and pages == 3


def test_the_newest_stand_first_and_the_page_says_where_one_is(look, bought):
    for n in range(25):
        bought(made=PAID - n * DAY)
    first = look()
    assert lines(first)[0].startswith("15 Mar 2026") and "24 Feb 2026 to 15 Mar 2026" in words(first)
    second = look(link(first, "Older orders"))
    assert link(first, "Newest orders") is None and link(second, "Newest orders") == "/orders"


@pytest.mark.parametrize("cursor", ["x", "-", "%00", "ffffffffffffffff-" + "f" * 32])
def test_a_page_that_never_was_is_the_first_one(look, bought, cursor):
    bought()
    assert look(f"/orders?from={cursor}").status_code == 200


NEXT = "select next_order_number('2026-03-14')"


def test_an_order_number_carries_a_digit_against_typing_slips(superuser, database):
    numbers = [one(superuser, NEXT) for _ in range(30)]
    assert len(set(numbers)) == 30
    for number in numbers:
        club, year, digits, check = number.split("-")
        weighted = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(digits, start=1))
        assert (club, year, len(digits)) == ("GO", "2026", 8) and (weighted + int(check)) % 10 == 0


def test_an_order_number_tells_nobody_how_many_there_are(superuser, database):
    """The same counts: in no order, and elsewhere in another club."""

    def drawn():
        superuser.execute("select setval('order_numbers', 4000, false)")
        return [int(one(superuser, NEXT).split("-")[2]) for _ in range(20)]

    here = drawn()
    assert here == drawn() and here != sorted(here) and max(here) - min(here) > 1_000_000
    superuser.execute("delete from order_number_key")
    assert len(set(here) & set(drawn())) < 2


def test_the_page_cannot_be_posted_to(look, sign_in, charlie):
    assert sign_in(charlie).submit("/orders").status_code == 405


def test_a_filter_shows_one_state_and_says_when_there_is_none(look, bought):
    bought(order_number="T-9", status="failed", provider_invoice_id="in_9")
    bought()
    assert len(lines(look("/orders?state=failed"))) == 1 and "None of your orders is disputed." in words(
        look("/orders?state=disputed")
    )
    assert len(lines(look("/orders?state=nonsense"))) == 2


EACH = {
    "paid": ({}, {"dispute_state": "won", "disputed_at": PAID}),
    "partly refunded": ({"refunded_amount": "5.00"},),
    "refunded": ({"status": "refunded", "refunded_amount": "12.00"},),
    "failed": ({"status": "failed", "provider_invoice_id": "in_1"},),
    "not finished": ({"status": "failed"},),
    "pending": ({"status": "pending"},),
    "disputed": ({"dispute_state": "open", "disputed_at": PAID},),
    "lost": ({"dispute_state": "lost", "disputed_at": PAID},),
}


WORDS = {"pending": "not paid yet", "lost": "lost to a dispute"}


def test_each_order_is_under_the_one_filter_whose_word_it_shows(look, bought):
    for orders in EACH.values():
        for columns in orders:
            bought(**columns)
    for word, orders in EACH.items():
        found = lines(look(f"/orders?state={word.replace(' ', '+')}"))
        assert len(found) == len(orders) and all(WORDS.get(word, word) in line.lower() for line in found)


def test_a_filtered_list_leads_on_to_its_own_older_orders(look, bought):
    for n in range(45):
        bought(made=PAID - n * DAY, refunded_amount=5 * (n % 2))
    first = look("/orders?state=partly+refunded")
    assert len(lines(first)) == 20 and len(lines(look(link(first, "Older orders")))) == 2


def test_a_receipt_says_who_paid_what_for_which_days(look, bought, charlie):
    bought(payment_method="Visa ••4242", refunded_amount="5.00")
    said = words(look("/orders/T-1"))
    assert charlie.email in said and "$12.00" in said and "tax" not in said and "−$5.00 back, $7.00 kept" in said


def test_a_receipt_names_the_seller_and_where_one_is_known_the_seat(look, bought, app, monkeypatch):
    bought()
    assert "From Goalete help@goalete.club" in words(look("/orders/T-1"))
    seated = replace(app.config["SETTINGS"], club_address="Moda Caddesi 1\nIstanbul")
    monkeypatch.setitem(app.config, "SETTINGS", seated)
    assert "From Goalete Moda Caddesi 1 Istanbul help@goalete.club" in words(look("/orders/T-1"))


def test_two_receipts_share_no_moment(look, bought):
    """The one ends where the other begins, and both say the hour."""
    bought(period_start=PAID, period_end=PAID + 30 * DAY)
    bought(period_start=PAID + 30 * DAY, period_end=PAID + 60 * DAY)
    assert "15 March 2026, 01:30 to 14 April 2026, 01:30, Istanbul" in words(look("/orders/T-1"))
    assert "14 April 2026, 01:30 to 14 May 2026, 01:30, Istanbul" in words(look("/orders/T-2"))


def test_a_receipt_leads_on_to_the_providers_own_invoice(bank, sign_in, superuser, eve, alice):
    browser = sign_in(eve)
    bank.buy(browser)
    number = one(superuser, "select order_number from orders where user_id = %s", eve.id)
    assert "Open Stripe’s invoice" in words(browser.get(f"/orders/{number}"))
    invoice = one(superuser, "select provider_invoice_id from orders where user_id = %s", eve.id)
    assert browser.submit(f"/orders/{number}/invoice").location.endswith(invoice)
    assert sign_in(alice).submit(f"/orders/{number}/invoice").status_code == 404
    superuser.execute("update orders set provider_invoice_id = 'in_gone' where order_number = %s", [number])
    refused = browser.submit(f"/orders/{number}/invoice")
    assert refused.status_code == 409 and "does not take this as things stand" in refused.text


def test_the_heading_adds_up_what_was_kept_this_year(look, bought, now):
    assert words(look(), "h1") == "Your orders"
    bought(made=now, refunded_amount="5.00")
    bought(made=now - 400 * DAY)
    bought(made=now, dispute_state="lost", disputed_at=now)
    bought(made=now, status="failed")
    assert words(look(), "h1") == "You have paid $7.00 this year."


def test_few_orders_need_no_filter(look, bought):
    for _ in range(19):
        bought()
    assert "<select" not in look().text
    bought()
    assert "<select" in look().text


def test_there_is_no_receipt_for_what_was_not_paid_nor_for_strangers(look, sign_in, bought, alice):
    bought(status="failed")
    bought(order_number="T-2")
    assert look("/orders/T-1").status_code == 404
    assert sign_in(alice).get("/orders/T-2").status_code == 404


def test_a_spreadsheet_takes_no_cell_for_a_formula(look, bought):
    bought(payment_method="=HYPERLINK(1)", currency="KWD", minor=3500, amount="3.500")
    answer = look("/orders.csv")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(codecs.BOM_UTF8), "Excel reads UTF-8 only where it says so"
    assert "'=HYPERLINK(1)" in answer.text and ",3.500,0.000,KWD," in answer.text


def test_the_card_that_pays_is_named_under_the_list(look, bought, superuser, charlie):
    bought()
    superuser.execute(
        "insert into subscriptions (user_id, provider_subscription_id, status, subscription_type, billing_cycle, amount_minor,"
        " currency, started_at, grace_days, card, card_expires)"
        " values (%s, 'sub_1', 'active', 'individual', 'monthly', 1200, 'USD', now(), 7, 'Visa ••4242', '08/28')",
        [charlie.id],
    )
    assert "Visa ••4242, valid to 08/28." in words(look())
