"""The pages without a browser: sentences at the fields, where they lead, and what they let in."""

import pytest
from werkzeug.test import Client

from tests.sandbox.stripe.account import at

CARD = {"number": "4242 4242 4242 4242", "expiry": "04/31", "cvc": "123", "name": "Ana"}


@pytest.fixture
def person(account):
    return Client(account.world.wsgi)


@pytest.fixture
def till(account):
    return account.session(
        success_url="http://portal.test/ok?s={CHECKOUT_SESSION_ID}", cancel_url="http://portal.test/"
    )


def path(url):
    return url.removeprefix("http://127.0.0.1:8001")


def test_the_till_says_what_how_much_and_how_often(person, till):
    page = person.get(path(till.url)).text
    for words in (
        "Individual",
        "10.00 EUR per month",
        "Pay 10.00 EUR",
        "no real money",
        "Back to the club",
        "4000 0025",
    ):
        assert words in page


def test_a_payment_leads_back_to_the_club(person, till, account):
    answer = person.post(path(till.url), data=CARD)
    assert (answer.status_code, answer.location) == (303, f"http://portal.test/ok?s={till.id}")
    assert "already paid" in person.get(path(till.url)).text
    person.post(path(till.url), data=CARD)
    assert account.world.ledger().total == {"eur": 1000}


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"number": "4242 4242"}, "not a card number"),
        ({"number": "4242424242424241"}, "not a card number"),
        ({"number": "4111111111111111"}, "only the test cards"),
        ({"expiry": "01/20"}, "has expired"),
        ({"expiry": "soon"}, "month and the year"),
        ({"cvc": "1"}, "three digits"),
        ({"name": ""}, "Write the name"),
        ({"number": "4000000000009995"}, "insufficient funds"),
    ],
)
def test_a_wrong_card_is_told_at_the_field_and_kept(person, till, typed, sentence):
    answer = person.post(path(till.url), data={**CARD, **typed})
    assert answer.status_code == 422 and sentence in answer.text
    assert all(value in answer.text for value in {**CARD, **typed}.values())


def test_a_test_card_fills_the_form(person, till):
    assert 'value="4000000000000341"' in person.get(f"{path(till.url)}?card=4000000000000341").text


def test_the_bank_asks_and_is_answered(person, till, account):
    response = person.post(path(till.url), data={**CARD, "number": "4000002500003155"})
    assert response.location.endswith("/bank") and "10.00 EUR" in person.get(response.location).text
    refused = person.post(response.location, data={"answer": "refuse"})
    assert refused.status_code == 422 and "could not confirm" in refused.text
    assert person.post(response.location, data={"answer": "confirm"}).location.startswith("http://portal.test/ok")


def test_an_expired_page_says_so(person, till):
    with at(1.1):
        assert "This page has expired" in person.get(path(till.url)).text


def test_a_payment_is_found_by_its_name_as_at_the_real_ones_desk(person, account):
    account.subscribe()
    (charge,) = account.api.charges.list().data
    assert "Paid on" in person.get(person.get(f"/payments/{charge.payment_intent}").location).text


@pytest.mark.parametrize(
    "where", ["/c/pay/cs_x", "/p/session/bps_x", "/i/in_x", "/payments/pi_x", "/nowhere", "/c/pay/cs_x/bank"]
)
def test_there_is_nothing_at_a_wrong_address(person, where):
    assert person.get(where).status_code == 404


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.test"}, {"Origin": "null"}]
)
def test_other_sites_cannot_press_our_buttons(person, till, account, headers):
    for where in (path(till.url), "/switch"):
        assert person.post(where, data=CARD, headers=headers).status_code == 403
    assert account.world.ledger().total == {} and account.api.checkout.sessions.retrieve(till.id).status == "open"


def test_nothing_comes_from_elsewhere_and_the_form_may_lead_back(person, till):
    policy = person.get(path(till.url)).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "form-action 'self' http://portal.test;" in policy
    assert "portal.test" not in person.get("/").headers["Content-Security-Policy"]


def test_reading_changes_nothing(person, till, account):
    account.subscribe()
    told = len(account.told())
    for where in ("/", path(till.url), "/style.css", path(account.wallet().url)):
        assert person.get(where).status_code == 200
    assert person.get(f"{path(till.url)}/bank").status_code == 303, "nothing was asked of the bank yet"
    assert len(account.told()) == told


def test_the_customer_changes_the_card_for_everything(person, account):
    sub = account.subscribe("4000000000000341")
    link = path(account.wallet().url)
    assert "Visa ending in" in person.get(link).text
    assert person.post(f"{link}/card", data={**CARD, "number": "5555555555554444"}).status_code == 303
    with at(29):
        assert account.see(sub).latest_invoice.status == "paid"


def test_a_link_made_for_the_card_leads_back_when_done(person, account):
    account.subscribe()
    back = {"type": "redirect", "redirect": {"return_url": "http://portal.test/billing"}}
    link = path(account.wallet(flow_data={"type": "payment_method_update", "after_completion": back}).url)
    response = person.post(f"{link}/card", data={**CARD, "number": "4000002500003155"})
    assert response.location == f"{link}/bank" and "kept" in person.get(response.location).text
    assert person.post(response.location, data={"answer": "confirm"}).location == "http://portal.test/billing"


def test_the_customer_ends_and_resumes(person, account):
    sub, link = account.subscribe(), path(account.wallet().url)
    person.post(f"{link}/end", data={"subscription": sub.id})
    assert account.see(sub).cancel_at_period_end and "Ends on 28 February 2026" in person.get(link).text
    person.post(f"{link}/resume", data={"subscription": sub.id})
    assert not account.see(sub).cancel_at_period_end


def test_nobody_ends_somebody_elses(person, account):
    link = path(account.wallet().url)
    account.ana = account.api.customers.create(params={"email": "ben@example.org"})
    sub = account.subscribe()
    assert person.post(f"{link}/end", data={"subscription": sub.id}).status_code == 404
    assert not account.see(sub).cancel_at_period_end


def test_the_link_is_good_for_an_hour(person, account):
    link = path(account.wallet().url)
    with at(0.05):
        assert person.get(link).status_code == 404


def test_an_open_invoice_is_paid_on_its_page(person, account):
    sub = account.subscribe("4000000000000341")
    with at(29):
        bill = path(account.see(sub).latest_invoice.hosted_invoice_url)
        assert "Pay this invoice" in person.get(bill).text
        assert person.post(bill, data={**CARD, "number": "4000000000000002"}).status_code == 422
        assert person.post(bill, data=CARD).status_code == 303
        assert account.see(sub).status == "active" and "Paid on" in person.get(bill).text


def test_a_bank_that_holds_up_a_renewal_is_answered_on_the_invoice(person, account):
    sub = account.subscribe("4000002760003184")
    with at(29):
        bill = path(account.see(sub).latest_invoice.hosted_invoice_url)
        assert person.post(f"{bill}/bank", data={"answer": "refuse"}).status_code == 422
    with at(30):
        bank = person.post(bill, data={**CARD, "number": "4000002760003184"}).location
        person.post(bank, data={"answer": "confirm"})
        assert account.see(sub).latest_invoice.status == "paid"


def test_the_lookout_shows_and_lets_the_world_misbehave(person, account):
    account.subscribe()
    (charge,) = account.api.charges.list().data
    (event,) = account.api.events.list(params={"type": "charge.succeeded"}).data
    waiting = len(account.world.undelivered())
    person.post(f"/dispute/{charge.id}"), person.post(f"/again/{event.id}")
    person.post("/switch", data={"api": "429", "twice": "on", "late_seconds": "60"})
    assert account.world.switches() | {"shuffled": 0} == {
        "api": "429",
        "twice": True,
        "late_seconds": 60,
        "shuffled": 0,
        "never": False,
        "refunds": "ok",
    }
    account.world.switch()
    (dispute,) = account.api.disputes.list().data
    assert [each.event_id for each in account.world.undelivered()[waiting:]].count(event.id) == 1
    person.post(f"/disputes/{dispute.id}/won")
    page = person.get("/").text
    assert all(words in page for words in ("Ana", "dispute won", "charge.succeeded", "waits", "active"))
