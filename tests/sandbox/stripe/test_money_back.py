"""Money that goes back, and banks that take it."""

import pytest
import stripe

from tests.sandbox.stripe.account import at


@pytest.fixture
def charge(account):
    with at(0):
        account.subscribe()
        return account.api.charges.list(params={"customer": account.ana.id}).data[0]


def test_a_part_then_the_rest_then_no_more(account, charge):
    with at(1):
        part = account.api.refunds.create(params={"payment_intent": charge.payment_intent, "amount": 300})
        assert (part.status, account.api.charges.retrieve(charge.id).refunded) == ("succeeded", False)
        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            account.api.refunds.create(params={"charge": charge.id, "amount": 701})
        assert account.api.refunds.create(params={"charge": charge.id, "metadata": {"by": "us"}}).amount == 700
        with pytest.raises(stripe.InvalidRequestError) as again:
            account.api.refunds.create(params={"charge": charge.id})
        seen = account.api.charges.retrieve(charge.id, params={"expand": ["refunds"]})
        assert len(seen.refunds.data) == len(account.api.refunds.list(params={"charge": charge.id}).data) == 2
        assert again.value.code == "charge_already_refunded" and seen.refunded
        assert account.world.ledger().total == {"eur": 0}
    assert account.told().count("charge.refunded") == 2


def test_a_refund_can_fail_a_day_later(account, charge):
    with at(1):
        account.world.switch(refunds="fail")
        refund = account.api.refunds.create(params={"charge": charge.id})
    with at(2.1):
        assert account.api.refunds.retrieve(refund.id).status == "failed"
        assert account.api.charges.retrieve(charge.id).amount_refunded == 0
        assert account.world.ledger().total == {"eur": 1000}
    assert account.told()[-1] == "refund.failed"


def test_a_payment_is_disputed_a_day_later_and_nobody_answers(account):
    with at(0):
        account.subscribe("4000000000000259")
    with at(1.1):
        (dispute,) = account.api.disputes.list().data
        assert (dispute.status, dispute.amount) == ("needs_response", 1000)
        with pytest.raises(stripe.InvalidRequestError) as no:
            account.api.refunds.create(params={"payment_intent": dispute.payment_intent})
        assert no.value.code == "charge_disputed"
    with at(11.1):
        assert account.api.disputes.retrieve(dispute.id).status == "lost"
        assert account.world.ledger().total == {"eur": 0}


@pytest.mark.parametrize(("won", "stays"), [(True, 1000), (False, 0)])
def test_a_bank_decides(account, charge, won, stays):
    with at(1):
        id = account.world.dispute(charge.payment_intent)
        answered = account.api.disputes.update(id, params={"evidence": {"uncategorized_text": "They were there."}})
        assert answered.status == "under_review"
        account.world.close_dispute(id, won=won)
        assert account.world.ledger().total == {"eur": stays}
        moves = account.api.disputes.retrieve(id).balance_transactions
        assert sum(move.amount for move in moves) == stays - 1000
    assert "charge.dispute.closed" in account.told()


def test_giving_in(account, charge):
    with at(1):
        id = account.world.dispute(charge.payment_intent)
        assert account.api.disputes.close(id).status == "lost"
        with pytest.raises(stripe.InvalidRequestError):
            account.api.disputes.close(id)


def test_every_movement_is_in_the_balance(account, charge):
    with at(1):
        account.api.refunds.create(params={"charge": charge.id, "amount": 400})
        moves = account.api.balance_transactions.list().data
    assert [(move.type, move.amount) for move in moves] == [("refund", -400), ("charge", 1000)]
    assert moves[1].net == 1000 - moves[1].fee
