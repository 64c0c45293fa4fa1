"""The provider's knock at the door: only its own, only fresh, only once, and nothing kept that facts do not need."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import clock
from portal.sandbox.stripe import customers
from portal.sandbox.stripe.cards import CARDS
from portal.sandbox.stripe.world import sign
from tests.support.reading import one, statements

SECRET = "whsec_test"
NOTED = "select count(*) from provider_events"
WAITING = "select count(*) from procrastinate_jobs where starts_with(task_name, 'billing.refetch')"
REFUSED = "select count(*) from system_logs where operation = 'provider.refused' and category = 'security'"
HERE = "/webhooks/stripe"


def event(about=None, **more):
    made = int(time.time())
    object_ = {"id": "sub_1", "object": "subscription", "customer": "cus_1"} if about is None else about
    return {
        "id": "evt_1",
        "object": "event",
        "type": "customer.subscription.updated",
        "created": made,
        "data": {"object": object_},
    } | more


@pytest.fixture
def knock(client):
    """`knock(event)`: a delivery as the provider signs it, unless told otherwise; its status."""

    def post(said, secret=SECRET, age=0, signature=None):
        body = said if isinstance(said, str) else json.dumps(said)
        header = sign(body, secret, int(time.time()) - age) if signature is None else signature
        return client.post(
            HERE, data=body.encode(errors="surrogatepass"), headers={"Stripe-Signature": header}
        ).status_code

    return post


def counts(superuser):
    return tuple(one(superuser, count) for count in (NOTED, WAITING, REFUSED))


def test_a_true_delivery_is_noted_and_wakes_one_job(knock, superuser):
    assert [knock(event()) for _ in range(3)] == [200, 200, 200]
    assert counts(superuser) == (1, 1, 0)


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "whsec_another"},
        {"age": 301},
        {"age": 86400},
        {"signature": ""},
        {"signature": "t=1,v1=00"},
        {"signature": "nonsense"},
        {"signature": "t=abc,v1="},
        {"signature": "v1=00"},
        {"signature": f"t={10**30},v1=é"},
    ],
)
def test_a_forged_or_old_one_is_refused_noted_and_changes_nothing(knock, superuser, how):
    assert knock(event(), **how) == 400
    assert counts(superuser) == (0, 0, 1)


def test_almost_too_old_is_not_too_old(knock, superuser):
    assert knock(event(), age=290) == 200 and counts(superuser) == (1, 1, 0)


def test_one_letter_changed_on_the_way_is_noticed(knock, superuser):
    said = json.dumps(event())
    signature = sign(said, SECRET, int(time.time()))
    assert knock(said.replace("cus_1", "cus_2"), signature=signature) == 400
    assert counts(superuser) == (0, 0, 1)


def test_without_a_signature_nobody_reads_on(client, superuser):
    assert client.post(HERE, data=json.dumps(event())).status_code == 400
    assert counts(superuser) == (0, 0, 1)


def test_more_than_a_megabyte_is_not_read(knock, superuser):
    assert knock(event(note="x" * 1024 * 1024)) == 400
    assert counts(superuser) == (0, 0, 1)


DEEP = "[" * 5000 + "]" * 5000
SHAPES = [
    "",
    "no",
    "null",
    "true",
    "7",
    "[]",
    "{}",
    '"text"',
    "[[]]",
    DEEP,
    '{"data":' * 3000 + "1" + "}" * 3000,
    event([]),
    event("text"),
    event(7),
    event(data=None),
    event(data=[]),
    event(data={}),
    event(data={"object": None}),
    event(id=None),
    event(id=7),
    event(id=["evt"]),
    event(type=None),
    event(type={}),
    event(id="e" * 5000),
    event(type="t" * 5000),
    event(created=None),
    event(created="now"),
    event(created=10**30),
    event(created=-(10**15)),
    event(created=1e300),
    event({"customer": 7}),
    event({"customer": {"id": "cus_1"}}),
    event({"customer": ["cus_1"]}),
    event({"customer": "c" * 5000}),
    event({"payment_intent": {}}),
    event({"object": "customer"}),
    event({"customer": "cus\x00"}),
    event(id="evt\x00"),
    event(note="\x00"),
    event(id="\ud800"),
    event(note="\udfff"),
    json.dumps(event(note=0)).replace('"note": 0', '"note": NaN'),
    json.dumps(event(note=0)).replace('"note": 0', '"note": 1e999'),
    json.dumps(event(note=0)).replace('"note": 0', '"note": ' + "9" * 5000),
]


def test_who_comes_with_rubbish_again_and_again_is_sent_away_and_noted_once(knock, superuser):
    assert [knock(event(), secret="whsec_another") for _ in range(25)] == [400] * 20 + [429] * 5
    assert counts(superuser) == (0, 0, 1)
    assert one(superuser, "select count(*) from system_logs where operation = 'limit.reached'") == 1
    assert knock(event()) == 200, "what is true comes in all the same"


@pytest.mark.parametrize("said", SHAPES, ids=range(len(SHAPES)))
def test_signed_nonsense_is_refused_politely(knock, superuser, said):
    assert knock(said) == 400
    assert counts(superuser) == (0, 0, 1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "object", "customer", "payment_intent", "x"]) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
FUZZ = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@given(about=json_values, id=json_values, created=json_values)
@FUZZ
def test_whatever_is_signed_is_answered(knock, superuser, about, id, created):
    superuser.execute("delete from rate_limits")
    before = counts(superuser)
    status = knock(event(about, id=id, created=created))
    noted, _, refused = counts(superuser)
    assert status in (200, 400) and (noted - before[0], refused - before[2]) in (
        (1, 0),
        (0, 0) if status == 200 else (0, 1),
    )


ANY_WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=255))
ALMOST = st.from_regex(r"(t=[0-9]{1,20},?|v[0-9]=\w*,?|,|=)+", fullmatch=True)


@given(signature=ANY_WORDS | ALMOST)
@FUZZ
def test_no_made_up_signature_opens(knock, superuser, signature):
    superuser.execute("delete from rate_limits")
    assert knock(event(), signature=signature) == 400 and one(superuser, NOTED) == 0


@pytest.mark.parametrize(
    ("said", "jobs"),
    [
        (event(type="moon.risen"), 1),
        (event({"object": "product", "id": "prod_1"}), 0),
        (event({"payment_intent": "pi_1"}), 1),
        (event({}), 0),
    ],
)
def test_a_kind_nobody_knows_is_counted_and_at_most_asked_about(knock, superuser, said, jobs):
    assert knock(said) == 200 and counts(superuser) == (1, jobs, 0)


def test_a_customer_of_somebody_else_is_noted_as_not_ours(bank, superuser):
    with bank.world.books() as books:
        customers.create(books, {"email": "shop@elsewhere.example"})
    bank.tell()
    told = superuser.execute("select outcome from provider_events where customer_id is not null").fetchall()
    assert set(told) == {("not of this club",)} and one(superuser, "select count(*) from payers") == 0


def test_a_payment_of_somebody_else_is_noted_as_not_ours(bank, knock, superuser):
    knock(event({"object": "dispute", "payment_intent": "pi_elsewhere"}))
    bank.work()
    assert one(superuser, "select outcome from provider_events where id = 'evt_1'") == "not of this club"


def test_eight_at_once_are_one_event_and_one_job(app, superuser):
    body = json.dumps(event())
    headers = {"Stripe-Signature": sign(body, SECRET, int(time.time()))}
    with ThreadPoolExecutor(8) as hands:
        told = list(
            hands.map(lambda _: app.test_client().post(HERE, data=body, headers=headers).status_code, range(16))
        )
    assert told == [200] * 16 and counts(superuser) == (1, 1, 0)


PERSON = {
    "email": "vera@home.example",
    "name": "Vera Person",
    "phone": "+49301234567",
    "address": {"line1": "Lindenweg 7", "city": "Kiel", "country": "DE"},
}
TRACES = ("vera@home", "Vera Person", "301234567", "Lindenweg", "203.0.113.9", "https://pay.example", "/i/in_")


def test_no_letter_leaves_a_person_behind(bank, superuser, knock):
    """Every letter of a bought, renewed and disputed plan, with a person's data wherever the provider has them."""
    with bank.world.books() as books:
        who = customers.create(books, PERSON)
        customers.keep_card(books, CARDS["4242424242424242"], who, PERSON["name"])
    evidence = {
        "customer_name": PERSON["name"],
        "customer_email_address": PERSON["email"],
        "customer_purchase_ip": "203.0.113.9",
    }
    deep = {
        "object": "charge",
        "customer": "cus_1",
        "receipt_url": "https://pay.example/r",
        "list": [{"billing_details": PERSON}],
        "invoice": {
            "hosted_invoice_url": "https://pay.example/i",
            "invoice_pdf": "https://pay.example/pdf",
            "customer_shipping": PERSON,
        },
    }
    for number, about in enumerate(
        (deep, {"object": "dispute", "evidence": evidence}, {"customer_details": PERSON, "x": {"y": PERSON}})
    ):
        knock(
            event(
                about,
                id=f"evt_deep_{number}",
                data={"object": about, "previous_attributes": PERSON | {"deeper": [PERSON]}},
            )
        )
    bank.tell()
    kept = superuser.execute("select body::text from provider_events").fetchall()
    assert len(kept) > 4 and [trace for trace in TRACES for (body,) in kept if trace in body] == []


def test_who_paid_leaves_no_address_in_the_letters(bank, sign_in, eve, superuser):
    bank.buy(sign_in(eve))
    kept = "".join(body for (body,) in superuser.execute("select body::text from provider_events").fetchall())
    assert "sub_" in kept and eve.email not in kept and "/i/in_" not in kept and "/c/pay/" not in kept


def test_a_knock_costs_three_statements_and_waits_for_nobody(app, knock):
    knock(event())
    with statements() as sent:
        knock(event(id="evt_2"))
    assert len(sent) <= 3


def test_the_words_are_forgotten_after_ninety_days_and_the_name_is_not(knock, superuser, worker_app):
    from portal.billing import jobs
    from tests.support.reading import do

    knock(event())
    superuser.execute("update provider_events set received_at = now() - interval '91 days'")
    do(worker_app, jobs.forget, datetime.now(UTC))
    assert superuser.execute("select id, body from provider_events").fetchall() == [("evt_1", None)]
    assert knock(event()) == 200 and one(superuser, WAITING) == 1


def test_the_stand_in_signs_by_the_machines_clock_whatever_hour_a_test_says_it_is(bank, sign_in, eve, superuser):
    with clock.at(datetime.now(UTC) - timedelta(hours=1)):
        bank.buy(sign_in(eve))
    assert one(superuser, "select count(*) from provider_events where handled_at is not null") > 0
