"""Time goes by: periods move, drafts wait an hour, banks say no, and are asked again."""

from datetime import UTC, datetime

import pytest
import stripe

from tests.sandbox.stripe.account import at, moment

FAILS_LATER = "4000000000000341"


def day(stamp):
    return datetime.fromtimestamp(stamp, UTC).strftime("%d %b")


def test_the_period_moves_first_and_the_draft_waits_an_hour(account):
    with at(0):
        sub = account.subscribe()
    with at(28.01):
        sub = account.see(sub)
        assert (sub.status, sub.latest_invoice.status) == ("active", "draft")
        assert day(account.item(sub).current_period_start) == "28 Feb"
    with at(28.05):
        assert account.see(sub).latest_invoice.status == "paid"


def test_the_last_of_january_keeps_its_anchor(account):
    with at(0):
        sub = account.subscribe()
    ends = []
    for days in (1, 30, 60, 90):
        with at(days):
            ends.append(day(account.item(sub).current_period_end))
    assert ends == ["28 Feb", "31 Mar", "30 Apr", "31 May"]
    assert account.world.ledger().customers[account.ana.id]["eur"] >= 4000


def test_a_renewal_that_fails_is_tried_after_three_five_and_seven_days(account):
    with at(0):
        sub = account.subscribe(FAILS_LATER)
    seen = []
    for days in (28.1, 31.1, 36.1, 43.1):
        with at(days):
            now = account.see(sub)
            due = now.latest_invoice.next_payment_attempt
            seen.append((now.status, now.latest_invoice.attempt_count, due and day(due)))
    assert seen == [
        ("past_due", 1, "03 Mar"),
        ("past_due", 2, "08 Mar"),
        ("past_due", 3, "15 Mar"),
        ("canceled", 4, None),
    ]
    with at(44):
        assert account.see(sub).cancellation_details.reason == "payment_failed"
        assert account.see(sub).latest_invoice.status == "open"
    assert account.told().count("invoice.payment_failed") == 4


def test_an_account_may_keep_it_unpaid_instead(account):
    account.world.when_retries_end("unpaid")
    with at(0):
        sub = account.subscribe(FAILS_LATER)
    with at(50):
        assert account.see(sub).status == "unpaid"
    with at(60):
        (newest, older, _first) = account.invoices(sub)
        assert (newest.status, newest.auto_advance, older.status) == ("draft", False, "open")


def test_only_the_latest_invoice_brings_it_back(account):
    account.world.when_retries_end("unpaid")
    sub = account.subscribe(FAILS_LATER)
    account.subscribe()
    card = {"payment_method": account.api.payment_methods.list(params={"customer": account.ana.id}).data[0].id}
    with at(60):
        newest, older, _first = account.invoices(sub)
        assert account.api.invoices.pay(older.id, params=card).status == "paid" and account.see(sub).status == "unpaid"
        assert account.api.invoices.pay(newest.id, params=card).status == "paid" and account.see(sub).status == "active"


def test_another_card_pays_what_is_open(account):
    with at(0):
        sub = account.subscribe(FAILS_LATER)
    with at(29):
        invoice = account.see(sub).latest_invoice
        with pytest.raises(stripe.CardError) as no:
            account.api.invoices.pay(invoice.id)
        assert (no.value.code, no.value.error.decline_code) == ("card_declined", "generic_decline")
        setup = account.api.checkout.sessions.create(
            params={
                "mode": "setup",
                "customer": account.ana.id,
                "currency": "eur",
                "success_url": "http://portal.test/ok",
            }
        )
        account.world.pay(setup.id)
        card = account.api.payment_methods.list(params={"customer": account.ana.id}).data[0]
        assert account.api.invoices.pay(invoice.id, params={"payment_method": card.id}).status == "paid"
        assert account.see(sub).status == "active"
        with pytest.raises(stripe.InvalidRequestError, match="already paid"):
            account.api.invoices.pay(invoice.id)


def test_a_bank_that_always_asks_holds_up_the_renewal(account):
    with at(0):
        sub = account.subscribe("4000002760003184")
    with at(28.1):
        assert account.see(sub).status == "past_due"
        (intent, _first) = account.api.payment_intents.list(params={"customer": account.ana.id}).data
        assert (intent.status, intent.next_action.type) == ("requires_action", "redirect_to_url")
    assert "invoice.payment_action_required" in account.told()


def test_a_bank_that_asked_once_lets_renewals_through(account):
    with at(0):
        sub = account.subscribe("4000002500003155")
    with at(29):
        assert account.see(sub).latest_invoice.status == "paid"


def test_it_ends_at_the_end_of_the_period_or_is_taken_back(account):
    with at(0):
        sub, other = account.subscribe(), account.subscribe()
        ending = account.api.subscriptions.update(sub.id, params={"cancel_at_period_end": True})
        assert ending.cancel_at == account.item(sub).current_period_end
        account.api.subscriptions.update(other.id, params={"cancel_at_period_end": True})
        back = account.api.subscriptions.update(other.id, params={"cancel_at_period_end": False})
        assert (back.cancel_at, back.canceled_at) == (None, None)
    with at(29):
        assert [account.see(each).status for each in (sub, other)] == ["canceled", "active"]
        assert len(account.invoices(sub)) == 1
        assert [each.id for each in account.api.subscriptions.list().data] == [other.id]
        assert len(account.api.subscriptions.list(params={"status": "all"}).data) == 2


def test_it_ends_on_a_day_somebody_names(account):
    with at(0):
        sub = account.subscribe()
        account.api.subscriptions.update(sub.id, params={"cancel_at": moment(5)})
    with at(5.01):
        assert (account.see(sub).status, account.see(sub).ended_at) == ("canceled", moment(5))


def test_ending_now_says_why(account):
    with at(1):
        sub = account.subscribe()
        gone = account.api.subscriptions.cancel(sub.id, params={"cancellation_details": {"comment": "moving"}})
        assert (gone.status, gone.cancellation_details.comment) == ("canceled", "moving")
        with pytest.raises(stripe.InvalidRequestError):
            account.api.subscriptions.cancel(sub.id)
    assert account.told()[-1] == "customer.subscription.deleted"


@pytest.mark.parametrize(
    ("behavior", "status"), [("void", "void"), ("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible")]
)
def test_a_paused_collection_asks_for_nothing(account, behavior, status):
    with at(0):
        sub = account.subscribe()
        pause = {"behavior": behavior, "resumes_at": moment(40)}
        account.api.subscriptions.update(sub.id, params={"pause_collection": pause})
    with at(29):
        assert (account.see(sub).status, account.invoices(sub)[0].status) == ("active", status)
    with at(70):
        assert account.see(sub).pause_collection is None and account.invoices(sub)[0].status == "paid"


def test_a_kept_draft_can_be_let_go(account):
    with at(0):
        sub = account.subscribe()
        account.api.subscriptions.update(sub.id, params={"pause_collection": {"behavior": "keep_as_draft"}})
    with at(29):
        account.api.subscriptions.update(sub.id, params={"pause_collection": ""})
        account.api.invoices.update(account.invoices(sub)[0].id, params={"auto_advance": True})
    with at(29.1):
        assert account.invoices(sub)[0].status == "paid"


def test_a_free_time_that_ends_without_a_card_can_pause_and_be_resumed(account):
    pause = {"end_behavior": {"missing_payment_method": "pause"}}
    params = {"customer": account.ana.id, "items": [{"price": account.month}], "trial_period_days": 5}
    sub = account.api.subscriptions.create(params={**params, "trial_settings": pause})
    with at(6):
        assert account.see(sub).status == "paused" and account.told()[-1] == "customer.subscription.paused"
        account.subscribe()
        card = account.api.payment_methods.list(params={"customer": account.ana.id}).data[0]
        settings = {"default_payment_method": card.id}
        account.api.customers.update(account.ana.id, params={"invoice_settings": settings})
        assert account.api.subscriptions.resume(sub.id).status == "active"
    with at(40):
        assert account.see(sub).latest_invoice.status == "paid" and account.item(sub).current_period_start == moment(34)


def test_an_incomplete_beginning_lapses_after_twenty_three_hours(account):
    with at(0):
        params = {"customer": account.ana.id, "items": [{"price": account.month}]}
        sub = account.api.subscriptions.create(params=params)
        assert sub.status == "incomplete"
        with pytest.raises(stripe.CardError):
            account.api.subscriptions.create(params={**params, "payment_behavior": "error_if_incomplete"})
    with at(0.97):
        assert account.see(sub).status == "incomplete_expired" and account.invoices(sub)[0].status == "void"
        assert len(account.api.subscriptions.list(params={"status": "all"}).data) == 1


def test_a_void_invoice_gives_the_standing_credit_back(account):
    with at(0):
        account.api.customers.update(account.ana.id, params={"balance": -300})
        sub = account.subscribe(FAILS_LATER)
        assert sub.latest_invoice.amount_due == 700
        account.api.customers.update(account.ana.id, params={"balance": -200})
    with at(29):
        assert account.see(sub).latest_invoice.amount_due == 800
        account.api.invoices.void_invoice(account.see(sub).latest_invoice.id)
        assert account.api.customers.retrieve(account.ana.id).balance == -200
    with at(40):
        assert account.invoices(sub)[0].attempt_count == 1


def test_a_long_absence_is_caught_up_in_order(account):
    with at(0):
        account.subscribe()
    with at(800):
        account.world.advance()
        paid = account.api.invoices.list(params={"limit": 100, "status": "paid"}).data
    assert len(paid) == 27 and sorted(i.created for i in paid) == [i.created for i in reversed(paid)]
