"""The manners of the API: keys, errors, pages, expanding, and asking the same thing twice."""

import threading

import pytest
import stripe

from tests.sandbox.stripe.account import Account, Checked, at


def refusal(call, *ids, **params):
    with pytest.raises(stripe.StripeError) as refused:
        call(*ids, **params)
    return refused.value


def test_a_wrong_key_is_refused(account):
    stranger = stripe.StripeClient("sk_test_wrong", http_client=Checked(account.world))
    assert isinstance(refusal(stranger.v1.customers.list), stripe.AuthenticationError)


def test_another_version_of_the_language_is_refused(account):
    old = stripe.StripeClient("sk_test_sandbox", http_client=Checked(account.world), stripe_version="2024-06-20")
    assert "speaks" in refusal(old.v1.customers.list).user_message


def test_what_is_not_there_is_missing(account):
    error = refusal(account.api.customers.retrieve, "cus_nobody")
    assert (error.http_status, error.code, error.param) == (404, "resource_missing", "id")


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"emial": "x"}, "parameter_unknown", "emial"),
        ({"address": {"town": "x"}}, "parameter_unknown", "address[town]"),
        ({"balance": "much"}, "parameter_invalid_integer", "balance"),
        ({"tax": {"ip_address": "1.1.1.1"}}, "sandbox_unsupported", "tax.ip_address"),
        ({"email": ""}, "parameter_invalid_empty", "email"),
    ],
)
def test_what_makes_no_sense_is_named(account, params, code, param):
    error = refusal(account.api.customers.create, params=params)
    assert (error.http_status, error.code, error.param) == (400, code, param)


def test_a_missing_parameter_is_named(account):
    assert refusal(account.api.products.create, params={}).param == "name"


def test_metadata_is_merged(account):
    update = account.api.customers.update
    update(account.ana.id, params={"metadata": {"a": "1", "b": "2"}})
    assert update(account.ana.id, params={"metadata": {"a": "", "c": "3"}}).metadata.to_dict() == {"b": "2", "c": "3"}
    assert update(account.ana.id, params={"metadata": ""}).metadata.to_dict() == {}


def test_lists_come_in_pages(account):
    made = [account.api.customers.create(params={"email": f"p{n}@example.org"}).id for n in range(7)]
    first = account.api.customers.list(params={"limit": 3})
    assert ([one.id for one in first.data], first.has_more) == (made[:-4:-1], True)
    back = account.api.customers.list(params={"limit": 2, "ending_before": made[3]})
    assert [one.id for one in back.data] == [made[5], made[4]]
    everybody = account.api.customers.list(params={"limit": 2}).auto_paging_iter()
    assert [one.id for one in everybody] == [*made[::-1], account.ana.id]
    assert refusal(account.api.customers.list, params={"limit": 101}).param == "limit"
    assert refusal(account.api.customers.list, params={"starting_after": "cus_x"}).param == "starting_after"


def test_prices_are_found_by_their_keys_which_can_move(account):
    params = {"currency": "jpy", "unit_amount": 500, "product_data": {"name": "Guest"}, "lookup_key": "guest"}
    old = account.api.prices.create(params=params)
    assert refusal(account.api.prices.create, params=params).param == "lookup_key"
    new = account.api.prices.create(params={**params, "transfer_lookup_key": True})
    assert [price.id for price in account.api.prices.list(params={"lookup_keys": ["guest", "x"]}).data] == [new.id]
    assert account.api.prices.retrieve(old.id).lookup_key is None


def test_objects_unfold_where_asked(account):
    with at(0):
        sub = account.subscribe()
        params = {"expand": ["data.latest_invoice.payments", "data.customer", "data.default_payment_method"]}
        seen = account.api.subscriptions.list(params=params).data[0]
        assert seen.customer.email == "ana@example.org" and seen.default_payment_method.card.last4 == "4242"
        assert seen.latest_invoice.payments.data[0].status == "paid"
        error = refusal(account.api.subscriptions.retrieve, sub.id, params={"expand": ["status"]})
        deep = {"expand": ["a.b.c.d.e"]}
        assert error.param == refusal(account.api.customers.list, params=deep).param == "expand"


def test_asking_again_with_the_same_key_is_one_answer(account):
    ask = account.api.customers.create
    first = ask(params={"email": "ben@example.org"}, options={"idempotency_key": "k"})
    again = ask(params={"email": "ben@example.org"}, options={"idempotency_key": "k"})
    assert again.id == first.id and again.last_response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        ask(params={"email": "cara@example.org"}, options={"idempotency_key": "k"})
    with at(1000), pytest.raises(stripe.InvalidRequestError):  # a refusal is an answer too ...
        ask(params={"emial": "x"}, options={"idempotency_key": "r"})
    with at(1002):  # ... but after a day every key is new
        assert ask(params={"email": "dan@example.org"}, options={"idempotency_key": "r"})


def test_eight_threads_with_one_key_make_one_customer(file, monkeypatch):
    """Whoever comes while the first is still answered is told to ask again, and does so after a pause, as stripe would."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.05)
    account = Account(file)
    start, made = threading.Barrier(8), []

    def ask():
        client = stripe.StripeClient("sk_test_sandbox", http_client=Checked(account.world), max_network_retries=10)
        start.wait()
        made.append(client.v1.customers.create(params={"email": "b@example.org"}, options={"idempotency_key": "k"}).id)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert len(made) == 8 and len(set(made)) == 1
    assert len(account.api.customers.list(params={"email": "b@example.org"}).data) == 1


@pytest.mark.parametrize(
    ("fault", "kind"), [("500", stripe.APIError), ("429", stripe.RateLimitError), ("down", stripe.APIConnectionError)]
)
def test_the_api_can_be_made_to_fail_before_it_works(account, fault, kind):
    account.world.switch(api=fault)
    with pytest.raises(kind):
        account.api.customers.create(params={"email": "lost@example.org"})
    account.world.switch()
    assert account.api.customers.list(params={"email": "lost@example.org"}).data == []


def test_an_answer_can_be_lost_after_the_work_and_the_key_finds_it_again(account):
    account.world.switch(api="lost_answer")
    params, options = {"email": "lost@example.org"}, {"idempotency_key": "k"}
    with pytest.raises(stripe.APIConnectionError):
        account.api.customers.create(params=params, options=options)
    account.world.switch()
    found = account.api.customers.create(params=params, options=options)
    assert [found.id] == [one.id for one in account.api.customers.list(params={"email": "lost@example.org"}).data]


def test_a_deleted_customer_is_only_a_memory(account):
    with at(0):
        sub = account.subscribe()
        account.api.customers.delete(account.ana.id)
        assert account.api.customers.retrieve(account.ana.id).deleted
        assert account.see(sub).status == "canceled"
        card = account.api.customers.retrieve(
            account.ana.id, params={"expand": ["invoice_settings.default_payment_method"]}
        )
        of = account.api.subscriptions.retrieve(account.see(sub).id, params={"expand": ["customer"]}).customer
        assert card.to_dict() == of.to_dict() == {"id": account.ana.id, "object": "customer", "deleted": True}
        error = refusal(account.api.customers.update, account.ana.id, params={"name": "x"})
        assert error.code == "resource_missing"


def test_a_card_can_be_taken_off(account):
    with at(0):
        sub = account.subscribe()
        (card,) = account.api.payment_methods.list(params={"customer": account.ana.id}).data
        account.api.payment_methods.detach(card.id)
        assert account.see(sub).default_payment_method is None
        assert account.api.customers.payment_methods.list(account.ana.id).data == []
