"""The check itself can fail: an answer out of shape is seen."""

import pytest

from portal.sandbox.stripe.shapes import shown
from tests.sandbox.stripe.account import at
from tests.sandbox.stripe.document import Differs, check_answer, check_object


def raw(account, id):
    with account.world.books() as books:
        return shown(books.get(id))


@pytest.fixture
def subscription(account):
    with at(0):
        return raw(account, account.subscribe().id)


def test_a_subscription_is_in_shape(subscription):
    check_object(subscription)


@pytest.mark.parametrize("field", ["items", "status", "cancel_at_period_end", "start_date"])
def test_a_missing_field_is_seen(subscription, field):
    del subscription[field]
    with pytest.raises(Differs, match=f"subscription.{field} is missing"):
        check_object(subscription)


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "happy"), ("start_date", "today"), ("customer", None), ("cancel_at_period_end", 1), ("metadata", [])],
)
def test_a_wrong_value_is_seen(subscription, field, value):
    with pytest.raises(Differs, match=f"subscription.{field}"):
        check_object({**subscription, field: value})


def test_a_field_nobody_knows_is_seen(subscription):
    with pytest.raises(Differs, match="neither to the document nor to the package"):
        check_object({**subscription, "current_period_end": 1})


def test_a_wrong_thing_deep_inside_is_seen(subscription):
    subscription["items"]["data"][0]["price"]["recurring"]["interval"] = "moon"
    with pytest.raises(Differs, match=r"recurring.interval is 'moon'"):
        check_object(subscription)


def test_an_answer_must_be_what_its_address_promises(subscription):
    with pytest.raises(Differs):
        check_answer("GET", "/v1/customers/cus_1", 200, subscription)
    with pytest.raises(Differs, match="knows no"):
        check_answer("GET", "/v1/wonders", 200, subscription)
